//! A release that renames a field, changes types, removes a field, asks for a new one and adds a child table, all at
//! once: taken back in mid-shift, then made after all, while both versions write the same documents.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean, only_the_site_is_left};
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn every_kind_of_change_at_once_goes_back_and_forth_without_a_lost_value() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("changes")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release("all")?;
    bench.wait_for_half(RELEASE)?;
    let verdict = bench.status()?["status"]["plan"]["verdict"].clone();
    if verdict != "Mapped" {
        return Err(format!("the plan is {verdict}, so nothing of this is proved").into());
    }
    users.run_for(Duration::from_secs(3))?;
    bench.annotate("crossfade.dev/abort=2")?;
    bench.wait_for_rolled_back(RELEASE)?;
    let column = "SELECT COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' \
                  AND TABLE_NAME = 'tabSales Order' AND COLUMN_NAME = 'ref_no'";
    let back = bench.sql(column)?;
    if back.trim() != "varchar(140)" {
        return Err(format!("after the rollback ref_no is {back}").into());
    }
    users.run_for(Duration::from_secs(3))?;
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
