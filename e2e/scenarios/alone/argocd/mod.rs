//! A bench of which Argo CD's own controller takes everything from Git.

mod handover;
mod releases;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{RELEASE, crossfade, must_be_clean, only_the_site_is_left, reader, the_chart_runs};
use crate::harness::argocd::{ArgoCd, Seen};
use crate::harness::bench::Bench;
use crate::harness::cluster::{Namespace, repository};
use crate::harness::git::Repository;
use crate::harness::{Fallible, operator};

/// The file of the `FrappeRelease`.
const MANIFEST: &str = "shop/release.yaml";

/// A team: its bench, the repository that its manifests are in, and Argo CD. `commits` are those that were pushed.
struct Team {
    bench: Bench,
    git: Repository,
    argocd: ArgoCd,
    commits: Vec<String>,
}

impl Team {
    /// A team whose repository has these files and the servers of the bench; nothing of it was applied by hand.
    fn new(
        name: &str,
        files: impl FnOnce(&Bench) -> Fallible<Vec<(&'static str, String)>>,
    ) -> Fallible<Self> {
        operator::install()?;
        let bench = Bench { namespace: Namespace::new(name)?, site: format!("{name}.e2e.test") };
        let git = Repository::new(repository().join("target/e2e-git"))?;
        let mut all = files(&bench)?;
        for (file, server) in [("shop/mariadb.yaml", "mariadb.yaml"), ("shop/redis.yaml", "redis.yaml")] {
            let manifest = std::fs::read_to_string(repository().join("e2e/bed/manifests").join(server))?;
            all.push((file, in_wave("-2", &manifest)?));
        }
        let commit = git.commit("The shop", &all)?;
        let argocd = ArgoCd::start(&bench, &git)?;
        argocd.wait_for(&commit, "Healthy", RELEASE)?;
        Ok(Self { bench, git, argocd, commits: vec![commit] })
    }

    /// Commits files, and has Argo CD look at them.
    fn commit(&mut self, message: &str, files: &[(&str, String)]) -> Fallible {
        self.pushed(self.git.commit(message, files)?)
    }

    fn pushed(&mut self, commit: String) -> Fallible {
        self.commits.push(commit);
        self.argocd.look("normal")
    }

    /// Waits until Argo CD says so of the last commit.
    fn is(&self, health: &str) -> Fallible {
        let head = self.commits.last().map_or("", String::as_str);
        let waited = self.argocd.wait_for(head, health, RELEASE);
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

    /// All that Argo CD said of each commit, in order. Fails if anything differed from Git after it was applied, or if a
    /// commit was not synced just once.
    fn all_that_was_said(&self) -> Fallible<Vec<Vec<Seen>>> {
        self.argocd.look("hard")?;
        self.is("Healthy")?;
        let seen = self.argocd.seen()?;
        let mut all = Vec::new();
        for (commit, name) in self.commits.iter().zip(1..) {
            let of: Vec<Seen> = seen.iter().filter(|seen| seen.commit == *commit).cloned().collect();
            let told: Vec<String> = of.iter().map(|seen| format!("{} {}", seen.sync, seen.health)).collect();
            println!("commit {name}: {}", told.join(", "));
            let mut synced = of.iter().skip_while(|seen| seen.sync != "Synced").peekable();
            if synced.peek().is_none() || synced.any(|seen| seen.sync != "Synced") {
                return Err(format!("of commit {name} Argo CD said {told:?}").into());
            }
            all.push(of);
        }
        let syncs = self.argocd.syncs()?;
        if syncs == self.commits.len() {
            Ok(all)
        } else {
            Err(format!("{} commits and {syncs} syncs", self.commits.len()).into())
        }
    }

    /// Ends Argo CD, and removes the bench.
    fn leave(self) -> Fallible {
        self.argocd.leave()?;
        self.bench.namespace.leave()
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
