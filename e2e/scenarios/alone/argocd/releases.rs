//! Argo CD's own controller takes a bench from Git: a release that is approved by a commit, one whose commit is reverted on
//! the way, and one whose commit is reverted after it. Users notice nothing of it, and Argo CD never says what is not so.

use std::time::Duration;

use serde_json::Value;

use super::{MANIFEST, RELEASE, Team, crossfade, in_wave, must_be_clean, only_the_site_is_left};
use crate::harness::load::Load;
use crate::harness::{Fallible, operator, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn argo_cd_takes_releases_from_git_and_back_without_a_lost_request() -> Fallible {
    let _turn = turn::alone();
    let mut team = installed()?;
    let mut users = Load::start(&team.bench, 30)?;

    approved_by_a_commit(&mut team)?;
    reverted_on_the_way(&mut team)?;
    reverted_after_it(&mut team)?;

    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    told(&team)?;
    each_commit_goes_on_and_is_healthy(&team)?;
    only_the_site_is_left(&team.bench)?;
    team.leave()
}

/// Everything of the bench comes from Git: servers, then the site, then the release, by waves and without hooks.
fn installed() -> Fallible<Team> {
    Team::new("gitops", |bench| {
        Ok(vec![
            ("shop/site.yaml", in_wave("-1", &bench.manifest("bench.yaml", "v1")?)?),
            (MANIFEST, bench.manifest("release.yaml", "v1")?),
        ])
    })
}

/// While the operator is away nobody has seen the bump, and it is not Healthy; then the plan waits for its approval.
fn approved_by_a_commit(team: &mut Team) -> Fallible {
    operator::scale(0)?;
    team.push("v2", "{plan: {}}")?;
    team.is("Progressing")?;
    operator::scale(2)?;
    team.is("Suspended")?;
    team.approve("v2")?;
    team.is_done("v2")
}

/// With half of the traffic on green: back on blue.
fn reverted_on_the_way(team: &mut Team) -> Fallible {
    team.push("v3", "{}")?;
    // The weight before is that of the release before.
    team.bench.wait_for_phase("Shifting", RELEASE)?;
    team.bench.wait_for_half(RELEASE)?;
    team.revert()?;
    team.is_done("v2")
}

/// Nothing is left to go back to: the old version is a release like any other, and asks for what its manifest asks.
fn reverted_after_it(team: &mut Team) -> Fallible {
    // What was taken back is not tried again by itself: the commit asks for it as `kubectl crossfade retry` does.
    let asking = "{name: shop, annotations: {crossfade.dev/retry: again}}";
    let manifest = team.bench.manifest("release.yaml", "v3")?.replacen("{name: shop}", asking, 1);
    team.commit("v3 after all", &[(MANIFEST, manifest)])?;
    team.is_done("v3")?;
    team.revert()?;
    team.is("Suspended")?;
    team.approve("v2")?;
    team.is_done("v2")
}

impl Team {
    /// Asks for a version, with these approvals.
    fn push(&mut self, version: &str, approvals: &str) -> Fallible {
        let manifest = self.bench.manifest("release.yaml", version)?;
        let message = format!("{version}, approvals {approvals}");
        self.commit(&message, &[(MANIFEST, format!("{manifest}  approvals: {approvals}\n"))])
    }

    /// Approves the plan that is shown.
    fn approve(&mut self, version: &str) -> Fallible {
        let status = self.bench.status()?["status"].clone();
        let hash = status["plan"]["hash"].as_str().ok_or("there is no plan to approve")?;
        self.push(version, &format!("{{plan: {{approved: {hash:?}}}}}"))
    }

    fn revert(&mut self) -> Fallible {
        self.pushed(self.git.revert()?)
    }
}

/// Argo CD compared and judged all the time: of each commit it says that the release goes on or waits, then that it is
/// Healthy, and nothing else.
fn each_commit_goes_on_and_is_healthy(team: &Team) -> Fallible {
    for (of, name) in team.all_that_was_said()?.iter().zip(1..) {
        let synced = of.iter().skip_while(|seen| seen.sync != "Synced");
        let going_on =
            synced.clone().take_while(|seen| ["Progressing", "Suspended"].contains(&seen.health.as_str()));
        let is_in_order = going_on.clone().count() > 0
            && synced.skip(going_on.count()).all(|seen| seen.health == "Healthy");
        if !is_in_order {
            return Err(format!("of commit {name} Argo CD said {of:?}").into());
        }
    }
    Ok(())
}

/// What became of each revision.
fn told(team: &Team) -> Fallible {
    let told = crossfade(&team.bench, &["history", "shop", "--output", "json"])?;
    let told: Vec<Value> = serde_json::from_str(&told)?;
    let told: Vec<&str> = told.iter().filter_map(|entry| entry["outcome"].as_str()).collect();
    if told == ["Replaced", "Replaced", "RolledBack", "Replaced", "Active"] {
        Ok(())
    } else {
        Err(format!("the history is {told:?}").into())
    }
}
