//! The entry that makes the DDL of an unmodified Python program no-wait, with the real drivers of Frappe 13 to 15 and of
//! Frappe 16. `CROSSFADE_PYTHON` names a Python that has both (default: `python3`).

use std::path::PathBuf;
use std::process::{Command, Output};

use super::site::{Site, wait_for};

pub(crate) fn python() -> PathBuf {
    std::env::var_os("CROSSFADE_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

/// The drivers of the two. A Python that lacks one would prove nothing of it.
fn drivers() -> [&'static str; 2] {
    let drivers = ["pymysql", "MySQLdb"];
    for driver in drivers {
        let has = Command::new(python()).args(["-c", &format!("import {driver}")]).output().unwrap();
        let python = python();
        assert!(has.status.success(), "{} has no {driver}: `make setup` installs it", python.display());
    }
    drivers
}

/// Runs a program with the installed entry first on its path.
fn run(site: &Site, program: &str, more: &[(&str, &str)]) -> Output {
    let directory = site.server.directory.join(format!("entry-{}", site.name));
    let installed =
        Command::new(env!("CARGO_BIN_EXE_crossfade")).arg("install").arg(&directory).output().unwrap();
    assert!(installed.status.success());
    let mut path = directory.join("entry").into_os_string();
    for (name, value) in more {
        if *name == "PYTHONPATH" {
            path.push(":");
            path.push(value);
        }
    }
    let others = more.iter().filter(|(name, _)| *name != "PYTHONPATH").copied();
    Command::new(python()).args(["-c", program]).envs(others).env("PYTHONPATH", path).output().unwrap()
}

fn connect(site: &Site, driver: &str) -> String {
    format!(
        "import {driver} as driver\n\
         connection = driver.connect(host='127.0.0.1', port={}, user='{name}', password='base', database='{name}')\n\
         cursor = connection.cursor()\n",
        site.server.port,
        name = site.name
    )
}

#[test]
#[ignore = "needs mariadbd"]
fn ddl_of_a_python_program_retries_instead_of_waiting() {
    for driver in drivers() {
        let site = Site::small(&format!("entry_{}", driver.to_lowercase()));
        // Nobody holds the table until the program can begin: on a busy machine Python takes seconds to start.
        let program = connect(&site, driver)
            + "cursor.execute('SELECT GET_LOCK(DATABASE(), 0)')\n\
               cursor.fetchall()\n\
               held = 0\n\
               while not held:\n    \
                   cursor.execute(\"SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%'\")\n    \
                   held = cursor.fetchall()[0][0]\n\
               cursor.execute('SET SESSION lock_wait_timeout = 1234')\n\
               cursor.execute('/* app */ ALTER TABLE tabOrder ADD COLUMN late int')\n\
               cursor.execute('SELECT @@SESSION.lock_wait_timeout')\n\
               print(cursor.fetchall())\n\
               cursor.execute('INSERT INTO tabOrder (name, title) VALUES (%s, %s)', ('P1', 'ALTER TABLE'))\n\
               print(cursor.rowcount)\n\
               cursor.execute('SELECT title FROM tabOrder WHERE name = %s', ('P1',))\n\
               print(cursor.fetchall())\n\
               connection.commit()\n";
        let (server, name) = (site.server, site.name.clone());
        let (output, slowest) = std::thread::scope(|scope| {
            let migrate = scope.spawn(|| run(&site, &program, &[("CROSSFADE_DDL_SECONDS", "60")]));
            let ready = format!("SELECT IS_USED_LOCK('{name}') IS NOT NULL");
            wait_for("the program", || server.root(&ready) == "1");
            let held = "START TRANSACTION; SELECT * FROM tabOrder; DO SLEEP(3); COMMIT";
            let holder = scope.spawn(|| server.client(&name, "base", &name, held));
            let mut slowest = 0;
            while !migrate.is_finished() {
                let begun = std::time::Instant::now();
                // Not NOWAIT: that may meet the instant of the ALTER itself.
                site.base("SELECT name FROM tabOrder WHERE name = 'O2' FOR UPDATE");
                slowest = slowest.max(begun.elapsed().as_millis());
            }
            holder.join().unwrap().unwrap();
            (migrate.join().unwrap(), slowest)
        });
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{err}");
        assert_eq!(out, "((1234,),)\n1\n(('ALTER TABLE',),)\n", "{driver}");
        let line: serde_json::Value = serde_json::from_str(err.lines().next().unwrap()).unwrap();
        assert!(line["tries"].as_u64().unwrap() > 5, "{driver}: {line}");
        assert!(slowest < 2500, "{driver}: a reader waited {slowest} ms");
        println!("{driver}: {line}, slowest read beside it {slowest} ms");
        // What the operator shows of it: three of sixty seconds, in tries and percent.
        let sum: serde_json::Value = serde_json::from_str(err.lines().last().unwrap()).unwrap();
        let figures = &sum["figures"];
        assert!(figures["lockWaits"].as_u64().unwrap() > 5, "{driver}: {sum}");
        let percent = figures["lockBudgetUsedPercent"].as_u64().unwrap();
        assert!((1..=15).contains(&percent), "{driver}: {sum}");
        assert_eq!(err.lines().count(), 2, "only DDL is told, and the sum: {err}");
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn after_its_bound_the_servers_own_error_reaches_the_program() {
    for driver in drivers() {
        let site = Site::small(&format!("entrybound_{}", driver.to_lowercase()));
        let program = format!(
            "{}other = driver.connect(host='127.0.0.1', port={}, user='{name}', password='base', database='{name}')\n\
             holder = other.cursor()\n\
             holder.execute('START TRANSACTION')\n\
             holder.execute('SELECT * FROM tabOrder')\n\
             holder.fetchall()\n\
             try:\n    cursor.execute('ALTER TABLE tabOrder ADD COLUMN never int')\n\
             except driver.OperationalError as error:\n    print(error.args[0])\n\
             other.rollback()\n\
             cursor.execute('ALTER TABLE tabOrder ADD COLUMN now int')\n\
             try:\n    cursor.execute('ALTER TABLE tabNone ADD COLUMN x int')\n\
             except driver.ProgrammingError as error:\n    print(error.args[0])\n",
            connect(&site, driver),
            site.server.port,
            name = site.name
        );
        let output = run(&site, &program, &[("CROSSFADE_DDL_SECONDS", "1")]);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(out, "1205\n1146\n", "{driver}: {err}");
        let line: serde_json::Value = serde_json::from_str(err.lines().next().unwrap()).unwrap();
        let spent = line["ms"].as_u64().unwrap();
        assert!(
            (1000..5000).contains(&spent) && line["error"] == 1205,
            "{driver}: the bound was a second: {line}"
        );
    }
}

/// Four users whose transactions overlap, so that one of them has the table at each instant.
#[test]
#[ignore = "needs mariadbd"]
fn ddl_gets_into_a_table_that_is_never_idle() {
    for driver in drivers() {
        let site = Site::small(&format!("entrybusy_{}", driver.to_lowercase()));
        let program = format!(
            "{}import threading, time\n\
             over = threading.Event()\n\
             at_work = threading.Barrier(5)\n\
             def user(seconds):\n    \
                 mine = driver.connect(host='127.0.0.1', port={}, user='{name}', password='base', database='{name}')\n    \
                 sent = mine.cursor()\n    \
                 first = True\n    \
                 while not over.is_set():\n        \
                     sent.execute('SELECT title FROM tabOrder')\n        \
                     sent.fetchall()\n        \
                     if first:\n            first = at_work.wait() < 0\n        \
                     over.wait(seconds)\n        \
                     mine.commit()\n\
             users = [threading.Thread(target=user, args=(seconds,)) for seconds in (0.23, 0.29, 0.37, 0.43)]\n\
             for each in users:\n    each.start()\n\
             at_work.wait()\n\
             try:\n    cursor.execute('ALTER TABLE tabOrder ADD COLUMN late int')\n\
             except driver.OperationalError as error:\n    print(error.args[0])\n\
             over.set()\n\
             for each in users:\n    each.join()\n",
            connect(&site, driver),
            site.server.port,
            name = site.name
        );
        let output = run(&site, &program, &[("CROSSFADE_DDL_SECONDS", "9")]);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && out.is_empty(), "{driver}: {out} {err}");
        let line: serde_json::Value = serde_json::from_str(err.lines().next().unwrap()).unwrap();
        // Not before a third of the bound: until then nobody waits for it.
        assert!(line["error"] == 0 && line["ms"].as_u64().unwrap() >= 3000, "{driver}: {line}");
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn another_sitecustomize_runs_as_well_and_a_broken_one_stops_nothing() {
    let site = Site::small("entry_chain");
    let other = tempfile::tempdir().unwrap();
    let path = other.path().display().to_string();
    std::fs::write(other.path().join("sitecustomize.py"), "print('the other one')\n").unwrap();
    let output = run(&site, "print('started')", &[("PYTHONPATH", &path)]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the other one\nstarted\n");
    std::fs::write(other.path().join("sitecustomize.py"), "raise RuntimeError('broken')\n").unwrap();
    let output = run(&site, "print('started')", &[("PYTHONPATH", &path)]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "started\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("another sitecustomize failed: broken"));
}

#[test]
#[ignore = "needs mariadbd"]
fn a_nowait_read_outlives_the_instant_of_a_ddl_and_not_another_users_lock() {
    for driver in drivers() {
        let site = Site::small(&format!("entrynowait_{}", driver.to_lowercase()));
        let other = format!(
            "other = driver.connect(host='127.0.0.1', port={}, user='{name}', password='base', database='{name}')\n\
             holder = other.cursor()\n",
            site.server.port,
            name = site.name
        );
        let read = "try:\n    cursor.execute(\"SELECT title FROM tabOrder WHERE name = 'O1' FOR UPDATE NOWAIT\")\n    \
                    print(cursor.fetchall())\n\
                    except driver.OperationalError as error:\n    print(error.args[0])\n";
        // A table that is locked as a whole for 300 ms, as by an ALTER at work; then a row that somebody has.
        let program = connect(&site, driver)
            + &other
            + "import threading, time\n\
               holder.execute('LOCK TABLES tabOrder WRITE')\n\
               threading.Timer(0.3, lambda: holder.execute('UNLOCK TABLES')).start()\n"
            + read
            + "connection.rollback()\n\
               holder.execute('START TRANSACTION')\n\
               holder.execute(\"SELECT title FROM tabOrder WHERE name = 'O1' FOR UPDATE\")\n\
               holder.fetchall()\n\
               begun = time.monotonic()\n"
            + read
            + "print(1.9 < time.monotonic() - begun < 5)\n";
        let out = |more: &[(&str, &str)]| {
            let output = run(&site, &program, more);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(out(&[]), "(('one',),)\n1205\nTrue\n", "{driver}");
        assert_eq!(
            out(&[("CROSSFADE_NOWAIT_SECONDS", "0")]),
            "1205\n1205\nFalse\n",
            "{driver}: what it is without"
        );
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn an_alter_never_copies_a_table_that_blue_reads() {
    for driver in drivers() {
        let site = Site::small(&format!("entrycopy_{}", driver.to_lowercase()));
        site.plan(super::plans::additive());
        site.expanded();
        let qualified = format!("ALTER TABLE `{}` . tabOrder MODIFY title text", site.name);
        // Each statement, and the number of the error that it must end with.
        let statements = [
            ("ALTER TABLE `tabOrder` MODIFY `title` text", 1846),
            ("alter table tabOrder modify title varchar(20) -- shorter", 1846),
            ("ALTER IGNORE TABLE `tabOrder` MODIFY `title` text", 1846),
            (qualified.as_str(), 1846),
            ("ALTER TABLE tabOrder MODIFY title text, LOCK=SHARED", 1846),
            ("ALTER TABLE tabOrder ALGORITHM=DEFAULT, MODIFY title text", 1846),
            (
                "ALTER TABLE `tabOrder` ADD COLUMN `extra` varchar(140), MODIFY `amount` decimal(21,9) NOT NULL DEFAULT 0",
                0,
            ),
            ("ALTER TABLE `tabOrder` ADD INDEX `title_index` (`title`)", 0),
            ("ALTER TABLE `tabOrder` ADD UNIQUE INDEX IF NOT EXISTS extra (`extra`);", 0),
            // Blue has a copy of its own of this one, and does not know that one.
            ("ALTER TABLE `tabWorkspace` MODIFY `title` text", 0),
            ("CREATE TABLE `tabGreen` (name varchar(140) PRIMARY KEY, x varchar(140))", 0),
            ("ALTER TABLE `tabGreen` MODIFY `x` text", 0),
            ("ALTER TABLE __global_search MODIFY content longtext", 0),
            ("ALTER TABLE `tabOrder` FORCE, ALGORITHM=COPY, LOCK=SHARED", 1846),
            ("ALTER TABLE `tabNone` ADD COLUMN x int", 1146),
            ("UPDATE `tabOrder` SET `title` = `name`", 0),
            ("UPDATE `tabOrder` SET `title` = 'one' WHERE name = 'O1'", 0),
            ("UPDATE `tabOrder` SET `title` = 'many' WHERE name IN ('O1', 'O2')", 0),
        ];
        let list: Vec<&str> = statements.iter().map(|(sql, _)| *sql).collect();
        let program = connect(&site, driver)
            + &format!(
                "for statement in {}:\n    try:\n        cursor.execute(statement)\n        print(0)\n    \
                 except driver.Error as error:\n        print(error.args[0])\n\
                 connection.commit()\n",
                serde_json::to_string(&list).unwrap()
            );
        let more = [("CROSSFADE_DDL_SECONDS", "20"), ("CROSSFADE_MANY_ROWS", "2")];
        let output = run(&site, &program, &more);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let wanted: Vec<String> = statements.iter().map(|(_, number)| number.to_string()).collect();
        assert_eq!(out.lines().collect::<Vec<_>>(), wanted, "{driver}: {err}");
        let lines: Vec<serde_json::Value> =
            err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for named in ["whole-table", "many-rows"] {
            let told: Vec<_> = lines.iter().filter(|line| line["crossfade"] == named).collect();
            assert_eq!((told.len(), &told[0]["rows"]), (1, &2.into()), "{driver}: {err}");
        }
        let sum = lines.last().unwrap();
        assert_eq!((&sum["crossfade"], &sum["ddl"], &sum["refused"]), (&"sum".into(), &15.into(), &7.into()));
        // A window in which blue does not serve.
        let program = connect(&site, driver) + "cursor.execute('ALTER TABLE tabOrder MODIFY title text')\n";
        let more = [("CROSSFADE_DDL_SECONDS", "20"), ("CROSSFADE_COPY", "allow")];
        let output = run(&site, &program, &more);
        assert!(output.status.success(), "{driver}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The next one may be in a maintenance window, where no blue reads anything.
#[test]
#[ignore = "needs mariadbd"]
fn a_release_that_is_over_keeps_no_table_from_being_copied() {
    let ends: [(&str, &[&[&str]]); 2] = [
        ("contracted", &[&["contract", "--without-backup"]]),
        ("back", &[&["rollback", "--stage", "tables"], &["rollback", "--stage", "finish"]]),
    ];
    for (name, commands) in ends {
        let site = Site::small(&format!("entryover_{name}"));
        site.plan(super::plans::additive());
        site.expanded();
        let program =
            connect(&site, "pymysql") + "cursor.execute('ALTER TABLE tabOrder MODIFY title text')\n";
        let migrated = || run(&site, &program, &[("CROSSFADE_DDL_SECONDS", "20")]).status.success();
        assert!(!migrated(), "{name}: blue reads the table");
        for command in commands {
            site.run(command[0], &command[1..]).ok();
        }
        assert!(migrated(), "{name}");
    }
}

/// Without a guard a migrate must not go on.
#[test]
#[ignore = "needs mariadbd"]
fn a_driver_that_is_not_known_ends_a_migrate_and_nothing_else() {
    let site = Site::small("entry_driver");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    std::fs::create_dir(folder.path().join("pymysql")).unwrap();
    for file in ["__init__.py", "connections.py"] {
        std::fs::write(folder.path().join("pymysql").join(file), "").unwrap();
    }
    let more = [("PYTHONPATH", path.as_str()), ("CROSSFADE_DDL_SECONDS", "1")];
    let output = run(&site, "import pymysql.connections\nprint('ran')", &more);
    assert!(!output.status.success() && output.stdout.is_empty());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("pymysql.connections has no Connection.query")
            && error.contains("nothing was changed"),
        "{error}"
    );
    assert!(run(&site, "import pymysql.connections", &more[..1]).status.success());
    let more = [("CROSSFADE_FRAPPE", "all"), ("CROSSFADE_DDL_SECONDS", "1"), ("PYTHONPATH", path.as_str())];
    std::fs::create_dir(folder.path().join("frappe")).unwrap();
    std::fs::write(folder.path().join("frappe/__init__.py"), "__version__ = '15.0.0'\n").unwrap();
    assert!(!run(&site, "import frappe", &more).status.success(), "CROSSFADE_FRAPPE cannot be read");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_frappe_that_nobody_has_looked_at_is_told_before_its_migrate_begins() {
    let site = Site::small("entry_versions");
    let bench = tempfile::tempdir().unwrap();
    let path = bench.path().display().to_string();
    std::fs::create_dir(bench.path().join("frappe")).unwrap();
    for (version, more, is_run) in [
        ("13.58.0", None, true),
        ("16.0.0-dev", None, true),
        ("17.1.0", None, false),
        ("12.0.0", None, false),
        ("develop", None, false),
        ("17.1.0", Some(("CROSSFADE_FRAPPE", "13-17")), true),
    ] {
        let source = format!("__version__ = '{version}'\n");
        std::fs::write(bench.path().join("frappe/__init__.py"), source).unwrap();
        let mut variables = vec![
            ("PYTHONPATH", path.as_str()),
            ("CROSSFADE_DDL_SECONDS", "1"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ];
        variables.extend(more);
        let output = run(&site, "import frappe\nprint('ran')", &variables);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), is_run, "{version}: {err}");
        assert_eq!(err.contains("nothing was changed"), !is_run, "{version}: {err}");
        // Web and workers have no such bound: only a migrate can harm the old version.
        variables.retain(|(name, _)| *name != "CROSSFADE_DDL_SECONDS");
        assert!(run(&site, "import frappe", &variables).status.success(), "{version}");
    }
}

/// Also on a connection that the driver made again: the triggers of users' own documents look at it.
#[test]
#[ignore = "needs mariadbd"]
fn each_connection_of_a_migrate_says_so_and_no_other_program_does() {
    for driver in drivers() {
        let site = Site::small(&format!("entrymark_{}", driver.to_lowercase()));
        let program = connect(&site, driver)
            + "for each in (connection, driver.connect(**again)):\n    \
                   cursor = each.cursor()\n    \
                   cursor.execute('SELECT @crossfade_migrate')\n    \
                   print(cursor.fetchall()[0][0])\n";
        let again = format!(
            "again = dict(host='127.0.0.1', port={}, user='{name}', password='base', database='{name}')\n",
            site.server.port,
            name = site.name
        );
        let mut program = again + &program;
        if driver == "pymysql" {
            // PyMySQL alone can connect the same object again.
            program += "connection.close()\nconnection.connect()\ncursor = connection.cursor()\n\
                        cursor.execute('SELECT @crossfade_migrate')\nprint(cursor.fetchall()[0][0])\n";
        }
        for (environment, said) in [(&[("CROSSFADE_DDL_SECONDS", "1")][..], "1"), (&[], "None")] {
            let output = run(&site, &program, environment);
            let error = String::from_utf8_lossy(&output.stderr);
            let out = String::from_utf8_lossy(&output.stdout);
            let expected = if driver == "pymysql" { 3 } else { 2 };
            assert!(
                out.lines().count() == expected && out.lines().all(|line| line == said),
                "{driver}: {out}{error}"
            );
        }
    }
}
