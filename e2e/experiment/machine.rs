//! What the figures were measured on and with.

use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::harness::Fallible;
use crate::harness::bench::Bench;
use crate::harness::cluster::{kubectl, repository, run};

/// The machine, and versions of what runs on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Cores and model of the processor.
    pub processor: String,
    /// Memory, in GiB.
    pub memory: u64,
    /// Kernel.
    pub kernel: String,
    /// Commit of this repository, with `+` where the tree had changes.
    pub commit: String,
    /// Kubernetes.
    pub kubernetes: String,
    /// MariaDB.
    pub mariadb: String,
    /// Locust.
    pub locust: String,
    /// The build of the operator: a cargo profile.
    pub profile: String,
}

/// Asks all of them.
pub fn ask(bench: &Bench) -> Fallible<Machine> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = field(&cpu, "model name").unwrap_or("unknown");
    let cores = std::thread::available_parallelism()?;
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let kilobytes = field(&memory, "MemTotal").and_then(|total| total.split(' ').next()?.parse::<u64>().ok());
    let nodes: serde_json::Value = serde_json::from_str(&kubectl(&["get", "nodes", "-o", "json"], None)?)?;
    let kubelet = nodes["items"][0]["status"]["nodeInfo"]["kubeletVersion"].as_str().unwrap_or("unknown");
    Ok(Machine {
        processor: format!("{cores} cores, {model}"),
        memory: kilobytes.unwrap_or_default().div_ceil(1024 * 1024),
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        // A tree without its history is no reason to measure nothing.
        commit: commit().unwrap_or_else(|_| "unknown".to_owned()),
        kubernetes: kubelet.to_owned(),
        mariadb: bench.sql("SELECT VERSION()")?.trim().to_owned(),
        locust: locust()?,
        profile: std::env::var("PROFILE").unwrap_or_else(|_| "dev".to_owned()),
    })
}

/// The value of a line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn commit() -> Fallible<String> {
    let git = |arguments: &[&str]| {
        run(Command::new("git").arg("-C").arg(repository()).args(arguments), None)
            .map(|said| said.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Ok(if is_changed { commit + "+" } else { commit })
}

/// The version that `setup` installs.
fn locust() -> Fallible<String> {
    let pinned = std::fs::read_to_string(repository().join("e2e/bed/locust.txt"))?;
    let line = pinned.lines().find_map(|line| line.strip_prefix("locust=="));
    Ok(line.unwrap_or("unknown").to_owned())
}
