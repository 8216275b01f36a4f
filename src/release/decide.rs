//! From what is seen to what to do: which release is going on, in which phase, and what that phase asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::phase::{self, FORWARD, Going, Outcome};
use super::status::{self, Say};
use super::{
    Action, JobStep, Observed, Record, RecordState, Revision, Running, Split, audit, bridge, gate, history,
    leave,
};
use crate::api::condition::{self, stalled};
use crate::api::names::{ANNOTATION_ABORT, ANNOTATION_CAUSE, ANNOTATION_RETRY, reason};
use crate::api::status::FrappeReleaseStatus;
use crate::api::traffic::REST;
use crate::api::webhook::{HookPoint, Webhook};
use crate::api::{Phase, Template};

/// What to do now, what to say, and when to look again.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Where the release is.
    pub phase: Phase,
    /// What to do, in this order; stops at the first that fails.
    pub actions: Vec<Action>,
    /// The status to write.
    pub status: FrappeReleaseStatus,
    /// When to look again if nothing is reported before.
    pub recheck: Duration,
    /// Whether the resource may go: nothing is left behind that only the operator can clear.
    pub is_finalized: bool,
    /// What to tell in events, once the actions that make it true are done.
    pub events: Vec<Event>,
}

/// An event of the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// One of `api::names::reason`.
    pub reason: &'static str,
    /// A sentence with the numbers.
    pub note: String,
    /// Whether it tells of trouble.
    pub is_warning: bool,
}

/// What a step of the decision found, before it is put into words for the status.
pub(super) struct Verdict {
    pub(super) phase: Phase,
    pub(super) actions: Vec<Action>,
    pub(super) say: Say,
    pub(super) recheck: Duration,
    pub(super) event: Option<Event>,
}

const IDLE: Duration = Duration::from_mins(5);

/// Decides what to do about one release. The same input gives the same answer.
pub fn decide(seen: &Observed, now: Timestamp) -> Decision {
    let is_deleted = seen.release.metadata.deletion_timestamp.is_some();
    let going = seen.revisions.iter().rev().find(|(_, revision)| is_going(&revision.record.state));
    let leaving = if is_deleted && going.is_none() { leave::leave(seen, now) } else { None };
    let is_finalized = is_deleted && going.is_none() && leaving.is_none();
    let (current, verdict) = match going {
        Some((number, green)) => {
            let blue = green.record.blue.and_then(|blue| Some((blue, seen.revisions.get(&blue)?)));
            let going = Going { seen, number: *number, green, blue, now };
            let mut verdict = on_the_way(&going);
            if let Some(image) = waits_behind(&going) {
                verdict.say.add(&format!("; then {image} is released, which was asked for meanwhile"));
            }
            (Some(*number), verdict)
        }
        None => leaving.unwrap_or_else(|| settled(seen, now)),
    };
    let status = status::write(seen, current, verdict.phase, &verdict.say, now);
    let mut events: Vec<Event> = verdict.event.into_iter().collect();
    events.extend(news(seen.release.status.as_ref(), &status));
    events.extend(audit::events(seen.release.status.as_ref(), &status));
    events.extend(gate::events(seen.release.status.as_ref(), &status));
    let mut actions = verdict.actions;
    // Before anything that it tells of is gone.
    actions.splice(..0, history::written(seen).map(|entries| Action::History { entries }));
    Decision {
        phase: verdict.phase,
        is_finalized,
        actions: if is_finalized { Vec::new() } else { actions },
        status,
        recheck: verdict.recheck,
        events,
    }
}

/// What became different since the status was written last: a weight, and a halt with its reason.
///
/// With the status lost it is told again: an event too many, never one too few.
fn news(before: Option<&FrappeReleaseStatus>, now: &FrappeReleaseStatus) -> Vec<Event> {
    let mut events = Vec::new();
    let same_green = |before: &&FrappeReleaseStatus| {
        before.green.as_ref().map(|green| green.revision) == now.green.as_ref().map(|green| green.revision)
    };
    if let (Some(before), Some(green)) = (before.filter(same_green), &now.green) {
        for app in &now.apps {
            let was = before.apps.iter().find(|was| was.name == app.name).map_or(0, |was| was.weight);
            if was != app.weight {
                let of = match (app.name.as_str(), now.apps.len()) {
                    (REST, 1) => "the traffic".to_owned(),
                    (REST, _) => "everything else".to_owned(),
                    (name, _) => format!("the app {name}"),
                };
                let note = format!("revision {}: {was} % -> {} % of {of}", green.revision, app.weight);
                events.push(Event { reason: reason::WEIGHT, note, is_warning: false });
            }
        }
    }
    let halt = |status: &FrappeReleaseStatus| {
        condition::reason_of(&status.conditions, condition::STALLED).map(str::to_owned)
    };
    if let Some(why) = halt(now).filter(|why| before.and_then(halt).as_ref() != Some(why)) {
        let asked = [reason::APPROVAL, reason::PROMOTION].into_iter().find(|reason| *reason == why);
        let (reason, is_warning) = (asked.unwrap_or(reason::STALLED), asked.is_none());
        events.push(Event { reason, note: format!("{why}: {}", now.message), is_warning });
    }
    events
}

/// The webhooks that are told of an event of this decision, each with the body it gets.
pub fn told(
    seen: &Observed,
    decision: &Decision,
    event: &Event,
    now: Timestamp,
) -> Vec<(Webhook, serde_json::Value)> {
    let number = decision.status.green.as_ref().map_or(0, |green| green.revision);
    gate::of_event(seen, (number, decision.phase), event, now)
}

const fn is_going(state: &RecordState) -> bool {
    match state {
        RecordState::Releasing | RecordState::Aborting { .. } => true,
        RecordState::Active | RecordState::RolledBack { .. } | RecordState::Leaving { .. } => false,
    }
}

/// A release is going on.
fn on_the_way(going: &Going<'_>) -> Verdict {
    if let RecordState::Aborting { reason, .. } = &going.green.record.state {
        let outcome = gate::finishing(going, phase::rolling_back(going, reason));
        let mut verdict = carry(going, Phase::RollingBack, outcome);
        let at = (HookPoint::Rollback, Phase::RollingBack);
        // Before the record that ends it: from then on only what is written down is called.
        verdict
            .actions
            .splice(..0, gate::pending(going.seen, (going.number, going.green), at, true, going.now));
        return verdict;
    }
    if let Some(why) = wants_back(going) {
        return abort(going, &why);
    }
    let last = going.green.record.entered.keys().max().copied().unwrap_or(Phase::Planning);
    // What lies behind is done: a later phase was entered only then, and its own guards look again where it matters.
    for (phase, judge) in FORWARD.into_iter().filter(|(phase, _)| *phase >= last) {
        if phase > last {
            return enter(going, phase);
        }
        let (beside, end) = if phase == Phase::Shifting { gate::beside(going) } else { (Vec::new(), None) };
        match end.unwrap_or_else(|| judge(going)) {
            Outcome::Done => {}
            Outcome::RollBack { because } if is_final(going) => {
                let because = format!(
                    "{because}; there is no way back after migrate in a maintenance window: mend it, then retry, or restore your backup"
                );
                return carry(going, phase, Outcome::Halt { because, reason: stalled::NO_WAY_BACK });
            }
            Outcome::RollBack { because } => return abort(going, &because),
            outcome @ (Outcome::Stay { .. } | Outcome::Halt { .. }) => {
                let mut verdict = carry(going, phase, outcome);
                if !is_paused(going) {
                    verdict.actions.extend(beside);
                }
                return verdict;
            }
        }
    }
    carry(going, Phase::Contracting, gate::completing(going, phase::complete(going)))
}

fn is_paused(going: &Going<'_>) -> bool {
    going.seen.release.spec.paused && going.seen.release.metadata.deletion_timestamp.is_none()
}

/// Whether the point of no return is behind: the contract, or green's migrate where no view kept blue's shape.
fn is_final(going: &Going<'_>) -> bool {
    let last = if going.is_in_window() { JobStep::Migrate } else { JobStep::Contract };
    going.green.jobs.iter().any(|job| job.step == last)
}

/// Why the release should go back, if somebody wants that and it still can.
fn wants_back(going: &Going<'_>) -> Option<String> {
    if is_final(going) {
        return None;
    }
    let release = &going.seen.release;
    if release.metadata.deletion_timestamp.is_some() {
        return Some("the FrappeRelease was deleted while its release was going on".to_owned());
    }
    if release.annotated(ANNOTATION_ABORT) == Some(going.number.to_string().as_str()) {
        return Some(format!("aborted{}", audit::aborter(going.seen, going.now)));
    }
    let (number, _) = going.blue.filter(|_| is_withdrawn(going))?;
    Some(format!("the spec was that of revision {number} again"))
}

/// Whether the spec asks for what blue is.
fn is_withdrawn(going: &Going<'_>) -> bool {
    going.blue.is_some_and(|(_, blue)| blue.record.template == going.seen.release.spec.template())
}

/// The image that the spec asks for by now, if this release neither makes it nor goes back to it: its turn comes after.
fn waits_behind<'a>(going: &Going<'a>) -> Option<&'a str> {
    let release = &going.seen.release;
    let wanted = release.spec.template();
    let goes_back = !is_final(going) && is_withdrawn(going);
    let is_meant = going.green.record.template == wanted || goes_back;
    (!is_meant && release.metadata.deletion_timestamp.is_none()).then_some(release.spec.image.as_str())
}

fn enter(going: &Going<'_>, phase: Phase) -> Verdict {
    let mut record = going.green.record.clone();
    record.entered.insert(phase, going.now);
    let before = record.entered.iter().rfind(|(other, _)| **other < phase);
    let took = before.map_or(0, |(_, since)| going.now.as_second() - since.as_second());
    let from = before.map_or("the beginning", |(other, _)| other.name());
    Verdict {
        phase,
        actions: vec![Action::Record { revision: going.number, record: Box::new(record) }],
        say: Say::going("entering the phase"),
        recheck: Duration::from_secs(1),
        event: Some(Event {
            reason: reason::PHASE,
            note: format!("revision {}: {} after {took} s in {from}", going.number, phase.name()),
            is_warning: false,
        }),
    }
}

fn abort(going: &Going<'_>, because: &str) -> Verdict {
    let mut record = going.green.record.clone();
    record.state = RecordState::Aborting { reason: because.to_owned(), is_withdrawn: is_withdrawn(going) };
    record.entered.insert(Phase::RollingBack, going.now);
    Verdict {
        phase: Phase::RollingBack,
        actions: vec![Action::Record { revision: going.number, record: Box::new(record) }],
        say: Say::going(because),
        recheck: Duration::from_secs(1),
        event: Some(Event {
            reason: reason::ABORTED,
            note: format!("revision {} goes back to blue: {because}", going.number),
            is_warning: true,
        }),
    }
}

fn carry(going: &Going<'_>, phase: Phase, outcome: Outcome) -> Verdict {
    let is_paused = is_paused(going);
    let (actions, say, recheck) = match outcome {
        Outcome::Stay { because, .. } if is_paused => {
            // What may fill columns for hours stops at once.
            let stopped = if phase == Phase::Expanding { phase::stop_fills(going) } else { Vec::new() };
            (stopped, Say::paused(&format!("paused by spec.paused; next: {because}")), IDLE)
        }
        Outcome::Stay { actions, because, recheck } => (actions, Say::going(&because), recheck),
        Outcome::Halt { because, reason } => {
            (Vec::new(), Say::halted(reason, &because), Duration::from_secs(30))
        }
        Outcome::RollBack { because } => return abort(going, &because),
        Outcome::Done => (Vec::new(), Say::going("done"), Duration::from_secs(1)),
    };
    Verdict { phase, actions, say, recheck, event: None }
}

/// No release is going on: begin one, or keep what is.
fn settled(seen: &Observed, now: Timestamp) -> (Option<u32>, Verdict) {
    let active =
        seen.revisions.iter().rev().find(|(_, revision)| revision.record.state == RecordState::Active);
    let wanted = seen.release.spec.template();
    match active {
        Some((number, revision)) if revision.record.template == wanted => {
            let mut verdict = keep(seen, *number, revision, now);
            verdict.actions.extend(withdrawal(seen));
            let at = (HookPoint::PostRollout, Phase::Complete);
            verdict.calls(gate::pending(seen, (*number, revision), at, false, now));
            (Some(*number), verdict)
        }
        Some((number, revision)) => begin(seen, wanted, Some((*number, revision)), now),
        None => begin(seen, wanted, None, now),
    }
}

/// Writes down that the spec asks for what runs, where something else was taken back before.
fn withdrawal(seen: &Observed) -> Option<Action> {
    let (number, revision) = seen.revisions.iter().next_back()?;
    let RecordState::RolledBack { reason, is_withdrawn: false } = &revision.record.state else { return None };
    let mut record = Box::new(revision.record.clone());
    record.state = RecordState::RolledBack { reason: reason.clone(), is_withdrawn: true };
    Some(Action::Record { revision: *number, record })
}

/// The active revision is what the spec wants: see that it runs.
fn keep(seen: &Observed, number: u32, revision: &Revision, now: Timestamp) -> Verdict {
    let mut actions = Vec::new();
    let parts = phase::components(revision, Running::ALL);
    let has_parts = parts.iter().all(|(part, replicas)| {
        revision.workloads.get(part).is_some_and(|workload| workload.desired == *replicas)
    });
    if !has_parts {
        actions.push(Action::Workloads { revision: number, running: Running::ALL });
    }
    let split = Split::only(number);
    if seen.route.as_ref().is_none_or(|route| route.split.as_ref() != Some(&split) || !route.is_whole) {
        actions.push(Action::Route { split });
    }
    let complete = revision.record.entered.get(&Phase::Complete).copied().unwrap_or_default();
    if bridge::is_crossed(seen, complete, now) {
        actions.push(Action::NoBridge);
    }
    let ready = revision.workloads.get("web").map_or(0, |web| web.ready);
    let wanted = parts.first().map_or(0, |(_, replicas)| *replicas);
    let say = if ready >= wanted {
        Say::complete(&format!("revision {number} runs {}", revision.record.template.image))
    } else {
        Say::going(&format!("revision {number}: {ready} of {wanted} web Pods are ready"))
    };
    let is_idle = actions.is_empty() && (seen.bridge.is_none() || !seen.rival_routes.is_empty());
    let recheck = if is_idle { IDLE } else { Duration::from_secs(5) };
    Verdict { phase: Phase::Complete, actions, say, recheck, event: None }
}

/// Begins the release of what the spec wants, unless just that was taken back.
fn begin(
    seen: &Observed,
    wanted: Template,
    active: Option<(u32, &Revision)>,
    now: Timestamp,
) -> (Option<u32>, Verdict) {
    let attempt = seen.release.annotated(ANNOTATION_RETRY).unwrap_or_default().to_owned();
    let last = seen.revisions.iter().next_back();
    if let Some((number, revision)) = last
        && let RecordState::RolledBack { reason, is_withdrawn: false } = &revision.record.state
        && revision.record.template == wanted
        && revision.record.attempt == attempt
    {
        let mut verdict = taken_back(seen, active, reason, now);
        let at = (HookPoint::Rollback, Phase::RolledBack);
        verdict.calls(gate::pending(seen, (*number, revision), at, false, now));
        return (Some(*number), verdict);
    }
    if seen.release.spec.paused {
        let say = Say::paused("paused by spec.paused; next: a new release");
        return (active.map(|(number, _)| number), Verdict::idle(Phase::Planning, say));
    }
    let number = last.map_or(0, |(number, _)| *number) + 1;
    // Another tool's Pods have the first one: nobody gives them a configuration.
    let is_first = wanted.adopted.is_some();
    let cache_slot = active.filter(|_| !is_first).map_or(0, |(_, blue)| 1 - blue.record.cache_slot.min(1));
    let image = wanted.image.clone();
    let record = Record {
        template: wanted,
        blue: active.map(|(number, _)| number),
        state: RecordState::Releasing,
        entered: BTreeMap::from([(Phase::Planning, now)]),
        traffic: BTreeMap::new(),
        attempt,
        by: audit::manager(&seen.release, &["spec", "image"]),
        cause: seen.release.annotated(ANNOTATION_CAUSE).map(str::to_owned),
        cache_slot,
    };
    let verdict = Verdict {
        phase: Phase::Planning,
        actions: vec![Action::Record { revision: number, record: Box::new(record) }],
        say: Say::going(&format!("beginning the release of {image}")),
        recheck: Duration::from_secs(1),
        event: Some(Event {
            reason: reason::PHASE,
            note: format!("revision {number}: Planning the release of {image}"),
            is_warning: false,
        }),
    };
    (Some(number), verdict)
}

/// What the spec wants was taken back: blue serves, and a human decides what comes next.
fn taken_back(seen: &Observed, active: Option<(u32, &Revision)>, reason: &str, now: Timestamp) -> Verdict {
    let kept = active.map(|(number, revision)| keep(seen, number, revision, now).actions).unwrap_or_default();
    let because =
        format!("{reason}; change the spec, or run `kubectl crossfade retry` to try the same again");
    let say = Say::halted(stalled::ROLLED_BACK, &because);
    Verdict { phase: Phase::RolledBack, actions: kept, say, recheck: IDLE, event: None }
}

impl Verdict {
    /// Adds calls that do not hold anything, and looks again soon while there are some.
    fn calls(&mut self, calls: Vec<Action>) {
        if !calls.is_empty() {
            self.recheck = self.recheck.min(Duration::from_secs(5));
        }
        self.actions.extend(calls);
    }

    fn idle(phase: Phase, say: Say) -> Self {
        Self { phase, actions: Vec::new(), say, recheck: IDLE, event: None }
    }
}
