//! Two benches in two namespaces are released at the same time by one operator, and neither gets at what is the other's by
//! naming it: a Secret, a database, a hostname.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RELEASE, installed, must_be_clean, must_change_hands, only_the_site_is_left};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::gateway::Listeners;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn two_benches_are_released_at_once_and_keep_to_themselves() -> Fallible {
    let turn = turn::beside_others();
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
        only_the_site_is_left(bench)?;
    }
    println!("both in a release for {beside:.0} s; {requests} requests, none failed");
    drop(turn);
    let _turn = turn::alone();
    the_hostname_of_the_other_stays_his(&benches)?;
    names_of_the_other_are_unknown(&benches)?;
    the_database_of_the_other_is_closed(&benches)?;
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

/// The right one claims the left one's hostname, in the middle of a release and after it. A Gateway whose listeners say whose
/// a hostname is does not let it in; one that is open to all leaves the hostname to the older of two routes that are alike.
fn the_hostname_of_the_other_stays_his([left, right]: &[Bench; 2]) -> Fallible {
    let restricted = Listeners::restricted(&[left, right])?;
    left.wait_for_answer("v2")?;
    right.wait_for_answer("v2")?;
    let mut users = Load::start(left, 15)?;
    let manifest = right.manifest("release.yaml", "v3")?;
    let site = format!("- name: {}\n", right.site);
    let hosts = json!([right.site, left.site]);
    let claiming = manifest.replace(&site, &format!("{site}    hostnames: {hosts}\n"));
    assert_ne!(claiming, manifest, "the manifest does not name the site as this test expects");
    right.namespace.apply(&claiming)?;
    right.wait_for("Ready", RELEASE)?;
    right.wait_for_answer("v3")?;
    users.run_for(Duration::from_secs(3))?;
    let route = right.namespace.get("httproute", "shop")?.ok_or("the right one has no route")?;
    if route["spec"]["hostnames"] != hosts {
        return Err(format!("the hostname was not claimed: {route}").into());
    }
    println!(
        "claimed on listeners of its own: {} requests, none failed",
        must_be_clean(&users.stop()?)?.requests
    );

    drop(restricted);
    let refused = until("the younger route is refused", Duration::from_mins(1), || {
        let route = right.namespace.get("httproute", "shop")?.ok_or("the right one has no route")?;
        let said = route["status"]["parents"][0]["conditions"].as_array().cloned().unwrap_or_default();
        let is_refusal =
            |condition: &Value| condition["type"] == "Accepted" && condition["status"] == "False";
        Ok(said.into_iter().find(is_refusal))
    })?;
    println!("claimed on an open listener: {refused}");
    let mut users = Load::start(left, 5)?;
    users.run_for(Duration::from_secs(5))?;
    println!("{} requests, none failed", must_be_clean(&users.stop()?)?.requests);
    Ok(())
}

/// A release that names the other's server and database opens them by its own credentials only, and these are none there.
fn the_database_of_the_other_is_closed([left, right]: &[Bench; 2]) -> Fallible {
    let config = json!({
        "db_name": "shop", "db_type": "mariadb", "db_host": format!("mariadb.{}", right.namespace.name),
        "db_password": "of-left", "encryption_key": "dGhyb3ctYXdheS1rZXktb2YtdGhlLWJlZC0wMDAwMDA=",
    });
    let literals = format!("--from-literal=site_config.json={config}");
    left.namespace.kubectl(&["create", "secret", "generic", "of-right", &literals])?;
    left.namespace.kubectl(&[
        "create",
        "secret",
        "generic",
        "left-admin",
        "--from-literal=username=left_admin",
        "--from-literal=password=of-left",
    ])?;
    let manifest = left.manifest("release.yaml", "v3")?.replace("{name: site-config,", "{name: of-right,");
    let named = manifest.replace("{name: mariadb-admin}", "{name: left-admin}");
    assert_ne!(named, manifest, "the manifest does not name the administrator's Secret as this test expects");
    left.namespace.apply(&named)?;
    // While the Job still has tries left: the status says why the last one failed.
    until("the other's server refuses", Duration::from_mins(2), || {
        Ok(left.words().contains("Access denied for user 'left_admin'").then_some(()))
    })?;
    println!("{}", left.words());
    if left.phase()? != "Planning" {
        return Err(format!("the release went on to {}", left.phase()?).into());
    }
    only_the_site_is_left(right)
}
