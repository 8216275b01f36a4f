//! Two benches in two namespaces are released at the same time by one operator, and neither can name what is the other's.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean, must_change_hands};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn two_benches_are_released_at_once_and_keep_to_themselves() -> Fallible {
    let _turn = turn::beside_others();
    let benches = [installed("left")?, installed("right")?];
    let mut users = Vec::new();
    for bench in &benches {
        users.push(Load::start(bench, 15)?);
    }
    for bench in &benches {
        bench.release("v2")?;
    }
    for bench in &benches {
        bench.wait_for("Ready", RELEASE)?;
    }
    let beside = overlap(&benches)?;
    let mut requests = 0;
    for (bench, mut users) in benches.iter().zip(users) {
        users.run_for(Duration::from_secs(3))?;
        requests += must_be_clean(&users.stop()?)?.requests;
        must_change_hands(bench, 2)?;
        super::only_the_site_is_left(bench)?;
    }
    println!("both in a release for {beside:.0} s; {requests} requests, none failed");
    names_of_the_other_are_unknown(&benches)?;
    for bench in &benches {
        bench.namespace.leave()?;
    }
    Ok(())
}

/// Seconds for which both were in the middle of their second revision.
fn overlap(benches: &[Bench; 2]) -> Fallible<f64> {
    let mut spans = Vec::new();
    for bench in benches {
        let phases = bench.phases(2)?;
        let (first, last) = (phases.first().ok_or("no phase")?.1, phases.last().ok_or("no phase")?.1);
        spans.push((first, last));
    }
    let begin = spans.iter().map(|span| span.0).fold(f64::NEG_INFINITY, f64::max);
    let end = spans.iter().map(|span| span.1).fold(f64::INFINITY, f64::min);
    if end > begin { Ok(end - begin) } else { Err("the releases were one after the other".into()) }
}

/// A release takes a Secret of its own namespace only: one of the other's is not found, whatever its name.
fn names_of_the_other_are_unknown([left, right]: &[Bench; 2]) -> Fallible {
    right.namespace.kubectl(&[
        "create",
        "secret",
        "generic",
        "of-right",
        "--from-literal=site_config.json={}",
    ])?;
    let manifest = left.manifest("release.yaml", "v3")?;
    let named = manifest.replace("{name: site-config,", "{name: of-right,");
    assert_ne!(named, manifest, "the manifest does not name the site's Secret as this test expects");
    left.namespace.apply(&named)?;
    until("the Secret of another namespace is missed", Duration::from_mins(1), || {
        Ok(left.words().contains("of-right").then_some(()))
    })?;
    println!("{}", left.words());
    Ok(())
}
