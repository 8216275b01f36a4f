//! A bench of two sites is released as one: what fails on one of them holds both before any traffic moves.

use std::time::Duration;

use super::reader::Reader;
use super::{RELEASE, must_be_clean, only_these_sites_are_left};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::load::Load;
use crate::harness::operator;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn two_sites_are_released_as_one_and_a_failure_of_one_holds_both() -> Fallible {
    let _turn = turn::beside_others();
    operator::install()?;
    let first = Bench::new("sites", "v1")?;
    let second = Bench { site: "second-of-sites.e2e.test".to_owned(), ..first.clone() };
    second.apply("second-site.yaml", "v1")?;
    first.namespace.wait("job/second-site", "condition=Complete", RELEASE)?;
    ask(&first, &second, "v1")?;
    first.wait_for("Ready", RELEASE)?;
    let mut users = vec![Load::start(&first, 15)?, Load::start(&second, 15)?];

    // A schema of this name with somebody's table in it: it is not touched, and the second site cannot be isolated.
    first.sql("CREATE DATABASE shop2__r2; CREATE TABLE shop2__r2.theirs (a INT)")?;
    ask(&first, &second, "v2")?;
    until("the release to be held", RELEASE, || {
        let is_held = first.phase()? == "Isolating" && first.words().contains("isolate of shop-r2 failed");
        Ok(is_held.then_some(()))
    })?;
    println!("{}", first.words());
    if first.status()?["status"]["weight"] != 0 || !first.words().contains(&second.site) {
        return Err(
            format!("not held before traffic, or not because of the second site: {}", first.words()).into()
        );
    }
    let user = Reader::of(&first.namespace).calls("shop.example.com", &second.site);
    println!("{}", user.follow("docs/how-to/several-sites.md", "")?);
    first.sql("DROP DATABASE shop2__r2")?;
    first.annotate("crossfade.dev/retry=mended")?;
    first.wait_for("Ready", RELEASE)?;
    let mut requests = 0;
    for users in &mut users {
        users.run_for(Duration::from_secs(3))?;
    }
    for users in users {
        requests += must_be_clean(&users.stop()?)?.requests;
    }
    println!("{requests} requests to both sites, none failed");
    only_these_sites_are_left(&first, &["shop", "shop2"])?;
    first.namespace.leave()
}

/// Asks for a version of both sites.
fn ask(first: &Bench, second: &Bench, version: &str) -> Fallible {
    let manifest = first.manifest("release.yaml", version)?;
    let config = "    configSecret: {name: site-config, key: site_config.json}\n";
    let site = format!(
        "  - name: {}\n    configSecret: {{name: second-config, key: site_config.json}}\n",
        second.site
    );
    let both = manifest.replace(config, &format!("{config}{site}"));
    assert_ne!(both, manifest, "the manifest does not name the site's Secret as this test expects");
    first.namespace.apply(&both)
}
