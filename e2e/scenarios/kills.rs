//! The operator is killed in every phase and the kubelet once: the release goes on as if nothing had been.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean, must_change_hands};
use crate::harness::Fallible;
use crate::harness::bench::PHASES;
use crate::harness::cluster::fault;
use crate::harness::load::Load;
use crate::harness::operator;

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_operator_killed_in_every_phase_and_the_kubelet_once_lose_no_request() -> Fallible {
    let bench = installed("kills")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release("v2")?;
    let mut killed = Vec::new();
    for phase in PHASES {
        bench.wait_for_phase(phase, RELEASE)?;
        let seen = bench.phase()?;
        operator::kill()?;
        killed.push(seen);
        if phase == "Migrating" {
            fault(&["kill", "kubelet"])?;
            fault(&["wait", "kubelet"])?;
        }
        operator::wait()?;
    }
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    must_change_hands(&bench, 2)?;
    println!("operator killed in {killed:?}; {} requests, none failed", figures.requests);
    if killed != PHASES {
        return Err(format!("a phase passed before the operator could be killed in it: {killed:?}").into());
    }
    bench.namespace.delete()
}
