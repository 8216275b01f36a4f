//! Argo CD's own controller takes a bench from Git: a release that is approved by a commit, one whose commit is reverted on
//! the way, and one whose commit is reverted after it. Users notice nothing of it, and Argo CD never says what is not so.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{RELEASE, crossfade, must_be_clean, only_the_site_is_left};
use crate::harness::argocd::{ArgoCd, Seen};
use crate::harness::bench::Bench;
use crate::harness::cluster::{Namespace, repository};
use crate::harness::git::Repository;
use crate::harness::load::Load;
use crate::harness::{Fallible, operator, turn};

const MANIFEST: &str = "shop/release.yaml";

/// A team: its bench, the repository that its manifests are in, and Argo CD. `commits` are those that were pushed.
struct Team {
    bench: Bench,
    git: Repository,
    argocd: ArgoCd,
    commits: Vec<String>,
}

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
    team.argocd.look("hard")?;
    team.argocd.wait_for(&team.head(), "Healthy", Duration::from_mins(1))?;
    each_commit_was_synced_once(&team)?;
    only_the_site_is_left(&team.bench)?;
    team.argocd.leave()?;
    team.bench.namespace.leave()
}

/// Everything of the bench comes from Git: servers, then the site, then the release, by waves and without hooks.
fn installed() -> Fallible<Team> {
    operator::install()?;
    let bench = Bench { namespace: Namespace::new("gitops")?, site: "gitops.e2e.test".to_owned() };
    let git = Repository::new(repository().join("target/e2e-git"))?;
    let servers = |name: &str| std::fs::read_to_string(repository().join("e2e/bed/manifests").join(name));
    let commit = git.commit(
        "The shop",
        &[
            ("shop/mariadb.yaml", in_wave("-2", &servers("mariadb.yaml")?)?),
            ("shop/redis.yaml", in_wave("-2", &servers("redis.yaml")?)?),
            ("shop/site.yaml", in_wave("-1", &bench.manifest("bench.yaml", "v1")?)?),
            (MANIFEST, bench.manifest("release.yaml", "v1")?),
        ],
    )?;
    let argocd = ArgoCd::start(&bench, &git)?;
    argocd.wait_for(&commit, "Healthy", RELEASE)?;
    Ok(Team { bench, git, argocd, commits: vec![commit] })
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
    team.commit("v3 after all", manifest)?;
    team.is_done("v3")?;
    team.revert()?;
    team.is("Suspended")?;
    team.approve("v2")?;
    team.is_done("v2")
}

impl Team {
    fn head(&self) -> String {
        self.commits.last().cloned().unwrap_or_default()
    }

    /// Asks for a version, with these approvals.
    fn push(&mut self, version: &str, approvals: &str) -> Fallible {
        let manifest = self.bench.manifest("release.yaml", version)?;
        let message = format!("{version}, approvals {approvals}");
        self.commit(&message, format!("{manifest}  approvals: {approvals}\n"))
    }

    fn commit(&mut self, message: &str, manifest: String) -> Fallible {
        self.pushed(self.git.commit(message, &[(MANIFEST, manifest)])?)
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

    fn pushed(&mut self, commit: String) -> Fallible {
        self.commits.push(commit);
        self.argocd.look("normal")
    }

    /// Waits until Argo CD says so of the last commit.
    fn is(&self, health: &str) -> Fallible {
        let waited = self.argocd.wait_for(&self.head(), health, RELEASE);
        waited.map_err(|error| format!("{error}; status: {}", self.bench.words()).into())
    }

    /// Healthy, and what the release says of itself is the same: complete, in this version.
    fn is_done(&self, version: &str) -> Fallible {
        self.is("Healthy")?;
        let answering = self.bench.answering()?;
        if answering != version {
            return Err(format!("Argo CD says Healthy, and {answering} answers, not {version}").into());
        }
        println!("{version} is Healthy: {}", self.bench.words());
        Ok(())
    }
}

/// Argo CD compared and judged all the time: of each commit it says that the release goes on or waits, then that it is
/// Healthy, and nothing else; once it is applied nothing differs from Git again.
fn each_commit_was_synced_once(team: &Team) -> Fallible {
    let seen = team.argocd.seen()?;
    for (commit, name) in team.commits.iter().zip(1..) {
        let of: Vec<&Seen> = seen.iter().filter(|seen| seen.commit == *commit).collect();
        let told: Vec<String> = of.iter().map(|seen| format!("{} {}", seen.sync, seen.health)).collect();
        println!("commit {name}: {}", told.join(", "));
        let synced = of.iter().skip_while(|seen| seen.sync != "Synced");
        let going_on =
            synced.clone().take_while(|seen| ["Progressing", "Suspended"].contains(&seen.health.as_str()));
        let is_in_order = going_on.clone().count() > 0
            && synced.clone().all(|seen| seen.sync == "Synced")
            && synced.skip(going_on.count()).all(|seen| seen.health == "Healthy");
        if !is_in_order {
            return Err(format!("of commit {name} Argo CD said {told:?}").into());
        }
    }
    let syncs = team.argocd.syncs()?;
    if syncs == team.commits.len() {
        Ok(())
    } else {
        Err(format!("{} commits and {syncs} syncs", team.commits.len()).into())
    }
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

/// The manifests with the annotation that orders them.
fn in_wave(wave: &str, manifests: &str) -> Fallible<String> {
    let mut all = Vec::new();
    for manifest in serde_yaml::Deserializer::from_str(manifests) {
        let mut manifest = Value::deserialize(manifest)?;
        manifest["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": wave});
        // As JSON: what is a text to one reader of YAML (`no`) is none to another.
        all.push(manifest.to_string());
    }
    Ok(all.join("\n---\n"))
}
