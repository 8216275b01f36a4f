//! Runs and calls in the words of the status, and what of them is worth an event.

use jiff::Timestamp;

use super::analysis::WHOLE_SHIFT;
use super::calls::{Calls, Next};
use super::run::{Outcome, Run};
use super::verdict::{Verdict, verdict};
use crate::api::names::reason;
use crate::api::status::{AnalysisStatus, FrappeReleaseStatus, MeasurementStatus, WebhookStatus};
use crate::api::webhook::Webhook;
use crate::release::status::second;
use crate::release::{Event, Observed, Revision};

/// Runs and webhooks that a status shows, the newest.
const SHOWN: usize = 16;
/// Measurements of a run that a status shows, the newest.
const MEASUREMENTS: usize = 5;

/// The analyses and webhooks of a revision, in the order in which they began.
pub(in crate::release) fn statuses(
    seen: &Observed,
    revision: &Revision,
    now: Timestamp,
) -> (Vec<AnalysisStatus>, Vec<WebhookStatus>) {
    let mut runs: Vec<&Run> = revision.gates.runs.values().collect();
    runs.sort_by_key(|run| (run.began, &run.analysis));
    let mut calls: Vec<(&str, &Calls)> = Vec::new();
    for (key, entry) in revision.gates.calls.iter().filter(|(_, entry)| entry.began.is_some()) {
        calls.push((key, entry));
    }
    calls.sort_by_key(|(key, entry)| (entry.began, *key));
    let newest = |count: usize| count.saturating_sub(SHOWN);
    let analyses = runs[newest(runs.len())..].iter().map(|run| analysis(seen, run)).collect();
    let hooks = &seen.release.spec.webhooks;
    let webhooks = calls[newest(calls.len())..].iter().filter_map(|(key, entry)| {
        // A webhook that is in the spec no more has nothing to tell; one whose point changed is another one.
        let hook = hooks
            .iter()
            .find(|hook| hook.name == entry.webhook && key.split('.').nth(1) == Some(hook.at.name()))?;
        Some(webhook(hook, entry, now))
    });
    (analyses, webhooks.collect())
}

fn analysis(seen: &Observed, run: &Run) -> AnalysisStatus {
    let found = seen.release.spec.analysis.iter().find(|analysis| analysis.name == run.analysis);
    let is_background = run.place == WHOLE_SHIFT;
    let (result, message) = match found.map(|analysis| verdict(analysis, run, is_background)) {
        Some(judged @ (Verdict::Running | Verdict::Passed)) => (judged.name(), String::new()),
        Some(Verdict::Failed(why)) => ("Failed", why),
        Some(Verdict::Inconclusive(why)) => ("Inconclusive", why),
        None => ("Removed", "spec.analysis does not have it any more".to_owned()),
    };
    let skipped = run.measurements.len().saturating_sub(MEASUREMENTS);
    AnalysisStatus {
        name: run.analysis.clone(),
        place: run.place.clone(),
        result: result.to_owned(),
        since: second(run.began),
        measured: run.counted(),
        count: found.filter(|_| !is_background).map(|analysis| analysis.count),
        failed: run.failed,
        dry_run: found.is_some_and(|analysis| analysis.dry_run),
        message,
        measurements: run.measurements[skipped..]
            .iter()
            .map(|measurement| MeasurementStatus {
                number: measurement.number,
                at: second(measurement.at),
                outcome: measurement.outcome.name().to_owned(),
                value: measurement.value.clone(),
            })
            .collect(),
    }
}

fn webhook(hook: &Webhook, calls: &Calls, now: Timestamp) -> WebhookStatus {
    let state = match calls.next(hook, now) {
        Next::Agreed => "Agreed",
        Next::GivenUp => "Failed",
        Next::Call | Next::Wait(_) if hook.at.is_confirmation() => "Holding",
        Next::Call | Next::Wait(_) => "Retrying",
    };
    WebhookStatus {
        name: hook.name.clone(),
        at: hook.at,
        state: state.to_owned(),
        since: second(calls.began.unwrap_or(now)),
        calls: calls.calls,
        answer: calls.answer.clone(),
    }
}

/// What became different since the status was written last.
pub(in crate::release) fn events(
    before: Option<&FrappeReleaseStatus>,
    now: &FrappeReleaseStatus,
) -> Vec<Event> {
    let mut events = Vec::new();
    for run in &now.analyses {
        let is_same = |other: &&AnalysisStatus| {
            (&other.name, &other.place, &other.since) == (&run.name, &run.place, &run.since)
        };
        let known = before.and_then(|status| status.analyses.iter().find(is_same));
        let told = known.and_then(|known| known.measurements.last()).map_or(0, |last| last.number);
        for measurement in run.measurements.iter().filter(|measurement| measurement.number > told) {
            let is_fine =
                [Outcome::Passed, Outcome::NoData].map(Outcome::name).contains(&measurement.outcome.as_str());
            if !is_fine {
                let note = format!(
                    "analysis '{}' at {}: measurement {} is {}: {}",
                    run.name, run.place, measurement.number, measurement.outcome, measurement.value
                );
                events.push(Event { reason: reason::MEASUREMENT, note, is_warning: true });
            }
        }
        let is_news = known.is_none_or(|known| known.result != run.result);
        if is_news && ["Passed", "Failed", "Inconclusive"].contains(&run.result.as_str()) {
            events.push(verdict_event(run));
        }
    }
    for hook in &now.webhooks {
        let is_same = |other: &&WebhookStatus| {
            (&other.name, other.at, &other.since) == (&hook.name, hook.at, &hook.since)
        };
        let known = before.and_then(|status| status.webhooks.iter().find(is_same));
        if known.is_none_or(|known| known.state != hook.state) {
            events.push(webhook_event(hook));
        }
    }
    events
}

fn verdict_event(run: &AnalysisStatus) -> Event {
    let last = run.measurements.last().map(|last| format!(", the last: {}", last.value)).unwrap_or_default();
    let why = if run.message.is_empty() {
        format!("{} measurements, {} failed{last}", run.measured, run.failed)
    } else {
        run.message.clone()
    };
    let dry = if run.dry_run { " (dry run: the release goes on)" } else { "" };
    let note = format!("analysis '{}' at {}: {}: {why}{dry}", run.name, run.place, run.result);
    Event { reason: reason::ANALYSIS, note, is_warning: run.result != "Passed" }
}

fn webhook_event(hook: &WebhookStatus) -> Event {
    let answer = if hook.answer.is_empty() { String::new() } else { format!(": {}", hook.answer) };
    let note = format!(
        "webhook '{}' ({}): {} after {} calls{answer}",
        hook.name,
        hook.at.name(),
        hook.state,
        hook.calls
    );
    Event { reason: reason::WEBHOOK, note, is_warning: hook.state == "Failed" }
}
