//! Two releases on top of each other, while users work: nobody notices.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean};
use crate::harness::Fallible;
use crate::harness::load::Load;

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn two_releases_in_a_row_lose_no_request() -> Fallible {
    let bench = installed("release")?;
    let mut users = Load::start(&bench, 40)?;
    for (version, revision) in [("v2", 2), ("v3", 3)] {
        bench.release(version)?;
        bench.wait_for("Ready", RELEASE)?;
        users.run_for(Duration::from_secs(5))?;
        println!("{version}: {:?}", bench.phases(revision)?);
    }
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    nothing_is_left(&bench, 3)?;
    bench.namespace.delete()
}

/// Only the last revision's objects and the history are left, and only the site's own database and user.
fn nothing_is_left(bench: &crate::harness::bench::Bench, revision: u32) -> Fallible {
    let kinds = "deployments,services,secrets,configmaps,jobs";
    for object in bench.namespace.list(kinds, "crossfade.dev/release=shop")? {
        let labels = &object["metadata"]["labels"];
        let of = labels["crossfade.dev/revision"].as_str().unwrap_or_default();
        if of != revision.to_string() && labels["crossfade.dev/component"] != "history" {
            return Err(format!(
                "{} {} of revision {of} is left",
                object["kind"], object["metadata"]["name"]
            )
            .into());
        }
    }
    super::only_the_site_is_left(bench)
}
