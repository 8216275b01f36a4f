//! The jobs that users enqueued, and the job of every second: lost, or doubled.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::harness::Fallible;
use crate::harness::beats::{Beats, Tally};
use crate::harness::bench::Bench;
use crate::harness::cluster::until;
use crate::harness::load::Request;

/// A queue that is not empty after so long is one that nobody works on.
const LONGEST: Duration = Duration::from_mins(2);

/// What became of the jobs of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Jobs {
    /// Jobs that a user was told are enqueued.
    pub enqueued: usize,
    /// Those of them that have not run two minutes after the last user went home.
    pub lost: usize,
    /// Jobs that ran more than once.
    pub doubled: usize,
    /// The job of every second before the release.
    pub ticks_before: Tally,
    /// And from its begin to the end of the run.
    pub ticks: Tally,
}

/// Counts the jobs, once those that wait have run. The release ran from `begin`, the run from `from` to `until` (seconds since 1970).
pub fn count(bench: &Bench, requests: &[Request], (from, begin, end): (f64, f64, f64)) -> Fallible<Jobs> {
    let tokens: Vec<&str> = enqueued(requests).collect();
    let mut traces = BTreeMap::new();
    // Lost ones are a result, and no reason to fail.
    let _ = until("all jobs to have run", LONGEST, || {
        traces = self::traces(bench)?;
        Ok(tokens.iter().all(|token| traces.contains_key(*token)).then_some(()))
    });
    let beats = Beats::of(bench)?.ok_or("this bench has no job of every second")?;
    Ok(Jobs {
        enqueued: tokens.len(),
        lost: tokens.iter().filter(|token| !traces.contains_key(**token)).count(),
        doubled: traces.values().filter(|count| **count > 1).count(),
        ticks_before: beats.tally(from, begin),
        ticks: beats.tally(begin, end),
    })
}

/// The jobs that a user may rely on: one whose request failed may have been enqueued or not.
fn enqueued(requests: &[Request]) -> impl Iterator<Item = &str> {
    let good = requests.iter().filter(|request| request.failure.is_none());
    good.filter_map(|request| request.token.as_deref())
}

/// How often each job has run, by its token.
fn traces(bench: &Bench) -> Fallible<BTreeMap<String, u64>> {
    let rows = bench.sql("SELECT token, COUNT(*) FROM shop.`tabJob Note` GROUP BY token")?;
    let read = |line: &str| {
        let (token, count) = line.split_once('\t')?;
        Some((token.to_owned(), count.parse().ok()?))
    };
    let traces: Option<BTreeMap<_, _>> = rows.lines().map(read).collect();
    traces.ok_or_else(|| "a Job Note has no token".into())
}
