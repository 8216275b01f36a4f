//! The manifest is changed in the middle of a release: its traffic steps, then to a newer version, then back to the version
//! that serves. Users notice nothing of it.

use std::time::Duration;

use serde_json::Value;

use super::{RELEASE, crossfade, installed, must_be_clean, only_the_site_is_left};
use crate::harness::bench::{Bench, image};
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_manifest_that_changes_in_mid_shift_loses_no_request() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("newer")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release("v2")?;
    bench.wait_for_half(RELEASE)?;
    edited_steps_take_no_traffic_back(&bench)?;

    // The steps are those of release.yaml again, so v2 goes on, and v3 comes after it.
    bench.release("v3")?;
    let waits = format!("then {} is released", image("v3"));
    until("v3 is said to wait", RELEASE, || Ok(bench.words().contains(&waits).then_some(())))?;
    until("half of the traffic on v3", RELEASE, || {
        let status = bench.status()?["status"].clone();
        Ok((status["green"]["revision"] == 3 && status["weight"].as_u64() >= Some(50)).then_some(()))
    })?;
    if !bench.phases(2)?.iter().any(|(phase, _)| phase == "Complete") {
        return Err("v3 was begun before v2 was complete".into());
    }

    bench.release("v2")?;
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    told(&bench)?;
    if bench.answering()? != "v2" {
        return Err(format!("{} answers", bench.answering()?).into());
    }
    only_the_site_is_left(&bench)?;
    bench.namespace.leave()
}

/// Steps that now say less than what green has, and hold where it is.
fn edited_steps_take_no_traffic_back(bench: &Bench) -> Fallible {
    let steps = "[{weight: 5}, {pause: {seconds: 1}}, {weight: 5}, {pause: {}}, {weight: 100}]";
    bench.release_by_steps("v2", steps)?;
    let weight = until("a hold at the edited pause", RELEASE, || {
        let status = bench.status()?["status"].clone();
        let is_held = bench.words().contains("promote");
        Ok(status["weight"].as_u64().filter(|_| is_held))
    })?;
    if weight == 50 {
        Ok(())
    } else {
        Err(format!("green has {weight} % after its steps were edited").into())
    }
}

/// What became of each revision, and why the last one was taken back.
fn told(bench: &Bench) -> Fallible {
    let told: Vec<Value> =
        serde_json::from_str(&crossfade(bench, &["history", "shop", "--output", "json"])?)?;
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|entry| {
            (entry["outcome"].as_str().unwrap_or_default(), entry["reason"].as_str().unwrap_or_default())
        })
        .collect();
    if told != [("Replaced", ""), ("Active", ""), ("RolledBack", "the spec was that of revision 2 again")] {
        return Err(format!("the history is {told:?}").into());
    }
    Ok(())
}
