//! A `FrappeRelease` gets another image.

use std::time::Duration;

use super::{Backfill, Migration, Released};
use crate::harness::Fallible;
use crate::harness::bench::{Bench, holds};
use crate::harness::cluster::until;
use crate::harness::load::read_back_by;
use crate::harness::operator;

pub(super) const TITLE: &str = "a `FrappeRelease` gets the new image";

/// The longest that one release may take: a million rows are filled at less than half of the server's speed.
const LONGEST: Duration = Duration::from_hours(2);

/// The longest that the first one may take, of an empty bench.
const FIRST: Duration = Duration::from_mins(15);

pub(super) fn install(namespace: &str) -> Fallible<Bench> {
    operator::install()?;
    let bench = Bench::new(namespace, "v1")?;
    bench.release("v1")?;
    bench.wait_for("Ready", FIRST)?;
    // So that the header of a user can choose the colour that a write is read back by.
    let open = r#"{"spec": {"traffic": {"preview": "Open"}}}"#;
    bench.namespace.kubectl(&["patch", "frapperelease", "shop", "--type=merge", "-p", open])?;
    bench.wait_for("Ready", FIRST)?;
    Ok(bench)
}

pub(super) fn release(bench: &Bench, version: &str, say: &dyn Fn(&str)) -> Fallible<Released> {
    say(&format!("the FrappeRelease gets the image {version}"));
    bench.release(version)?;
    let failure = watch(bench, say)?;
    // A release that stops before it is planned has no record.
    let mut phases = if failure.is_some() { bench.phases(2).unwrap_or_default() } else { bench.phases(2)? };
    phases.retain(|(phase, _)| phase != "Complete");
    Ok(Released { migrations: migrations(bench, &phases)?, backfills: backfills(bench)?, phases, failure })
}

/// Shows each new word of the status until the release is over; gives why it is not made, if it is not.
fn watch(bench: &Bench, say: &dyn Fn(&str)) -> Fallible<Option<String>> {
    let (mut last, mut did_both) = (String::new(), false);
    until("the end of the release", LONGEST, || {
        let release = bench.status()?;
        let status = &release["status"];
        let phase = status["phase"].as_str().unwrap_or_default();
        let line = format!("{phase}: {}", status["message"].as_str().unwrap_or_default());
        if line != last {
            say(&line);
            last.clone_from(&line);
        }
        // Before, green may not be ready, although the header leads to it; after, blue is about to stop.
        let do_both = phase == "Shifting" && (1..100).contains(&status["weight"].as_u64().unwrap_or(0));
        if do_both != did_both {
            read_back_by(bench, if do_both { &["blue", "green"] } else { &[] })?;
            did_both = do_both;
        }
        let is_over = phase == "Complete" && status["green"]["revision"] == 2 && holds(&release, "Ready");
        let is_lost = holds(&release, "Stalled") || phase == "RolledBack";
        Ok(if is_over { Some(None) } else { is_lost.then(|| Some(line.clone())) })
    })
}

/// Green's migrate, as long as its phase took: one that fails is tried again by the operator in the same phase.
fn migrations(bench: &Bench, phases: &[(String, f64)]) -> Fallible<Vec<Migration>> {
    let at = |name: &str| phases.iter().find(|(phase, _)| phase == name).map(|(_, at)| *at);
    let (Some(begin), Some(end)) = (at("Migrating"), at("StartingGreen")) else { return Ok(Vec::new()) };
    let pods = bench.namespace.list("pods", "crossfade.dev/component=migrate,crossfade.dev/revision=2")?;
    let failed = pods.iter().filter(|pod| pod["status"]["phase"] == "Failed").count();
    let last = Migration { seconds: end - begin, failure: None };
    let first = (0..failed).map(|_| Migration { seconds: 0.0, failure: Some("tried again".to_owned()) });
    Ok(first.chain([last]).collect())
}

/// What the Jobs of the release say that they filled.
fn backfills(bench: &Bench) -> Fallible<Vec<Backfill>> {
    let mut filled: Vec<Backfill> = Vec::new();
    for pod in bench.namespace.list("pods", "crossfade.dev/component=expand,crossfade.dev/revision=2")? {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let log = bench.namespace.kubectl(&["logs", name, "--all-containers"])?;
        for said in log.lines().filter_map(backfill) {
            // Each word of the same columns is about more of the rows.
            filled.retain(|known| known.what != said.what);
            filled.push(said);
        }
    }
    Ok(filled)
}

/// A line of progress, as `crossfade expand` says it for programs.
fn backfill(line: &str) -> Option<Backfill> {
    let said: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(Backfill {
        what: format!("{} of {}", said["columns"].as_str()?, said["table"].as_str()?),
        rows: said["done"].as_u64()?,
        rows_per_second: said["rowsPerSecond"].as_u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_job_about_a_backfill_are_read() {
        let line = r#"{"step": "backfill", "done": 5, "total": 9, "message": "x", "table": "tabA", "columns": "b, c", "rowsPerSecond": 7, "secondsLeft": null}"#;
        let read = backfill(line).unwrap();
        assert_eq!((read.what.as_str(), read.rows, read.rows_per_second), ("b, c of tabA", 5, 7));
        assert_eq!(backfill(r#"{"step": "columns", "done": 5, "total": 9, "message": "x"}"#), None);
        assert_eq!(backfill("expanding"), None);
    }
}
