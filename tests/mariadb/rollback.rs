//! The way back: blue gets its tables exactly as it left them, and does not notice.

use std::time::Duration;

use super::plans;
use super::site::Site;
use super::traffic::Client;

#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_gives_blue_its_tables_back_under_its_feet() {
    let site = Site::small("rb_restore");
    let before = site.traces();
    let metadata = "SELECT * FROM tabDocType ORDER BY name; SELECT * FROM tabDocField ORDER BY name; SELECT * FROM `tabCustom Field`";
    let metadata_before = site.base(metadata);
    site.plan(plans::additive());
    site.expanded();
    // Green's migrate rewrites the metadata, widens it, and empties what blue has made its own.
    site.base(
        "ALTER TABLE tabDocType ADD COLUMN migration_hash varchar(140); DELETE FROM tabDocType; \
         INSERT INTO tabDocType (name, migration_hash) VALUES ('Order', 'abc'), ('Order Tax', 'def'); \
         UPDATE tabDocField SET fieldname = 'changed'; DELETE FROM tabWorkspace",
    );
    site.base("UPDATE tabSingles SET value = 'by green' WHERE doctype = 'Settings' AND field = 'colour'");
    site.base("INSERT INTO tabOrder (name, title, channel) VALUES ('G1', 'of green', 'app')");
    site.blue("INSERT INTO tabWorkspace VALUES ('Mine', 'of blue', 1)");
    let clients = load(&site);
    site.run("rollback", &["--stage", "tables"]).ok();
    // Blue reads and writes the base's tables through its schema now; a few requests of it, then it goes back.
    let written = site.base("SELECT COUNT(*) FROM tabOrder WHERE title = 'load'").parse::<u64>().unwrap();
    super::site::wait_for("requests after the swap", || {
        site.base("SELECT COUNT(*) FROM tabOrder WHERE title = 'load'").parse::<u64>().unwrap() > written + 20
    });
    assert_eq!(site.base(metadata), metadata_before, "on the tables");
    assert_eq!(site.blue(metadata), metadata_before, "through the stand-by views");
    let seen: Vec<_> = clients.into_iter().map(Client::end).collect();
    let requests: u64 = seen.iter().map(|seen| seen.statements / 4).sum();
    let slowest = seen.iter().map(|seen| seen.slowest_milliseconds).max().unwrap();
    println!("{requests} requests of blue during a rollback, slowest {slowest} ms");
    for seen in &seen {
        assert!(seen.errors.is_empty(), "{:?}", seen.errors);
    }
    let load = site.base("SELECT COUNT(*) FROM tabOrder WHERE title = 'load'");
    assert_eq!(load, requests.to_string());
    let counted = site.base("SELECT SUM(idx) FROM tabWorkspace").parse::<u64>().unwrap();
    assert_eq!(counted, requests + 1 + 2 + 1, "every write of blue to its copy counts");
    assert_eq!(site.base("SELECT value FROM tabSingles WHERE field = 'colour'"), "by green");
    assert_eq!(site.base("SELECT title FROM tabOrder WHERE name = 'G1'"), "of green");
    assert_eq!(site.blue("SELECT title FROM tabWorkspace WHERE name = 'Mine'"), "of blue");
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
    let left: Vec<String> =
        site.traces().lines().filter(|line| !before.contains(line)).map(str::to_owned).collect();
    assert_eq!(
        left,
        [
            "object\ttabOrder Tax\tBASE TABLE",
            "object\ttax_id_seq\tSEQUENCE",
            "object\t__crossfade_ledger\tBASE TABLE"
        ]
    );
    // The same release can be tried again, under the same name.
    site.expanded();
    site.run("contract", &[]).ok();
}

/// As a contract that was killed before its first step leaves blue, and as a server that stopped within a swap leaves a table.
#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_opens_blues_door_and_finishes_half_a_swap() {
    let site = Site::small("rb_half");
    site.plan(plans::additive());
    site.expanded();
    site.base("UPDATE tabDocType SET module = 'of green'");
    let standby = format!("rb_half__r1.__crossfade_standby_{}", super::isolation::short_hash("tabDocType"));
    site.server.root(&format!(
        "ALTER USER rb_half__r1@'%' ACCOUNT LOCK; CREATE DATABASE rb_half__r1__trash; \
         CREATE VIEW {standby} AS SELECT name, module, custom FROM rb_half.tabDocType; \
         RENAME TABLE rb_half.tabDocType TO rb_half__r1__trash.tabDocType"
    ));
    site.run("rollback", &["--stage", "tables"]).ok();
    let module = "SELECT module FROM tabDocType WHERE name = 'Order'";
    assert_eq!((site.blue(module), site.base(module)), ("Sales".to_owned(), "Sales".to_owned()));
    site.run("rollback", &["--stage", "finish"]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_that_must_queue_ends_nobodys_transaction() {
    let site = Site::small("rb_busy");
    site.plan(plans::additive());
    site.expanded();
    let url = site.url(&site.schema, "blue%27s%20%5C%20%22secret%22", &site.schema);
    // No moment without somebody on each table, and everybody goes on from one to another, in both directions.
    let clients: Vec<Client> = (0..8)
        .map(|client| {
            Client::start(vec![url.clone()], move |number| {
                let mut tables = ["tabDocType", "tabDocField", "tabWorkspace"];
                tables.rotate_left((client + usize::try_from(number).unwrap()) % 3);
                if client % 2 == 0 {
                    tables.reverse();
                }
                tables
                    .map(|table| {
                        format!("SELECT COUNT(*), SLEEP(0.03) FROM (SELECT name FROM {table} LIMIT 1) AS one")
                    })
                    .to_vec()
            })
        })
        .collect();
    site.run("rollback", &["--stage", "tables", "--ddl-budget", "12"]).ok();
    let seen: Vec<_> = clients.into_iter().map(Client::end).collect();
    let requests: u64 = seen.iter().map(|seen| seen.statements / 3).sum();
    let slowest = seen.iter().map(|seen| seen.slowest_milliseconds).max().unwrap();
    println!("{requests} requests of blue, slowest {slowest} ms");
    for seen in &seen {
        assert!(seen.errors.is_empty(), "{:?}", seen.errors);
    }
    assert_eq!(site.blue("SELECT COUNT(*) FROM tabDocType"), site.base("SELECT COUNT(*) FROM tabDocType"));
}

/// A Pod that has not read its configuration yet is connected only while it answers a request.
#[test]
#[ignore = "needs mariadbd"]
fn blues_schema_stays_while_a_pod_still_comes_and_goes() {
    let site = Site::small("rb_late");
    site.plan(plans::additive());
    site.expanded();
    site.run("rollback", &["--stage", "tables"]).ok();
    let mut finish = site.start("rollback", &["--stage", "finish", "--quiet-seconds", "3"]);
    // Often enough that no three quiet seconds pass, for longer than that.
    let answers: Vec<Result<String, String>> = (0..12)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(300));
            site.try_blue("SELECT SLEEP(0.05), COUNT(*) FROM tabDocType")
        })
        .collect();
    let while_late = finish.try_wait().unwrap();
    let finish = finish.wait().unwrap();
    let failed: Vec<&String> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(failed.is_empty() && answers.len() > 5, "of {} requests: {failed:?}", answers.len());
    assert!(while_late.is_none() && finish.success(), "{while_late:?}, {finish:?}");
    assert!(!site.traces().contains("rb_late__"), "{}", site.traces());
}

/// Three clients of blue that read metadata, insert, and write to their own row of a copy.
fn load(site: &Site) -> Vec<Client> {
    let url = site.url(&site.schema, "blue%27s%20%5C%20%22secret%22", &site.schema);
    (0..3)
        .map(|client| {
            Client::start(vec![url.clone()], move |number| {
                let workspace = ["Home", "Sales", "Mine"][client];
                vec![
                    "SELECT name, module FROM tabDocType WHERE name = 'Settings'".to_owned(),
                    "SELECT fieldname FROM tabDocField WHERE parent = 'Order'".to_owned(),
                    format!("INSERT INTO tabOrder (name, title) VALUES ('L{client}-{number}', 'load')"),
                    format!("UPDATE tabWorkspace SET idx = idx + 1 WHERE name = '{workspace}'"),
                ]
            })
        })
        .collect()
}

#[test]
#[ignore = "needs mariadbd"]
fn a_release_that_was_only_isolated_is_given_up_without_a_trace() {
    let site = Site::small("rb_early");
    let before = site.traces();
    site.plan(plans::additive());
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("isolate", &[]).ok();
    // As one that was killed while it tried statements leaves it.
    site.admin("CREATE TABLE __crossfade_try LIKE tabOrder");
    site.blue("UPDATE tabWorkspace SET title = 'by blue' WHERE name = 'Home'");
    site.run("rollback", &["--stage", "tables"]).ok();
    site.base("UPDATE tabWorkspace SET idx = 77 WHERE name = 'Home'");
    assert_eq!(site.blue("SELECT title, idx FROM tabWorkspace WHERE name = 'Home'"), "by blue\t77");
    site.run("rollback", &["--stage", "finish"]).ok();
    assert_eq!(site.base("SELECT title, idx FROM tabWorkspace WHERE name = 'Home'"), "by blue\t77");
    let left: Vec<String> =
        site.traces().lines().filter(|line| !before.contains(line)).map(str::to_owned).collect();
    assert_eq!(left, ["object\t__crossfade_ledger\tBASE TABLE"]);
}

/// A site that is named anew begins to count at the same name again.
#[test]
#[ignore = "needs mariadbd"]
fn a_release_under_the_name_of_one_that_was_contracted_can_be_given_up() {
    let site = Site::small("rb_again");
    site.plan(plans::additive());
    site.expanded();
    site.run("contract", &[]).ok();
    site.run("isolate", &[]).ok();
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
    assert!(!site.traces().contains("rb_again__"), "{}", site.traces());
}
