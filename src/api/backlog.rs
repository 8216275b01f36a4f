//! What is left of a queue, as the drain and the relay tell it.

use serde::{Deserialize, Serialize};

/// What is left of one queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Backlog {
    /// Jobs that wait (`rq:queue:`).
    pub queued: u64,
    /// Jobs that a worker has (`rq:wip:`), without those whose worker died long ago.
    pub running: u64,
    /// Jobs for a later time (`rq:scheduled:`).
    pub scheduled: u64,
    /// Jobs that wait for others (`rq:deferred:`).
    pub deferred: u64,
}

impl Backlog {
    /// All of them.
    pub fn total(self) -> u64 {
        let Self { queued, running, scheduled, deferred } = self;
        [queued, running, scheduled, deferred].into_iter().fold(0, u64::saturating_add)
    }
}

/// What [`Backlog`]'s text is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBacklog;

impl std::fmt::Display for Backlog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { queued, running, scheduled, deferred } = self;
        write!(formatter, "{queued} queued, {running} running, {scheduled} scheduled, {deferred} deferred")
    }
}

impl std::str::FromStr for Backlog {
    type Err = NoBacklog;

    fn from_str(text: &str) -> Result<Self, NoBacklog> {
        let mut backlog = Self::default();
        let Self { queued, running, scheduled, deferred } = &mut backlog;
        let known =
            [(queued, "queued"), (running, "running"), (scheduled, "scheduled"), (deferred, "deferred")];
        let mut parts = text.split(", ");
        for (count, word) in known {
            let number = parts.next().and_then(|part| part.strip_suffix(word)).ok_or(NoBacklog)?;
            *count = number.trim_end().parse().map_err(|_| NoBacklog)?;
        }
        if parts.next().is_some() { Err(NoBacklog) } else { Ok(backlog) }
    }
}
