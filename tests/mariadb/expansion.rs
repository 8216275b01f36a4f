//! The steps on the tables: they run once, never wait, and blue does not notice.

use super::holder::{Holder, STANDS};
use super::plans;
use super::site::{Site, wait_for};
use super::started::Started;

#[test]
#[ignore = "needs mariadbd"]
fn an_expand_runs_every_step_once_and_blue_keeps_its_shape() {
    let site = Site::small("exp_once");
    site.plan(plans::additive());
    site.run("isolate", &[]).ok();
    site.run("handover", &["--quiet-seconds", "1"]).ok();
    let output = site.run("expand", &[]).ok();
    assert!(output.contains("5 steps ran, 0 were in effect"), "{output}");
    let output = site.run("expand", &[]).ok();
    assert!(output.contains("0 steps ran, 5 were in effect"), "{output}");
    site.run("verify", &[]).ok();
    site.base("INSERT INTO tabOrder (name, channel) VALUES ('G1', 'app')");
    site.blue("INSERT INTO tabOrder (name) VALUES ('B1')");
    assert_eq!(site.base("SELECT channel FROM tabOrder WHERE name = 'B1'"), "web");
    assert!(site.blue("SELECT * FROM tabOrder WHERE name = 'G1'").split('\t').count() == 4);
    let ledger = "SELECT part, step, state, attempts FROM __crossfade_ledger ORDER BY id";
    assert_eq!(
        site.admin(ledger),
        "isolate\tschema\tdone\t1\nisolate\tuser\tdone\t1\nisolate\tsettle\tdone\t1\nexpand\t0001\tdone\t1\nexpand\t0002\tdone\t1\n\
         expand\t0003\tdone\t1\nexpand\t0004\tdone\t1\nexpand\t0005\tdone\t1"
    );
}

#[test]
#[ignore = "needs mariadbd"]
fn what_blue_deletes_leaves_no_orphans_in_a_child_table_it_does_not_know() {
    let site = Site::small("exp_orphans");
    site.plan(plans::additive());
    site.expanded();
    site.base("INSERT INTO `tabOrder Tax` VALUES ('T1', 'O1', 'taxes', 'Order', 5), ('T2', 'O2', 'taxes', 'Order', 6)");
    site.blue("DELETE FROM tabOrder WHERE name = 'O1'");
    assert_eq!(site.base("SELECT name FROM `tabOrder Tax`"), "T2");
}

#[test]
#[ignore = "needs mariadbd"]
fn verify_names_everything_that_is_missing() {
    let site = Site::small("exp_missing");
    site.plan(plans::additive());
    site.expanded();
    site.admin(
        "ALTER TABLE tabOrder DROP INDEX channel_index; DROP TRIGGER __crossfade_orphans_order; \
         DROP TRIGGER __crossfade_singles_delete; DROP VIEW exp_missing__r1.`tabOrder Item`; \
         ALTER TABLE tabLine DROP COLUMN text; DROP TABLE exp_missing__r1.tabDocField",
    );
    let ran = site.run("verify", &[]);
    assert_eq!(ran.code, 1);
    for missing in [
        "step 0002 (step 0002) is not in effect",
        "step 0004 (step 0004) is not in effect",
        "__crossfade_singles_delete",
        "tabOrder Item is not in blue's schema",
        "blue's view of tabLine cannot be read",
        "tabDocField is not in blue's schema",
    ] {
        assert!(ran.output.contains(missing), "{missing}: {}", ran.output);
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn ddl_never_makes_a_reader_wait_and_names_who_blocks_it() {
    let site = Site::small("exp_busy");
    site.plan(plans::additive());
    site.run("isolate", &[]).ok();
    let holder = Holder::new(
        site.server,
        site.blue_login(),
        "START TRANSACTION; SELECT * FROM tabOrder; DO SLEEP(600)",
    );
    let failed = std::thread::scope(|scope| {
        let expand = scope.spawn(|| site.run("expand", &["--ddl-budget", "2"]));
        let mut slowest = 0;
        while !expand.is_finished() {
            let begun = std::time::Instant::now();
            read_at_once(&site);
            slowest = slowest.max(begun.elapsed().as_millis());
        }
        println!("slowest read beside a blocked DDL: {slowest} ms");
        assert!(slowest < 3000, "{slowest} ms");
        expand.join().unwrap()
    });
    assert_eq!(failed.code, 1, "{}", failed.output);
    assert!(failed.output.contains("of user exp_busy__r1 has a transaction open for"), "{}", failed.output);
    assert!(failed.output.contains(STANDS), "{}", failed.output);
    // With a budget that outlasts the transaction the same step gets through.
    let expand = Started::new(&site, "expand", &[]);
    wait_for("a busy table", || expand.said("the table is busy"));
    holder.leave();
    assert!(expand.end().ok().contains(" busy tries"));
}

/// A read that does not wait, sent again as blue's image sends it (the no-wait entry) when it fell into the instant
/// in which a DDL asks for its lock. A DDL that stands in the queue refuses it for as long as it stands there.
fn read_at_once(site: &Site) {
    let read = "SELECT name FROM tabOrder WHERE name = 'O2' FOR UPDATE NOWAIT";
    let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
    while let Err(error) = site.try_blue(read) {
        assert!(error.contains("ERROR 1205") && std::time::Instant::now() < until, "{error}");
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn an_expand_does_not_begin_while_blue_is_on_the_tables() {
    let site = Site::small("exp_early");
    site.plan(plans::additive());
    site.run("isolate", &[]).ok();
    let holder = Holder::new(site.server, ["exp_early", "base", "exp_early"], "DO SLEEP(600)");
    let early = site.run("expand", &["--connection-wait", "0"]);
    assert_eq!(early.code, 1, "{}", early.output);
    assert!(early.output.contains("1 still connected as exp_early, from "), "{}", early.output);
    let handover = Started::new(&site, "handover", &["--quiet-seconds", "1"]);
    wait_for("the connection to be seen", || handover.said("still connected as exp_early"));
    holder.leave();
    handover.end().ok();
    site.run("expand", &[]).ok();
}

/// Frappe 16: the tables' own user may have a name of its own.
#[test]
#[ignore = "needs mariadbd"]
fn a_user_of_another_name_than_the_database_is_waited_for() {
    let site = Site::small("exp_user");
    site.server.root(
        "CREATE USER exp_app@'%' IDENTIFIED BY 'app'; GRANT ALL PRIVILEGES ON exp_user.* TO exp_app@'%'",
    );
    site.plan(plans::additive());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).into_os_string().into_string().unwrap();
    let (now, blue) = (path("now.json"), path("blue.json"));
    std::fs::write(&now, r#"{"db_name": "exp_user", "db_user": "exp_app", "db_password": "app"}"#).unwrap();
    let connected = || Holder::new(site.server, ["exp_app", "app", "exp_user"], "DO SLEEP(600)");
    let holder = connected();
    let isolate = ["--site-config", &now, "--site-config-out", &blue, "--until-idle", "1"];
    let mut isolate = Started::new(&site, "isolate", &isolate);
    wait_for("the connection to be seen", || {
        isolate.said("[handover] 0/1 1 still connected as exp_app, from ")
    });
    assert!(isolate.is_at_work());
    holder.leave();
    let waited = isolate.end().ok();
    assert!(waited.contains("no connection of exp_app for 1 s"), "{waited}");
    for (command, more) in [("expand", &[][..]), ("rollback", &["--stage", "tables"])] {
        let user = [more, &["--user", "exp_app"]].concat();
        let holder = connected();
        let early = site.run(command, &[&user[..], &["--connection-wait", "0"]].concat());
        assert_eq!(early.code, 1, "{}", early.output);
        assert!(early.output.contains("1 still connected as exp_app, from "), "{}", early.output);
        holder.leave();
        site.run(command, &user).ok();
    }
}
