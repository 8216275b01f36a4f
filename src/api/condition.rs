//! Conditions of a release: types, reasons, and the one way to set them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

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

/// The conditions of the phases in their order, each with the phase that makes it true.
pub const PHASES: [&str; 8] =
    [PLANNED, ISOLATED, EXPANDED, MIGRATED, GREEN_READY, TRAFFIC_SHIFTED, DRAINED, CONTRACTED];

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
