//! A release that two versions cannot serve stops before it touches anything. In a maintenance window that a human
//! accepts it runs; users see 503 while the site is closed, and nothing else.

use std::time::Duration;

use super::reader::Reader;
use super::{RELEASE, crossfade, installed};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::figures::Figures;
use crate::harness::load::{Load, now};
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_blocking_release_closes_the_site_only_when_a_human_has_said_so() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("window")?;
    let mut users = Load::start(&bench, 10)?;
    bench.release("raw-ddl")?;
    is_refused(&bench)?;
    users.run_for(Duration::from_secs(3))?;
    // Exit code 3 says that it is Blocking.
    let user = Reader::of(&bench.namespace).calls(" # what is Blocking", " || [ $? = 3 ] # what is Blocking");
    println!("{}", user.follow("docs/how-to/maintenance-window.md", "kubectl crossfade plan")?);
    // Nothing has been done yet, and it can be asked for again.
    user.follow("docs/how-to/maintenance-window.md", "kubectl crossfade abort")?;
    bench.wait_for_rolled_back(RELEASE)?;
    print!("{}", crossfade(&bench, &["retry", "shop"])?);
    is_refused(&bench)?;
    let closing = now();
    user.follow("docs/how-to/maintenance-window.md", "kubectl crossfade approve")?;
    user.follow("docs/how-to/maintenance-window.md", "kubectl crossfade status")?;
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(3))?;
    let requests = users.stop()?;
    let wrong: Vec<_> = requests
        .iter()
        .filter(|request| request.failure.is_some())
        .filter(|request| request.time < closing || request.status != 503)
        .take(3)
        .collect();
    if !wrong.is_empty() {
        return Err(format!("not only 503 while the site was closed: {wrong:#?}").into());
    }
    let figures = Figures::of(&requests, closing, f64::INFINITY);
    let closed: Vec<f64> = requests.iter().filter(|r| r.failure.is_some()).map(|r| r.time).collect();
    let (Some(first), Some(last)) = (closed.first(), closed.last()) else {
        return Err("nobody met a closed site: this scenario would prove nothing".into());
    };
    if requests.last().is_some_and(|request| request.failure.is_some()) {
        return Err("the site was still closed when the release was complete".into());
    }
    println!(
        "{} requests, closed for {:.1} s ({} answers 503)",
        figures.requests,
        last - first,
        closed.len()
    );
    bench.namespace.leave()
}

/// Waits until the release stands still because its plan is Blocking.
fn is_refused(bench: &Bench) -> Fallible {
    until("the plan to be refused", RELEASE, || {
        let status = bench.status()?["status"].clone();
        let stalled = status["conditions"].as_array().is_some_and(|all| {
            all.iter()
                .any(|c| c["type"] == "Stalled" && c["reason"] == "PlanBlocking" && c["status"] == "True")
        });
        Ok(stalled.then_some(()))
    })
}
