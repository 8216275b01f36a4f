//! Without a Gateway of its own: the whole site moves at once, by the selector of a Service that a route of the user's own
//! leads to.

use std::time::Duration;

use super::{RELEASE, crossfade, must_be_clean, operator};
use crate::harness::bench::Bench;
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
    bench.apply("service.yaml", "v2")?;
    crate::harness::cluster::until("a wait for the approval", RELEASE, || {
        let said = bench.status()?["status"]["message"].as_str().unwrap_or_default().to_owned();
        Ok(said.contains("approve shop shop").then_some(()))
    })?;
    if selected(&bench)? != "1" {
        return Err("the Service does not lead to blue before the approval".into());
    }
    crossfade(&bench, &["approve", "shop", "shop"])?;
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

/// The revision that the Service leads to.
fn selected(bench: &Bench) -> Fallible<String> {
    let service = bench.namespace.get("service", "shop-web")?.ok_or("there is no Service 'shop-web'")?;
    Ok(service["spec"]["selector"]["crossfade.dev/revision"].as_str().unwrap_or_default().to_owned())
}
