//! What a container has used of the machine, from its cgroup on the node.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::Fallible;

/// What a container has used since it started.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// The most memory that it has had at once, page cache included, as its limit counts it; bytes.
    pub memory_peak: u64,
    /// Time on a processor.
    pub cpu: Duration,
    /// For how long it has run.
    pub age: Duration,
}

impl Used {
    /// Of the first container of a Pod that runs.
    pub fn by(pod: &Value) -> Fallible<Self> {
        let container = &pod["status"]["containerStatuses"][0];
        let id = container["containerID"].as_str().unwrap_or_default();
        let id = id.strip_prefix("containerd://").ok_or_else(|| format!("no container runs in {pod}"))?;
        let uid = pod["metadata"]["uid"].as_str().ok_or("the Pod has no uid")?;
        let found = |file: &str| {
            folders(uid, id).into_iter().find_map(|folder| fs::read_to_string(folder.join(file)).ok())
        };
        // Version 2, or version 1.
        let peak = found("memory.peak").or_else(|| found("memory.max_usage_in_bytes"));
        let peak = peak.ok_or("the node's cgroups keep no peak of memory")?;
        let spent = folders(uid, id).into_iter().find_map(|folder| {
            let stat = fs::read_to_string(folder.join("cpu.stat")).ok()?;
            stat.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())
        });
        let spent = spent.ok_or("the node's cgroups keep no time of processors")?;
        let began = container["state"]["running"]["startedAt"].as_str().ok_or("the container has ended")?;
        let age = jiff::Timestamp::now().duration_since(began.parse()?).try_into()?;
        Ok(Self { memory_peak: peak.trim().parse()?, cpu: Duration::from_micros(spent), age })
    }
}

/// Where a container may have its files: in the one hierarchy of version 2, or in one of those of version 1.
fn folders(uid: &str, id: &str) -> Vec<PathBuf> {
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory"];
    let classes = ["", "burstable", "besteffort"];
    let folder =
        |root: &str, class: &str| [root, "kubepods", class, &format!("pod{uid}"), id].iter().collect();
    roots.iter().flat_map(|root| classes.iter().map(move |class| folder(root, class))).collect()
}
