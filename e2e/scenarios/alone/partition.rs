//! Two operators, and the one that leads is cut off from the API server in the middle of a release: the other one goes on,
//! and the first, when it is heard again, follows.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean, must_change_hands};
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::operator::{self, CutOff};
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn an_operator_that_is_cut_off_hands_over_and_stays_behind() -> Fallible {
    let _turn = turn::alone();
    let bench = installed("partition")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release("v2")?;
    bench.wait_for_phase("Expanding", RELEASE)?;
    let first = operator::leader()?;
    let cut_off = CutOff::new(&first)?;
    // Its lease must end first: 15 s.
    let second = until("another operator leads", Duration::from_mins(1), || {
        Ok(Some(operator::leader()?).filter(|leader| *leader != first))
    })?;
    let at = bench.phase()?;
    bench.wait_for_phase("Shifting", RELEASE)?;
    drop(cut_off);
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    must_change_hands(&bench, 2)?;
    if operator::leader()? != second {
        return Err(format!("{first} took the lead back from {second}").into());
    }
    operator::wait()?;
    println!("cut off in Expanding, taken over in {at}; {} requests, none failed", figures.requests);
    bench.namespace.leave()
}
