//! Releases on top of each other, forth and back, while users work: nobody notices.

use std::fs;
use std::time::Duration;

use super::reader::Reader;
use super::{installed, must_be_clean, must_change_hands};
use crate::harness::load::{Load, now};
use crate::harness::{Fallible, turn};

/// As many as `RELEASES` says: v2, v3, and from the third on v2 and v3 again in turns.
#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn releases_in_a_row_lose_no_request() -> Fallible {
    let _turn = turn::beside_others();
    let releases: usize = std::env::var("RELEASES").map_or(Ok(2), |count| count.parse())?;
    let bench = installed("release")?;
    let mut users = Load::start(&bench, 40)?;
    let versions = ["v2", "v3"].into_iter().cycle().take(releases);
    let mut revision = 1;
    for version in versions {
        revision += 1;
        let begun = now();
        let manifest = tempfile::NamedTempFile::new()?;
        fs::write(&manifest, bench.manifest("release.yaml", version)?)?;
        let pipeline = Reader::of(&bench.namespace).calls("erp.yaml", &manifest.path().display().to_string());
        pipeline.follow("docs/how-to/steer-a-release.md", "## In CI")?;
        let took = now() - begun;
        users.run_for(Duration::from_secs(5))?;
        must_change_hands(&bench, revision)?;
        println!("{version}, revision {revision}: {took:.0} s, {:?}", bench.phases(revision)?);
    }
    let figures = must_be_clean(&users.stop()?)?;
    println!("{releases} releases, {} requests, none failed", figures.requests);
    nothing_is_left(&bench, revision)?;
    bench.namespace.leave()
}

/// Only the last revision's objects and the history are left, and only the site's own database and user.
fn nothing_is_left(bench: &crate::harness::bench::Bench, revision: u32) -> Fallible {
    for kind in ["deployments", "services", "secrets", "configmaps", "jobs"] {
        for object in bench.namespace.list(kind, "crossfade.dev/release=shop")? {
            let labels = &object["metadata"]["labels"];
            let of = labels["crossfade.dev/revision"].as_str().unwrap_or_default();
            if of != revision.to_string() && labels["crossfade.dev/component"] != "history" {
                let name = &object["metadata"]["name"];
                return Err(format!("of {kind} {name} of revision {of} is left").into());
            }
        }
    }
    super::only_the_site_is_left(bench)
}
