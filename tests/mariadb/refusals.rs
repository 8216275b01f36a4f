//! What cannot go well is refused before anything is changed, with what to do.

use crossfade::plan::{Plan, Verdict};

use super::holder::Holder;
use super::plans;
use super::site::Site;

/// Refused with exit code 3 and this text, and the server is as before.
#[track_caller]
fn refused(site: &Site, text: &str) {
    let before = site.traces();
    let ran = site.run("isolate", &[]);
    assert_eq!(ran.code, 3, "{}", ran.output);
    assert!(ran.output.contains(text), "{}", ran.output);
    assert_eq!(site.traces(), before);
}

#[test]
#[ignore = "needs mariadbd"]
fn what_blues_schema_cannot_stand_for_is_refused() {
    let site = Site::small("ref_features");
    site.plan(plans::neutral());
    site.admin("CREATE TRIGGER mine AFTER INSERT ON tabWorkspace FOR EACH ROW SET @a = 1");
    refused(&site, "table tabWorkspace is copied for blue but has the trigger mine: drop it");
    site.admin("DROP TRIGGER mine; CREATE TABLE tabRef (name varchar(140) PRIMARY KEY, w varchar(140), FOREIGN KEY fk (w) REFERENCES tabWorkspace (name))");
    refused(&site, "from tabRef to tabWorkspace touches a table that is copied for blue");
    site.admin("DROP TABLE tabRef; CREATE PROCEDURE p() SELECT 1");
    refused(&site, "stored routines (p)");
    site.server.root("DROP PROCEDURE ref_features.p");
    site.admin("ALTER TABLE tabWorkspace DROP PRIMARY KEY");
    refused(&site, "table tabWorkspace is copied for blue but has no primary key");
    site.admin("ALTER TABLE tabWorkspace ADD PRIMARY KEY (name)");
    // A trigger on a table that blue sees through a view is no obstacle: it fires for blue as well.
    site.admin("CREATE TABLE log (a int); CREATE TRIGGER mine AFTER INSERT ON tabOrder FOR EACH ROW INSERT INTO log VALUES (1)");
    site.run("isolate", &[]).ok();
    site.blue("INSERT INTO tabOrder (name) VALUES ('T')");
    assert_eq!(site.base("SELECT COUNT(*) FROM log"), "1");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_schema_or_user_that_is_not_ours_is_never_touched() {
    let site = Site::small("ref_strangers");
    site.plan(plans::neutral());
    site.server.root("CREATE DATABASE ref_strangers__r1; CREATE TABLE ref_strangers__r1.precious (a int)");
    refused(&site, "a database ref_strangers__r1 exists that is not Crossfade's");
    site.server.root("DROP DATABASE ref_strangers__r1; CREATE USER ref_strangers__r1@localhost");
    refused(&site, "a user ref_strangers__r1 exists that is not Crossfade's");
    site.server.root("DROP USER ref_strangers__r1@localhost");
    site.run("isolate", &[]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn an_administrator_without_the_rights_is_told_which_are_missing() {
    let site = Site::small("ref_rights");
    site.plan(plans::neutral());
    site.server.root("CREATE USER weak@'%' IDENTIFIED BY 'weak'; GRANT ALL ON ref_rights.* TO weak@'%'");
    site.run("isolate", &[]).ok();
    let output = site.as_administrator("weak", "isolate", &[]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("lacks PROCESS") && text.contains("lacks CREATE USER"), "{text}");
}

#[test]
#[ignore = "needs mariadbd"]
fn an_administrator_with_the_documented_rights_and_no_more_is_enough() {
    let mut site = Site::small("ref_least");
    site.plan(plans::additive());
    let rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, \
                  CREATE TEMPORARY TABLES, LOCK TABLES";
    site.server.root(&format!(
        "CREATE USER least@'%' IDENTIFIED BY 'least'; GRANT PROCESS, CREATE USER ON *.* TO least@'%'; \
         GRANT {rights} ON `ref\\_least`.* TO least@'%' WITH GRANT OPTION; \
         GRANT {rights} ON `ref\\_least\\_\\_%`.* TO least@'%' WITH GRANT OPTION"
    ));
    let run = |site: &Site, command: &str, more: &[&str]| {
        let output = site.as_administrator("least", command, more);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    };
    // Such an administrator does not see other users: one that is not ours is found when it is to be made.
    site.server.root("CREATE USER ref_least__r1@'%' IDENTIFIED BY 'precious'");
    let output = site.as_administrator("least", "isolate", &[]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        site.server.client("ref_least__r1", "precious", "", "SELECT 1").is_ok(),
        "its password must stay"
    );
    site.server.root("DROP USER ref_least__r1@'%'");
    run(&site, "isolate", &[]);
    run(&site, "expand", &[]);
    run(&site, "rollback", &["--stage", "tables"]);
    run(&site, "rollback", &["--stage", "finish"]);
    site.schema = "ref_least__r2".to_owned();
    run(&site, "isolate", &[]);
    site.blue("INSERT INTO tabOrder (name) VALUES ('B'); DELETE FROM tabOrder WHERE name = 'B'");
    run(&site, "expand", &[]);
    run(&site, "contract", &[]);
    assert!(!site.traces().contains("ref_least__"), "{}", site.traces());
}

#[test]
#[ignore = "needs mariadbd"]
fn commands_out_of_order_are_refused() {
    let site = Site::small("ref_order");
    site.plan(plans::additive());
    let early = site.run("expand", &[]);
    assert_eq!((early.code, early.output.contains("run isolate first")), (3, true), "{}", early.output);
    site.run("isolate", &[]).ok();
    let unsettled = site.run("contract", &[]);
    assert_eq!(
        (unsettled.code, unsettled.output.contains("run expand before contract")),
        (3, true),
        "{}",
        unsettled.output
    );
    site.run("expand", &[]).ok();
    let unfinished = site.run("rollback", &["--stage", "finish"]);
    assert_eq!(
        (unfinished.code, unfinished.output.contains("run --stage tables first")),
        (3, true),
        "{}",
        unfinished.output
    );
}

/// A report from another database, as people write one.
#[test]
#[ignore = "needs mariadbd"]
fn who_reads_blues_schema_by_its_unquoted_name_holds_the_contract() {
    let site = Site::small("ref_unquoted");
    site.plan(plans::additive());
    site.expanded();
    let report = "SELECT name, SLEEP(600) FROM ref_unquoted__r1.tabOrder WHERE name = 'O1'";
    let reader = Holder::new(site.server, ["admin", "admin secret", "mysql"], report);
    let ran = site.run("contract", &["--without-backup"]);
    assert!(ran.code == 3 && ran.output.contains("ref_unquoted__r1 is in use"), "{}", ran.output);
    reader.leave();
    site.run("contract", &["--without-backup"]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn another_plan_than_the_one_that_the_site_was_isolated_by_is_refused() {
    let site = Site::small("ref_other");
    let (own, other) = (|| site.plan(plans::additive()), || site.plan(plans::neutral()));
    let refused_by = |command: &str, more: &[&str]| {
        let before = (site.traces(), site.fingerprint());
        let ran = site.run(command, more);
        assert_eq!(ran.code, 3, "{command}: {}", ran.output);
        assert!(ran.output.contains("ref_other__r1 is of another plan ("), "{command}: {}", ran.output);
        assert_eq!((site.traces(), site.fingerprint()), before, "{command}");
    };
    own();
    site.run("isolate", &[]).ok();
    other();
    for command in ["isolate", "expand", "verify"] {
        refused_by(command, &[]);
    }
    own();
    site.run("handover", &["--quiet-seconds", "0"]).ok();
    site.run("expand", &[]).ok();
    other();
    for command in ["isolate", "expand", "verify", "contract"] {
        refused_by(command, &[]);
    }
    refused_by("rollback", &["--stage", "tables"]);
    own();
    site.run("rollback", &["--stage", "tables"]).ok();
    other();
    refused_by("isolate", &[]);
    site.run("rollback", &["--stage", "finish"]).ok();
    // The name is free again. And what nothing was changed by yet is given up by any plan.
    site.run("isolate", &[]).ok();
    own();
    site.run("rollback", &["--stage", "tables"]).ok();
    site.run("rollback", &["--stage", "finish"]).ok();
    other();
    site.expanded();
    site.run("contract", &[]).ok();
    own();
    refused_by("contract", &[]);
    other();
    site.run("contract", &[]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn a_plan_that_was_edited_is_not_run() {
    let site = Site::small("ref_edited");
    let plan = plans::additive().seal().unwrap();
    let path = site.server.directory.join("edited.json");
    let json = serde_json::to_string(&plan).unwrap();
    std::fs::write(&path, json.replace("channel", "channe1")).unwrap();
    let arguments = ["expand", "--database", "mysql://127.0.0.1:1/x", "--schema", "x__r1", "--plan"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(arguments)
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("its hash does not fit its content"), "{text}");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_plan_that_cannot_be_served_is_refused_before_anything_is_touched() {
    let site = Site::small("ref_verdict");
    site.plan(Plan { verdict: Verdict::Blocking, ..plans::neutral() });
    refused(&site, "its verdict is Blocking");
}
