//! What a bench rests on is killed in every phase of a release: the database, Redis, the gateway. Users notice while it is
//! away, and nobody else: nothing that was written is lost, and the release is made without a human.

use std::time::Duration;

use serde_json::Value;

use super::{RELEASE, in_every_phase, installed, is_long, only_the_site_is_left};
use crate::harness::beats::Beats;
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::figures::Figures;
use crate::harness::load::{Load, Request, now};
use crate::harness::outage::{Outage, Server};
use crate::harness::{Fallible, turn};

/// Longer than any server needs to come back here.
const LONGEST_OUTAGE: f64 = 60.0;

/// The server that is killed in each phase, in their order, where it is in use.
const ONE_EACH: [Server; 8] = [
    Server::RedisQueue,
    Server::RedisCache,
    Server::MariaDb,
    Server::MariaDb,
    Server::Envoy,
    Server::Contour,
    Server::RedisQueue,
    Server::MariaDb,
];

/// One release; with `CROSSFADE_LONG=1` then one for each server, killed in every phase.
#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_server_killed_in_every_phase_loses_nothing_and_needs_no_human() -> Fallible {
    let _turn = turn::alone();
    let mut releases = vec![ONE_EACH];
    if is_long() {
        releases.extend(Server::ALL.map(|server| [server; 8]));
    }
    let bench = installed("servers")?;
    let mut users = Load::start(&bench, 30)?;
    let mut outages = Vec::new();
    for ((servers, version), revision) in releases.iter().zip(["v2", "v3"].into_iter().cycle()).zip(2..) {
        let begun = now();
        bench.release(version)?;
        let met = kill_each(&bench, *servers)?;
        bench.wait_for("Ready", RELEASE)?;
        println!("{version}, revision {revision}: {:.0} s, {:?}", now() - begun, bench.phases(revision)?);
        users.run_for(Duration::from_secs(5))?;
        if let Some(beats) = Beats::of(&bench)? {
            beats.must_pause_only_in(&met, begun, now())?;
        }
        only_the_site_is_left(&bench)?;
        outages.extend(met);
    }
    fails_only_in(&outages, &users.stop()?)?;
    bench.namespace.leave()
}

/// Kills a server in each phase, the next when the last is back.
fn kill_each(bench: &Bench, servers: [Server; 8]) -> Fallible<Vec<Outage>> {
    let mut outages = Vec::new();
    let mut servers = servers.into_iter();
    in_every_phase(bench, |phase| {
        if phase == "Migrating" {
            migrate_is_at_work(bench)?;
        }
        let server = servers.next().ok_or("there are more phases than servers")?;
        let outage = server.kill(bench)?;
        println!("{phase}: {server:?} was away for {:.1} s", outage.seconds());
        outages.push(outage);
        Ok(())
    })?;
    Ok(outages)
}

/// The relay between the caches starts before it, and a kill so early would not meet it.
fn migrate_is_at_work(bench: &Bench) -> Fallible {
    until("green's migrate at work", RELEASE, || {
        let pods = bench.namespace.list("pods", "crossfade.dev/component=migrate")?;
        // On a busy machine it may be over before it is looked at.
        let has_begun = |pod: &Value| {
            let state = &pod["status"]["containerStatuses"][0]["state"];
            !state["running"].is_null() || !state["terminated"].is_null()
        };
        Ok(pods.iter().any(has_begun).then_some(()))
    })
}

/// No request was lost silently, and none failed that had not met an outage.
fn fails_only_in(outages: &[Outage], requests: &[Request]) -> Fallible {
    let is_explained = |request: &Request| {
        request.failure.as_deref() == Some("hard") && outages.iter().any(|outage| outage.explains(request))
    };
    let failed = requests.iter().filter(|request| request.failure.is_some());
    let (explained, wrong): (Vec<&Request>, Vec<&Request>) =
        failed.partition(|request| is_explained(request));
    if !wrong.is_empty() {
        let first = &wrong[..wrong.len().min(3)];
        return Err(
            format!("{} requests failed with all servers up; the first: {first:#?}", wrong.len()).into()
        );
    }
    for outage in outages {
        let met = explained.iter().filter(|request| outage.explains(request)).count();
        println!("{:?} away for {:.1} s: {met} requests failed", outage.server, outage.seconds());
        if outage.seconds() > LONGEST_OUTAGE {
            return Err(format!("{:?} was away for too long", outage.server).into());
        }
        if met == 0 && outage.server.is_missed() {
            return Err(
                format!("nobody missed {:?}: this scenario would prove nothing", outage.server).into()
            );
        }
    }
    let figures = Figures::of(requests, 0.0, f64::INFINITY);
    println!("{} requests, {} failed with a server away, none else", figures.requests, explained.len());
    Ok(())
}
