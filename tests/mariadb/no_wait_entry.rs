//! The entry that makes the DDL of an unmodified Python program no-wait, with a real driver. `CROSSFADE_PYTHON` names
//! a Python that has `PyMySQL` or `mysqlclient` (default: `python3`); without a driver the tests say so and pass.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::site::{Site, wait_for};

fn python() -> PathBuf {
    std::env::var_os("CROSSFADE_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

/// The drivers that this Python has.
fn drivers() -> Vec<&'static str> {
    let has = |driver: &str| {
        Command::new(python())
            .args(["-c", &format!("import {driver}")])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let found: Vec<&str> = ["pymysql", "MySQLdb"].into_iter().filter(|driver| has(driver)).collect();
    if found.is_empty() {
        println!(
            "skipped: {} has neither pymysql nor MySQLdb; CROSSFADE_PYTHON names another",
            python().display()
        );
    }
    found
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
        let program = connect(&site, driver)
            + "cursor.execute('SET SESSION lock_wait_timeout = 1234')\n\
               cursor.execute('/* app */ ALTER TABLE tabOrder ADD COLUMN late int')\n\
               cursor.execute('SELECT @@SESSION.lock_wait_timeout')\n\
               print(cursor.fetchall())\n\
               cursor.execute('INSERT INTO tabOrder (name, title) VALUES (%s, %s)', ('P1', 'ALTER TABLE'))\n\
               print(cursor.rowcount)\n\
               cursor.execute('SELECT title FROM tabOrder WHERE name = %s', ('P1',))\n\
               print(cursor.fetchall())\n\
               connection.commit()\n";
        let (server, name) = (site.server, site.name.clone());
        let holder = std::thread::spawn(move || {
            server.client(
                &name,
                "base",
                &name,
                "START TRANSACTION; SELECT * FROM tabOrder; DO SLEEP(3); COMMIT",
            )
        });
        let user = format!(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{}' AND info LIKE '%SLEEP%'",
            site.name
        );
        wait_for("the blocker", || server.root(&user) == "1");
        let (output, slowest) = std::thread::scope(|scope| {
            let migrate = scope.spawn(|| run(&site, &program, &[("CROSSFADE_DDL_SECONDS", "60")]));
            let mut slowest = 0;
            while !migrate.is_finished() {
                let begun = std::time::Instant::now();
                // Not NOWAIT: that may meet the instant of the ALTER itself.
                site.base("SELECT name FROM tabOrder WHERE name = 'O2' FOR UPDATE");
                slowest = slowest.max(begun.elapsed().as_millis());
            }
            (migrate.join().unwrap(), slowest)
        });
        holder.join().unwrap().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{err}");
        assert_eq!(out, "((1234,),)\n1\n(('ALTER TABLE',),)\n", "{driver}");
        let line: serde_json::Value = serde_json::from_str(err.lines().next().unwrap()).unwrap();
        assert!(line["tries"].as_u64().unwrap() > 5, "{driver}: {line}");
        assert!(slowest < 2500, "{driver}: a reader waited {slowest} ms");
        println!("{driver}: {line}, slowest read beside it {slowest} ms");
        assert_eq!(err.lines().count(), 1, "only DDL is told: {err}");
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
