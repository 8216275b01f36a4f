//! Without a Gateway of its own: the whole site moves at once, by the selector of a Service that a route of the user's own
//! leads to.

use std::time::Duration;

use super::reader::Reader;
use super::{RELEASE, must_be_clean, operator, says_the_same};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_bench_behind_a_service_moves_at_once_and_loses_no_request() -> Fallible {
    let _turn = turn::beside_others();
    operator::install()?;
    let bench = Bench::new("service", "v1")?;
    bench.apply("service.yaml", "v1")?;
    bench.wait_for("Ready", RELEASE)?;
    let mut users = Load::start(&bench, 20)?;
    let approvals = r#"{"spec": {"approvals": {"plan": {}, "promote": {}, "contract": {}}}}"#;
    bench.namespace.kubectl(&["patch", "frapperelease", "shop", "--type=merge", "-p", approvals])?;
    bench.apply("service.yaml", "v2")?;
    let user = Reader::of(&bench.namespace).calls("shop sales", "shop shop");
    waits(&bench, "waits for approval")?;
    user.follow("docs/how-to/steer-a-release.md", "approve erp plan")?;
    says_the_same(&bench, || user.follow("docs/how-to/steer-a-release.md", "approve-plan="))?;
    waits(&bench, "waits for its promotion")?;
    user.follow("docs/how-to/steer-a-release.md", "approve erp promote")?;
    says_the_same(&bench, || user.follow("docs/how-to/steer-a-release.md", "approve-promote="))?;
    waits(&bench, "approve shop shop")?;
    if selected(&bench)? != "1" {
        return Err("the Service does not lead to blue before the approval".into());
    }
    user.follow("docs/how-to/steer-a-release.md", "approve erp sales")?;
    waits(&bench, "the contraction of revision 2 waits")?;
    user.follow("docs/how-to/steer-a-release.md", "approve erp contract")?;
    says_the_same(&bench, || user.follow("docs/how-to/steer-a-release.md", "approve-contract="))?;
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    if selected(&bench)? != "2" {
        return Err("the Service does not lead to green".into());
    }
    if !bench.namespace.list("httproutes", "crossfade.dev/release=shop")?.is_empty() {
        return Err("a route was made that nobody asked for".into());
    }
    bench.namespace.leave()
}

/// Waits until the release says that it waits.
fn waits(bench: &Bench, words: &str) -> Fallible {
    until(words, RELEASE, || Ok(bench.words().contains(words).then_some(())))
        .map_err(|error| format!("{error}; status: {}", bench.words()).into())
}

/// The revision that the Service leads to.
fn selected(bench: &Bench) -> Fallible<String> {
    let service = bench.namespace.get("service", "shop-web")?.ok_or("there is no Service 'shop-web'")?;
    Ok(service["spec"]["selector"]["crossfade.dev/revision"].as_str().unwrap_or_default().to_owned())
}
