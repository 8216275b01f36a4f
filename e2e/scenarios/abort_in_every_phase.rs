//! A release is taken back from each phase before the point of no return: users work on, nothing of it is left, and the
//! next one goes through.

use std::time::Duration;

use super::{RELEASE, installed, is_long, must_be_clean, only_the_site_is_left};
use crate::harness::bench::{Bench, PHASES};
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

/// Where the database is half-way; `abort` has Shifting and Contracting, `deletion` has StartingGreen.
const SHORT: [&str; 1] = ["Migrating"];

/// With `CROSSFADE_LONG=1` from all of `PHASES`. Not part of `make e2e`.
#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn an_abort_in_every_phase_leaves_nothing_and_the_next_release_goes_through() -> Fallible {
    let _turn = turn::beside_others();
    let phases: &[&str] = if is_long() { &PHASES } else { &SHORT };
    let bench = installed("aborts")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release("v2")?;
    // Contracting waits: once its Job is made there is no way back.
    keep_blue(&bench, "600")?;
    for (phase, revision) in phases.iter().zip(2..) {
        bench.wait_for_phase(phase, RELEASE)?;
        bench.annotate(&format!("crossfade.dev/abort={revision}"))?;
        bench.wait_for_rolled_back(RELEASE)?;
        taken_back(&bench, phase, revision)?;
        bench.annotate(&format!("crossfade.dev/retry=after-{revision}"))?;
    }
    keep_blue(&bench, "0")?;
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("taken back from {phases:?}, then made; {} requests, none failed", figures.requests);
    only_the_site_is_left(&bench)?;
    bench.namespace.leave()
}

/// Seconds for which blue is kept before the contraction.
fn keep_blue(bench: &Bench, seconds: &str) -> Fallible {
    let patch = format!(r#"{{"spec": {{"contract": {{"rollbackWindowSeconds": {seconds}}}}}}}"#);
    bench.namespace.kubectl(&["patch", "frapperelease", "shop", "--type=merge", "-p", &patch]).map(drop)
}

/// The release was in this phase when it was taken back, v1 serves, and green is gone from the cluster and the database.
fn taken_back(bench: &Bench, phase: &str, revision: u32) -> Fallible {
    let phases = bench.phases(revision)?;
    let names: Vec<&str> = phases.iter().map(|(phase, _)| phase.as_str()).collect();
    if !names.ends_with(&[phase, "RollingBack", "RolledBack"]) {
        return Err(format!("not taken back from {phase}: {names:?}").into());
    }
    let (_, begun) = phases[phases.len() - 2];
    let (_, done) = phases[phases.len() - 1];
    println!("from {phase}: taken back in {:.0} s", done - begun);
    if bench.answering()? != "v1" {
        return Err(format!("after an abort in {phase} {} answers", bench.answering()?).into());
    }
    // They are deleted in the foreground: each is there until its last Pod has gone.
    let of_green = format!("crossfade.dev/revision={revision}");
    until("no Deployment of green", Duration::from_mins(1), || {
        Ok(bench.namespace.list("deployments", &of_green)?.is_empty().then_some(()))
    })?;
    only_the_site_is_left(bench)
}
