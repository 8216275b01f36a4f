//! The operator is killed in every phase and the kubelet once, or in every phase too: the release goes on as if nothing
//! had been.

use std::time::Duration;

use super::{RELEASE, in_every_phase, installed, is_long, must_be_clean, must_change_hands};
use crate::harness::cluster::fault;
use crate::harness::load::Load;
use crate::harness::operator;
use crate::harness::{Fallible, turn};

/// With `CROSSFADE_LONG=1` another release, with the kubelet killed in every phase.
#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_operator_killed_in_every_phase_and_the_kubelet_once_lose_no_request() -> Fallible {
    let _turn = turn::alone();
    let bench = installed("kills")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release("v2")?;
    in_every_phase(&bench, |phase| {
        operator::kill()?;
        if phase == "Migrating" {
            kill_the_kubelet()?;
        }
        operator::wait()
    })?;
    bench.wait_for("Ready", RELEASE)?;
    must_change_hands(&bench, 2)?;
    if is_long() {
        bench.release("v3")?;
        in_every_phase(&bench, |_| kill_the_kubelet())?;
        bench.wait_for("Ready", RELEASE)?;
        must_change_hands(&bench, 3)?;
    }
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    bench.namespace.leave()
}

fn kill_the_kubelet() -> Fallible {
    fault(&["kill", "kubelet"])?;
    fault(&["wait", "kubelet"])
}
