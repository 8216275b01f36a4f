//! Where an app stands in its traffic steps, and what holds it there.

use jiff::Timestamp;

use super::AppStep;
use crate::api::FrappeRelease;
use crate::api::names::{ANNOTATION_APPROVE_STEP, promotion_annotation};
use crate::api::traffic::{AppTraffic, Step};

/// What a human has to say before an app goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hold {
    /// An `approve` step of this name.
    Approval(String),
    /// A pause without an end.
    Pause,
}

impl Hold {
    /// What is waited for.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Approval(name) => format!("waits for the approval '{name}'"),
            Self::Pause => "pauses until it is promoted".to_owned(),
        }
    }
}

/// What holds an app at a step, if something does.
pub(super) fn hold(release: &FrappeRelease, revision: u32, app: &AppTraffic, at: usize) -> Option<Hold> {
    let step = app.steps.get(at)?;
    if let Some(name) = &step.approve {
        return (!is_approved(release, revision, name)).then(|| Hold::Approval(name.clone()));
    }
    let is_endless = step.pause.as_ref().is_some_and(|pause| pause.seconds.is_none());
    let is_promoted = match promotion(release, revision, app) {
        Some(Promotion::Step(number)) => number == at + 1,
        Some(Promotion::Full) => true,
        None => false,
    };
    (is_endless && !is_promoted).then_some(Hold::Pause)
}

/// What was said to an app.
enum Promotion {
    /// Go on from the step of this number, from 1.
    Step(usize),
    /// Go to 100 % without a pause.
    Full,
}

fn promotion(release: &FrappeRelease, revision: u32, app: &AppTraffic) -> Option<Promotion> {
    let said = release.annotated(&promotion_annotation(&app.name))?;
    let (of, what) = said.split_once('/')?;
    if of != revision.to_string() {
        return None;
    }
    if what == "full" { Some(Promotion::Full) } else { what.parse().ok().map(Promotion::Step) }
}

fn is_approved(release: &FrappeRelease, revision: u32, name: &str) -> bool {
    let number = revision.to_string();
    let by_commit = release.spec.approvals.steps.iter().find(|step| step.name == name);
    by_commit.is_some_and(|step| step.approved == number)
        || release.annotated(&format!("{ANNOTATION_APPROVE_STEP}{name}")) == Some(number.as_str())
}

/// The step that an app may go to at once: where it is, or the next that needs an approval (else the end) if it was
/// promoted in full.
pub(super) fn reachable(release: &FrappeRelease, revision: u32, app: &AppTraffic, at: usize) -> usize {
    if !matches!(promotion(release, revision, app), Some(Promotion::Full)) {
        return at;
    }
    (at..app.steps.len())
        .find(|index| is_gate(release, revision, app, *index))
        .unwrap_or(app.steps.len().max(at))
}

fn is_gate(release: &FrappeRelease, revision: u32, app: &AppTraffic, at: usize) -> bool {
    matches!(hold(release, revision, app, at), Some(Hold::Approval(_)))
}

/// The weight that an app should have at a step: the last one that its steps name up to there.
pub(super) fn weight(steps: &[Step], at: usize) -> u8 {
    if at >= steps.len() {
        return 100;
    }
    steps.iter().take(at + 1).filter_map(|step| step.weight).next_back().unwrap_or(0)
}

/// Seconds that are left of a timed pause; `None` at any other step.
pub(super) fn left(steps: &[Step], at: usize, since: Option<&AppStep>, now: Timestamp) -> Option<i64> {
    let seconds = steps.get(at)?.pause.as_ref()?.seconds?;
    let passed = since.map_or(0, |at| now.as_second() - at.since.as_second());
    Some(i64::from(seconds) - passed).filter(|left| *left > 0)
}
