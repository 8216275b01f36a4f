//! A release that renames a field, changes types, removes a field, asks for a new one and adds a child table, all at
//! once: taken back in mid-shift, because somebody wrote behind the triggers' back and the comparison of both versions' values
//! saw it; then made after all, while both versions write the same documents.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean, only_the_site_is_left};
use crate::harness::bench::Bench;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

/// Steps with a pause that has no end, and both versions' values compared beside them.
const COMPARED: &str = "[{weight: 10}, {weight: 50}, {pause: {}}, {weight: 100}]
    analysis: [values]
  analysis:
  - {name: values, verify: {}, intervalSeconds: 2}";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn every_kind_of_change_at_once_goes_back_and_forth_without_a_lost_value() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("changes")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release_by_steps("all", COMPARED)?;
    bench.wait_for_half(RELEASE)?;
    let verdict = bench.status()?["status"]["plan"]["verdict"].clone();
    if verdict != "Mapped" {
        return Err(format!("the plan is {verdict}, so nothing of this is proved").into());
    }
    users.run_for(Duration::from_secs(3))?;
    behind_the_triggers(&bench)?;
    bench.wait_for_rolled_back(RELEASE)?;
    let message = bench.status()?["status"]["message"].as_str().unwrap_or_default().to_owned();
    if !message.contains("analysis 'values'") || !message.contains("BEHIND") {
        return Err(format!("the message does not say which row differs: {message}").into());
    }
    println!("{message}");
    let column = "SELECT COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' \
                  AND TABLE_NAME = 'tabSales Order' AND COLUMN_NAME = 'ref_no'";
    let back = bench.sql(column)?;
    if back.trim() != "varchar(140)" {
        return Err(format!("after the rollback ref_no is {back}").into());
    }
    users.run_for(Duration::from_secs(3))?;
    bench.release("all")?;
    bench.annotate("crossfade.dev/retry=again")?;
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    let forth = bench.sql(column)?;
    if forth.trim() != "int(11)" {
        return Err(format!("after the release ref_no is {forth}").into());
    }
    only_the_site_is_left(&bench)?;
    bench.namespace.leave()
}

/// Writes a row whose note each version sees otherwise; the users find the table locked for the moment without the trigger.
fn behind_the_triggers(bench: &Bench) -> Fallible {
    bench
        .sql(
            "USE shop; SET SESSION sql_mode = ''; \
             INSERT INTO `tabSales Order` (name, creation, modified, order_note) VALUES ('BEHIND', NOW(), NOW(), 'both'); \
             SELECT TRIGGER_NAME, ACTION_TIMING, ACTION_STATEMENT INTO @name, @timing, @body FROM information_schema.TRIGGERS \
             WHERE TRIGGER_SCHEMA = 'shop' AND EVENT_OBJECT_TABLE = 'tabSales Order' AND EVENT_MANIPULATION = 'UPDATE' AND ACTION_STATEMENT LIKE '%order_note%'; \
             LOCK TABLES `tabSales Order` WRITE; \
             EXECUTE IMMEDIATE CONCAT('DROP TRIGGER `', @name, '`'); \
             UPDATE `tabSales Order` SET order_note = 'green alone' WHERE name = 'BEHIND'; \
             EXECUTE IMMEDIATE CONCAT('CREATE TRIGGER `', @name, '` ', @timing, ' UPDATE ON `tabSales Order` FOR EACH ROW ', @body); \
             UNLOCK TABLES",
        )
        .map(drop)
}
