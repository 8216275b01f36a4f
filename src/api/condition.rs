//! Conditions of a release: types, reasons, and the one way to set them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::Phase;

/// The plan is made (and approved, if the spec asks).
pub const PLANNED: &str = "Planned";
/// Blue serves from its schema of views.
pub const ISOLATED: &str = "Isolated";
/// The tables serve both versions.
pub const EXPANDED: &str = "Expanded";
/// Green's migrate is through.
pub const MIGRATED: &str = "Migrated";
/// Green's Pods are ready.
pub const GREEN_READY: &str = "GreenReady";
/// All traffic is on green.
pub const TRAFFIC_SHIFTED: &str = "TrafficShifted";
/// Nothing of blue runs or waits any more.
pub const DRAINED: &str = "Drained";
/// What only blue needed is gone.
pub const CONTRACTED: &str = "Contracted";
/// kstatus: the release is done and healthy.
pub const READY: &str = "Ready";
/// kstatus: the operator is at work.
pub const RECONCILING: &str = "Reconciling";
/// kstatus: nothing goes on without a human.
pub const STALLED: &str = "Stalled";

/// The phases of a release that goes through, in their order, each with the condition that it makes true.
pub const PHASES: [(Phase, &str); 8] = [
    (Phase::Planning, PLANNED),
    (Phase::Isolating, ISOLATED),
    (Phase::Expanding, EXPANDED),
    (Phase::Migrating, MIGRATED),
    (Phase::StartingGreen, GREEN_READY),
    (Phase::Shifting, TRAFFIC_SHIFTED),
    (Phase::Draining, DRAINED),
    (Phase::Contracting, CONTRACTED),
];

/// Reasons of the condition `Stalled`: why nothing goes on without a human.
pub mod stalled {
    pub use crate::api::names::reason::{APPROVAL, PROMOTION};

    /// A Secret or a key of it cannot be read, or the spec asks for what this version does not serve.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// Both versions cannot share the database, or a patch of green was not accepted.
    pub const PLAN_BLOCKING: &str = "PlanBlocking";
    /// A Job gave up.
    pub const JOB_FAILED: &str = "JobFailed";
    /// Measurements of an analysis are neither good nor bad.
    pub const INCONCLUSIVE: &str = "AnalysisInconclusive";
    /// Blue's queues did not run out in `deadlines.drainSeconds`.
    pub const DRAIN_DEADLINE: &str = "DrainDeadline";
    /// Green does not come up after a maintenance window.
    pub const NO_WAY_BACK: &str = "NoWayBack";
    /// The release was taken back; blue serves from the tables.
    pub const ROLLED_BACK: &str = "RolledBack";

    /// All of them, in the order in which a release can meet them.
    pub const ALL: [&str; 9] = [
        INVALID_SPEC,
        PLAN_BLOCKING,
        APPROVAL,
        JOB_FAILED,
        PROMOTION,
        INCONCLUSIVE,
        DRAIN_DEADLINE,
        NO_WAY_BACK,
        ROLLED_BACK,
    ];
}

/// What a condition should say now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// One of the constants of this module.
    pub kind: &'static str,
    /// `Some(true)`, `Some(false)`, or `None` for `Unknown`.
    pub value: Option<bool>,
    /// A word in CamelCase.
    pub reason: String,
    /// A sentence for people; no credential, no SQL values.
    pub message: String,
}

/// The reason of a condition of this type, if it is true.
pub fn reason_of<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a str> {
    let found = conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True");
    found.map(|condition| condition.reason.as_str())
}

/// Sets one condition; its transition time changes only when its status does.
pub fn set(conditions: &mut Vec<Condition>, wanted: Wanted, generation: i64, now: Timestamp) {
    let status = match wanted.value {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let existing = conditions.iter_mut().find(|c| c.type_ == wanted.kind);
    let since = match &existing {
        Some(c) if c.status == status => c.last_transition_time.clone(),
        _ => Time(now),
    };
    let condition = Condition {
        type_: wanted.kind.to_owned(),
        status: status.to_owned(),
        reason: wanted.reason,
        message: wanted.message,
        observed_generation: Some(generation),
        last_transition_time: since,
    };
    match existing {
        Some(slot) => *slot = condition,
        None => conditions.push(condition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(value: bool, reason: &str) -> Wanted {
        Wanted { kind: READY, value: Some(value), reason: reason.into(), message: String::new() }
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let (first, later) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let mut conditions = Vec::new();
        set(&mut conditions, wanted(false, "A"), 1, first);
        set(&mut conditions, wanted(false, "B"), 2, later);
        assert_eq!(conditions[0].last_transition_time.0, first);
        assert_eq!((conditions[0].reason.as_str(), conditions[0].observed_generation), ("B", Some(2)));
        set(&mut conditions, wanted(true, "C"), 2, later);
        assert_eq!(conditions[0].last_transition_time.0, later);
        assert_eq!(conditions.len(), 1);
    }
}
