//! The analyses of a release that is going on: at a traffic step, and beside the whole shift.

use std::collections::BTreeMap;
use std::time::Duration;

use super::kept::run_key;
use super::names::Names;
use super::run::{Reading, Run};
use super::verdict::{Verdict, verdict};
use crate::api::analysis::Analysis;
use crate::api::condition::stalled;
use crate::api::names::ANNOTATION_RETRY;
use crate::release::phase::{Going, Outcome};
use crate::release::{Action, JobState};

/// The place of an analysis that runs from green's first traffic to the end of the shift.
pub(super) const WHOLE_SHIFT: &str = "the whole shift";

/// Runs an analysis at a traffic step; `Done` when it has passed.
pub(in crate::release) fn inline(going: &Going<'_>, place: &str, name: &str) -> Outcome {
    run_on(going, place, name)
}

/// Runs the analyses beside the shift: what they ask for, and the end of the release if one says so.
pub(super) fn beside(going: &Going<'_>) -> (Vec<Action>, Option<Outcome>) {
    let mut asked = Vec::new();
    for name in &going.seen.release.spec.traffic.analysis {
        match run_on(going, WHOLE_SHIFT, name) {
            Outcome::Stay { actions, .. } => asked.extend(actions),
            Outcome::Done => {}
            end @ (Outcome::RollBack { .. } | Outcome::Halt { .. }) => return (Vec::new(), Some(end)),
        }
    }
    (asked, None)
}

fn run_on(going: &Going<'_>, place: &str, name: &str) -> Outcome {
    let Some(analysis) = going.seen.release.spec.analysis.iter().find(|analysis| analysis.name == name)
    else {
        let because = format!("{place} names the analysis '{name}', which spec.analysis does not have");
        return Outcome::Halt { because, reason: stalled::INVALID_SPEC };
    };
    // Where nothing was split there is nothing to compare.
    if analysis.verify.is_some() && (going.changes_hands() || going.is_in_window()) {
        return Outcome::Done;
    }
    let key = run_key(place, name);
    let attempt = going.seen.release.annotated(ANNOTATION_RETRY).unwrap_or_default();
    let Some(run) = going.green.gates.runs.get(&key) else { return begin(going, key, analysis, place) };
    let about = format!("analysis '{name}' at {place}");
    match verdict(analysis, run, place == WHOLE_SHIFT) {
        Verdict::Running => measure(going, &key, analysis, run),
        Verdict::Passed => Outcome::Done,
        Verdict::Failed(_) | Verdict::Inconclusive(_) if analysis.dry_run => Outcome::Done,
        Verdict::Failed(why) => Outcome::RollBack { because: format!("{about} failed: {why}") },
        Verdict::Inconclusive(_) if run.attempt != attempt => begin(going, key, analysis, place),
        Verdict::Inconclusive(why) => Outcome::Halt {
            because: format!(
                "{about} is inconclusive: {why}; `kubectl crossfade retry` measures again, or abort"
            ),
            reason: stalled::INCONCLUSIVE,
        },
    }
}

fn begin(going: &Going<'_>, key: String, analysis: &Analysis, place: &str) -> Outcome {
    let attempt = going.seen.release.annotated(ANNOTATION_RETRY).unwrap_or_default();
    let run = Run::new(&analysis.name, place, attempt, going.now);
    let mut entries: BTreeMap<String, Option<String>> =
        going.green.gates.surplus().into_iter().map(|old| (old, None)).collect();
    entries.insert(key, written(&run));
    Outcome::act(
        vec![Action::Gate { revision: going.number, entries }],
        format!("beginning the analysis '{}'", analysis.name),
    )
}

/// A run as it is stored.
fn written(run: &Run) -> Option<String> {
    serde_json::to_string(run).ok()
}

/// Takes the next measurement, if it is time.
fn measure(going: &Going<'_>, key: &str, analysis: &Analysis, run: &Run) -> Outcome {
    let left = run.due(analysis).as_second() - going.now.as_second();
    let because = words(analysis, run, left);
    if left > 0 {
        let recheck = Duration::from_secs(u64::try_from(left).unwrap_or(1));
        return Outcome::Stay { actions: Vec::new(), because, recheck };
    }
    let Some(names) = names(going) else { return Outcome::Done };
    let question = Box::new(names.question(analysis));
    let revision = going.number;
    let (key, number) = (key.to_owned(), run.asked + 1);
    let action = if analysis.is_by_job() {
        let job = going.green.analysis_jobs.iter().find(|job| job.key == key && job.number == number);
        match job.map(|job| &job.state) {
            None => Some(Action::AnalysisJob { revision, key, number, question }),
            Some(JobState::Running) => None,
            Some(JobState::Succeeded) => Some(ended(going, key, analysis, run, Ok(()))),
            Some(JobState::Failed(why)) => Some(ended(going, key, analysis, run, Err(why.clone()))),
        }
    } else {
        Some(Action::Measure { revision, key, run: Box::new(run.clone()), question })
    };
    Outcome::Stay { actions: action.into_iter().collect(), because, recheck: Duration::from_secs(5) }
}

fn ended(going: &Going<'_>, key: String, analysis: &Analysis, run: &Run, end: Result<(), String>) -> Action {
    let run = run.take(analysis, Reading::Ended(end), going.now);
    Action::Gate { revision: going.number, entries: BTreeMap::from([(key, written(&run))]) }
}

fn names(going: &Going<'_>) -> Option<Names> {
    let metadata = &going.seen.release.metadata;
    let (blue, _) = going.blue?;
    Some(Names {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        release: metadata.name.clone().unwrap_or_default(),
        blue,
        green: going.number,
    })
}

fn words(analysis: &Analysis, run: &Run, left: i64) -> String {
    let mut text =
        format!("analysis '{}': {} of {} measurements", analysis.name, run.counted(), analysis.count);
    for (count, what) in [
        (run.failed, "failed"),
        (run.inconclusive, "inconclusive"),
        (run.errors_in_row, "could not be taken"),
        (run.without_data, "without data"),
    ] {
        if count > 0 {
            text = format!("{text}, {count} {what}");
        }
    }
    if let Some(last) = run.measurements.last() {
        text = format!("{text}; the last: {}", last.value);
    }
    // The same words while it measures: what is waited for has not changed.
    format!("{text}; the next in {} s", left.max(0))
}
