//! The figures, as a table for people and as a line of JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::contender::Change;
use super::probe::Seen;

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    change: Change,
    name: &'static str,
    seconds: f64,
    seen: Seen,
}

/// Updates a second with and without triggers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) with: f64,
    pub(crate) without: f64,
}

/// All runs.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    rows: u64,
    runs: Vec<Measured>,
    left_out: BTreeSet<&'static str>,
    pub(crate) shares: Vec<Share>,
}

impl Measured {
    pub(crate) fn of(change: Change, name: &'static str, seconds: f64, mut seen: Seen) -> Self {
        seen.times.sort_unstable();
        Self { change, name, seconds, seen }
    }

    /// Milliseconds that so large a part of the operations did not exceed.
    fn quantile(&self, part: f64) -> f64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let at = ((self.seen.times.len().saturating_sub(1)) as f64 * part).round() as usize;
        self.seen
            .times
            .get(at)
            .map_or(0.0, |micros| f64::from(u32::try_from(*micros).unwrap_or(u32::MAX)) / 1000.0)
    }

    fn errors(&self) -> u64 {
        self.seen.errors.values().sum()
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (p50, p99, longest) = (self.quantile(0.5), self.quantile(0.99), self.quantile(1.0));
        write!(
            formatter,
            "{:?}, {}: {:.1} s; probe {} operations, p50 {p50:.2} ms, p99 {p99:.1} ms, longest {longest:.0} ms, {} errors {:?}, {} NOWAIT sent again",
            self.change,
            self.name,
            self.seconds,
            self.seen.times.len(),
            self.errors(),
            self.seen.errors,
            self.seen.sent_again
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Report {
    pub(crate) fn new(rows: u64) -> Self {
        Self { rows, runs: Vec::new(), left_out: BTreeSet::new(), shares: Vec::new() }
    }

    pub(crate) fn enter(&mut self, measured: Measured) {
        self.runs.push(measured);
    }

    pub(crate) fn left_out(&mut self, name: &'static str) {
        self.left_out.insert(name);
    }

    /// Medians of the repetitions by change and contender.
    fn lines(&self) -> BTreeMap<(Change, &'static str), Value> {
        let mut groups: BTreeMap<(Change, &'static str), Vec<&Measured>> = BTreeMap::new();
        for run in &self.runs {
            groups.entry((run.change, run.name)).or_default().push(run);
        }
        let of = |runs: &[&Measured], value: fn(&Measured) -> f64| {
            median(runs.iter().map(|run| value(run)).collect())
        };
        let plain = |change| {
            groups.get(&(change, "one plain UPDATE")).map_or(0.0, |runs| of(runs, |run| run.seconds))
        };
        groups
            .iter()
            .map(|((change, name), runs)| {
                let seconds = of(runs, |run| run.seconds);
                #[allow(clippy::cast_precision_loss, reason = "rows of a table that is made here")]
                let rate = if seconds > 0.0 { self.rows as f64 / seconds } else { 0.0 };
                let all: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
                let line = json!({
                    "seconds": seconds, "all_seconds": all, "rows_per_second": rate.round(),
                    "of_plain": if seconds > 0.0 { plain(*change) / seconds } else { 0.0 },
                    "p50_ms": of(runs, |run| run.quantile(0.5)), "p99_ms": of(runs, |run| run.quantile(0.99)),
                    "longest_ms": runs.iter().map(|run| run.quantile(1.0)).fold(0.0, f64::max),
                    "errors": runs.iter().map(|run| run.errors()).sum::<u64>(),
                    "sent_again": runs.iter().map(|run| run.seen.sent_again).sum::<u64>(),
                });
                ((*change, *name), line)
            })
            .collect()
    }

    /// The part of the updates that is left with triggers, in each repetition.
    pub(crate) fn trigger_shares(&self) -> Vec<f64> {
        self.shares.iter().map(|share| share.with / share.without).collect()
    }

    /// For people and for the page in the documentation.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{} rows\n\n| change | by | s | rows/s | of one UPDATE | p50 ms | p99 ms | longest ms | errors | NOWAIT sent again |\n",
            self.rows
        );
        text.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
        for ((change, name), line) in self.lines() {
            let number = |key: &str| line[key].as_f64().unwrap_or(0.0);
            let _ = writeln!(
                text,
                "| {change:?} | {name} | {:.1} | {:.0} | {:.2} | {:.2} | {:.1} | {:.0} | {} | {} |",
                number("seconds"),
                number("rows_per_second"),
                number("of_plain"),
                number("p50_ms"),
                number("p99_ms"),
                number("longest_ms"),
                line["errors"],
                line["sent_again"]
            );
        }
        let shares: Vec<String> = self.trigger_shares().iter().map(|share| format!("{share:.3}")).collect();
        let _ = writeln!(text, "\nupdates with triggers, as a part of those without: {}", shares.join(", "));
        for name in &self.left_out {
            let _ = writeln!(text, "{name} is not installed and was left out");
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        let runs: Vec<Value> = self
            .lines()
            .into_iter()
            .map(|((change, name), mut line)| {
                line["change"] = json!(format!("{change:?}"));
                line["by"] = json!(name);
                line
            })
            .collect();
        json!({ "rows": self.rows, "runs": runs, "trigger_shares": self.trigger_shares(), "left_out": self.left_out })
            .to_string()
    }
}
