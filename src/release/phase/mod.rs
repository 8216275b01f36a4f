//! One file a phase. Each looks at what is seen and says whether it is done, what to do, or what it waits for.

mod closing;
mod complete;
mod contracting;
mod draining;
mod expanding;
mod isolating;
mod jobs;
mod migrating;
mod planning;
mod rolling_back;
mod shifting;
mod starting_green;

use std::time::Duration;

use jiff::Timestamp;

use super::{Action, Observed, Revision, Running, gate, plan_of};
use crate::api::gate::Approval;
use crate::api::names::reason;
use crate::api::{Adopted, Phase};
use crate::plan::Verdict;

pub(super) use complete::complete;
pub(super) use expanding::stop_fills;
pub(super) use rolling_back::rolling_back;
#[cfg(test)]
pub(super) use shifting::SETTLE_SECONDS;
pub(super) use shifting::left_to_settle;

/// What a phase says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Its end is reached.
    Done,
    /// It goes on: these actions, and why it is not done.
    Stay {
        /// What to do now.
        actions: Vec<Action>,
        /// What is going on or waited for.
        because: String,
        /// When to look again if nothing is reported before.
        recheck: Duration,
    },
    /// Nothing goes on without a human; `actions` still hold what must stay in force.
    Halt {
        /// Why, and what to do.
        because: String,
        /// A word for the condition's reason.
        reason: &'static str,
    },
    /// The release goes back to blue.
    RollBack {
        /// Why.
        because: String,
    },
}

impl Outcome {
    /// Goes on with these actions, to be looked at again in a moment.
    pub(super) fn act(actions: Vec<Action>, because: impl Into<String>) -> Self {
        Self::Stay { actions, because: because.into(), recheck: Duration::from_secs(2) }
    }

    /// What is left of a phase that is not done.
    pub(super) fn unfinished(self) -> Option<Self> {
        (self != Self::Done).then_some(self)
    }

    /// Waits for something that will be reported.
    pub(super) fn wait(because: impl Into<String>) -> Self {
        Self::Stay { actions: Vec::new(), because: because.into(), recheck: Duration::from_secs(5) }
    }
}

/// A release that is going on: green, blue if there is one, and the clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Going<'a> {
    /// All that is seen.
    pub(super) seen: &'a Observed,
    /// Number of green's revision.
    pub(super) number: u32,
    /// Green.
    pub(super) green: &'a Revision,
    /// Blue and its number; `None` for the first revision of a bench.
    pub(super) blue: Option<(u32, &'a Revision)>,
    /// The time of this decision.
    pub(super) now: Timestamp,
}

impl Going<'_> {
    /// Names of the sites of this release.
    pub(super) fn sites(&self) -> impl Iterator<Item = &str> {
        self.green.record.template.sites.iter().map(|site| site.name.as_str())
    }

    /// Whether the release runs in a maintenance window: a human has accepted that for a plan that is Blocking.
    pub(in crate::release) fn is_in_window(&self) -> bool {
        self.blue.is_some() && plan_of(self.green).is_some_and(|plan| plan.verdict == Verdict::Blocking)
    }

    /// Whether the bench changes hands: one colour is run by another tool. Both are of one version and share the tables as
    /// they are, so there is no schema of views, and nothing to expand, to migrate or to contract.
    pub(in crate::release) fn changes_hands(&self) -> bool {
        let is_adopted = |revision: &Revision| revision.record.template.adopted.is_some();
        self.blue.is_some_and(|(_, blue)| is_adopted(blue) || is_adopted(self.green))
    }

    /// The halt at a gate until somebody has approved exactly `what` (a plan's hash, the number of the revision), in the
    /// spec or by the annotation.
    pub(super) fn unapproved(
        &self,
        approval: &Approval,
        annotation: &str,
        what: &str,
        because: String,
    ) -> Option<Outcome> {
        let said = [approval.approved.as_deref(), self.seen.release.annotated(annotation)];
        (!said.contains(&Some(what))).then_some(Outcome::Halt { because, reason: reason::APPROVAL })
    }

    /// Seconds since a phase was entered; 0 if it was not.
    pub(super) fn seconds_in(&self, phase: Phase) -> i64 {
        let since = self.green.record.entered.get(&phase);
        since.map_or(0, |since| self.now.as_second() - since.as_second())
    }
}

/// The function that judges a phase.
type Judge = fn(&Going<'_>) -> Outcome;

/// A phase and the function that judges it, in the order in which a release goes through them.
pub(super) const FORWARD: [(Phase, Judge); 8] = [
    (Phase::Planning, |going| gate::planning(going, planning::planning(going))),
    (Phase::Isolating, isolating::isolating),
    (Phase::Expanding, expanding::expanding),
    (Phase::Migrating, migrating::migrating),
    (Phase::StartingGreen, starting_green::starting_green),
    (Phase::Shifting, |going| gate::shifting(going, shifting::shifting(going))),
    (Phase::Draining, draining::draining),
    (Phase::Contracting, |going| gate::contracting(going, contracting::contracting(going))),
];

/// Waits until every Pod of a revision has been told which configuration to see.
pub(super) fn told(number: u32, revision: &Revision, hash: &str) -> Option<Outcome> {
    let behind =
        revision.pods.iter().filter(|pod| !pod.is_ending && pod.config_hash.as_deref() != Some(hash)).count();
    (behind > 0).then(|| {
        Outcome::act(
            vec![Action::TouchPods { revision: number, hash: hash.to_owned() }],
            format!("telling {behind} Pods of revision {number} to read their configuration again"),
        )
    })
}

/// The parts of a revision with the Pods that each should have.
pub fn components(revision: &Revision, running: Running) -> Vec<(String, i32)> {
    let template = &revision.record.template;
    if let Some(adopted) = &template.adopted {
        return adopted_components(revision, adopted, running);
    }
    let pods = |is_on: bool, replicas: i32| if is_on { replicas } else { 0 };
    let mut parts = vec![("web".to_owned(), pods(running.web, template.web.replicas))];
    if template.socketio.is_some() {
        parts.push(("socketio".to_owned(), pods(running.web, 1)));
    }
    for worker in &template.workers {
        parts.push((format!("worker-{}", worker.name), pods(running.workers, worker.replicas)));
    }
    if template.scheduler.is_some() {
        parts.push(("scheduler".to_owned(), pods(running.scheduler, 1)));
    }
    parts
}

/// The Deployments of another tool, with the Pods that each has or had. One that is not there has none.
fn adopted_components(revision: &Revision, adopted: &Adopted, running: Running) -> Vec<(String, i32)> {
    let is_on = |component: &str| match component {
        "scheduler" => running.scheduler,
        name if name.starts_with("worker-") => running.workers,
        _ => running.web,
    };
    let pods = |component: String| {
        let full = revision.workloads.get(&component).map_or(0, |workload| workload.full);
        let pods = if is_on(&component) { full } else { 0 };
        (component, pods)
    };
    adopted.components().map(|(component, _)| pods(component)).collect()
}

/// Whether a scheduler of a revision runs, or is asked to.
pub(super) fn schedules(revision: &Revision) -> bool {
    let scheduler = revision.workloads.get("scheduler");
    scheduler.is_some_and(|scheduler| scheduler.desired > 0 || scheduler.existing > 0)
}

/// Brings a revision's Deployments to a state; `None` when they are there and every Pod is as it should be.
///
/// Stopping counts as done when no Pod exists any more, starting when all are ready.
pub(super) fn scaled(number: u32, revision: &Revision, running: Running, because: &str) -> Option<Outcome> {
    let is_settled = components(revision, running).iter().all(|(component, replicas)| {
        match revision.workloads.get(component) {
            Some(workload) if *replicas == 0 => workload.desired == 0 && workload.existing == 0,
            Some(workload) => workload.desired == *replicas && workload.ready >= *replicas,
            None => *replicas == 0,
        }
    });
    (!is_settled).then(|| Outcome::act(vec![Action::Workloads { revision: number, running }], because))
}
