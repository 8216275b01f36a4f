//! What a server that is killed in the middle of a CREATE leaves: MariaDB makes a sequence's table first and writes its one row
//! then, without which nobody can take a number (error 1032).

use std::fs::copy;

use crossfade::plan::{Effect, Step, Work};

use super::plans;
use super::replication::leaked;
use super::site::Site;

/// Leaves a sequence without its row, as the crash does.
fn half_made(site: &Site, database: &str, name: &str) {
    site.server.root(&format!(
        "USE {database}; DROP SEQUENCE IF EXISTS {name}; CREATE SEQUENCE whole; CREATE SEQUENCE {name}; \
         ALTER TABLE {name} SEQUENCE = 0; DELETE FROM {name}; FLUSH TABLES"
    ));
    let folder = site.server.directory.join("data").join(database);
    copy(folder.join("whole.frm"), folder.join(format!("{name}.frm"))).unwrap();
    let read = format!("SELECT * FROM {database}.{name}");
    let error = site.server.client("root", "", database, &read).unwrap_err();
    assert!(error.contains("ERROR 1032"), "{error}");
    site.server.root(&format!("DROP SEQUENCE {database}.whole"));
}

#[test]
#[ignore = "needs mariadbd"]
fn a_sequence_without_its_row_is_made_again() {
    let site = Site::small_on(leaked(&[]), "half");
    let mut plan = plans::additive();
    // That of a DocType which green's names count.
    let step = Step {
        id: "0000-create-sequence".into(),
        sql: "CREATE SEQUENCE IF NOT EXISTS visit_id_seq NOCACHE NOCYCLE".into(),
        effect: Effect::SequenceExists { sequence: "visit_id_seq".into() },
        work: Work::Statement,
        undo: Vec::new(),
        past: None,
        ..plan.expand[0].clone()
    };
    plan.expand.insert(0, step);
    site.plan(plan);
    site.run("isolate", &[]).ok();
    half_made(&site, "half__r1", "line_id_seq");
    site.run("isolate", &[]).ok();
    site.blue("INSERT INTO tabLine VALUES (NEXTVAL(line_id_seq), 'blue')");
    site.run("handover", &["--quiet-seconds", "0"]).ok();
    site.run("expand", &[]).ok();
    half_made(&site, "half", "visit_id_seq");
    site.run("expand", &[]).ok();
    assert_eq!(site.base("SELECT NEXTVAL(visit_id_seq)"), "1");
    site.run("expand", &[]).ok();
    assert_eq!(site.base("SELECT NEXTVAL(visit_id_seq)"), "2", "one that is whole stays");
}
