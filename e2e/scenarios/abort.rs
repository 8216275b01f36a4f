//! A release is taken back in the middle of its traffic, then with all traffic on green, and then made after all.

use std::time::Duration;

use serde_json::Value;

use super::reader::Reader;
use super::{RELEASE, crossfade, installed, must_be_clean, says_the_same};
use crate::harness::bench::{Bench, image};
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn an_abort_in_mid_shift_and_an_undo_behind_it_lose_no_request_and_the_next_try_goes_through() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("abort")?;
    let mut users = Load::start(&bench, 30)?;
    let user = Reader::of(&bench.namespace)
        .calls("registry.example.com/erp:v15.42.0", &image("v2"))
        // What is looked for in a log need not be in it.
        .calls("| grep '", "| grep -e '' -e '");
    user.follow("README.md", "kubectl patch fr")?;
    user.follow("README.md", "kubectl get fr")?;
    bench.wait_for_phase("Shifting", RELEASE)?;
    bench.wait_for_half(RELEASE)?;
    user.follow("docs/how-to/abort.md", "kubectl crossfade abort")?;
    says_the_same(&bench, || user.follow("docs/how-to/abort.md", "kubectl annotate"))?;
    println!("{}", user.follow("docs/how-to/abort.md", "crossfade status")?);
    users.run_for(Duration::from_secs(5))?;

    // Blue is drained and gone, the contraction waits for a human, who changes his mind.
    let asks =
        |what: &str| bench.namespace.kubectl(&["patch", "frapperelease", "shop", "--type=merge", "-p", what]);
    asks(r#"{"spec": {"approvals": {"contract": {}}}}"#)?;
    user.follow("docs/how-to/steer-a-release.md", "crossfade.dev/retry=")?;
    until("the contraction waits", RELEASE, || {
        Ok((bench.phase()? == "Contracting" && bench.words().contains("waits for approval")).then_some(()))
    })?;
    look(&user)?;
    print!("{}", crossfade(&bench, &["undo", "shop"])?);
    bench.wait_for_rolled_back(RELEASE)?;
    users.run_for(Duration::from_secs(5))?;

    asks(r#"{"spec": {"approvals": null}}"#)?;
    user.follow("docs/how-to/steer-a-release.md", "kubectl crossfade retry")?;
    bench.wait_for("Ready", RELEASE)?;
    history(&bench)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    bench.namespace.leave()
}

/// What the pages say to look at, of a release with all its Jobs and both colours.
fn look(user: &Reader) -> Fallible {
    user.follow("docs/troubleshooting/alerts.md", "")?;
    user.follow("docs/troubleshooting/symptoms.md", "")?;
    user.follow("docs/troubleshooting/stopped-release.md", "")?;
    user.follow("docs/how-to/large-tables.md", "kubectl").map(drop)
}

/// All four are told, and a version that is complete has no undo.
fn history(bench: &Bench) -> Fallible {
    let told: Vec<Value> =
        serde_json::from_str(&crossfade(bench, &["history", "shop", "--output", "json"])?)?;
    let told: Vec<_> =
        told.iter().map(|entry| (entry["revision"].clone(), entry["outcome"].clone())).collect();
    let wanted = [(1, "Replaced"), (2, "RolledBack"), (3, "RolledBack"), (4, "Active")];
    if told != wanted.map(|(revision, outcome)| (revision.into(), outcome.into())) {
        return Err(format!("the history is {told:?}").into());
    }
    match crossfade(bench, &["undo", "shop"]) {
        Ok(said) => Err(format!("a complete release was undone: {said}").into()),
        Err(error) if error.to_string().contains("a new release, planned like any other") => Ok(()),
        Err(error) => Err(error),
    }
}
