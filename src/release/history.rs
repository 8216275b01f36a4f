//! The history of a release: what it ran, when, and how each release ended. It outlives the revisions themselves.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Observed, RecordState, Revision, plan_of};
use crate::api::Phase;

/// Releases that are kept, the newest.
const KEPT: usize = 50;

/// One release of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Number of the revision.
    pub revision: u32,
    /// Its image.
    pub image: String,
    /// When its release began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// When it was complete, or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// `Releasing`, `GoingBack`, `RolledBack`, `Active`, or `Replaced` by a later one.
    pub outcome: String,
    /// Why it was taken back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Hash of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Verdict of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Who wrote the image into the spec, as far as the API server says: the field manager, not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What the annotation `kubernetes.io/change-cause` said then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// The history as it should be stored, if that is not how it is.
pub(super) fn written(seen: &Observed) -> Option<Vec<Entry>> {
    let active =
        seen.revisions.iter().rev().find(|(_, revision)| revision.record.state == RecordState::Active);
    let active = active.map(|(number, _)| *number);
    let mut entries: Vec<Entry> = seen.history.clone();
    for (number, revision) in &seen.revisions {
        let known = entries.iter().position(|entry| entry.revision == *number);
        let now = entry(*number, revision, known.map(|at| &entries[at]));
        match known {
            Some(at) => entries[at] = now,
            None => entries.push(now),
        }
    }
    for entry in &mut entries {
        if entry.outcome == "Active" && active.is_some_and(|active| active > entry.revision) {
            "Replaced".clone_into(&mut entry.outcome);
        }
    }
    entries.sort_by_key(|entry| entry.revision);
    let surplus = entries.len().saturating_sub(KEPT);
    entries.drain(..surplus);
    (entries != seen.history).then_some(entries)
}

fn entry(number: u32, revision: &Revision, known: Option<&Entry>) -> Entry {
    let record = &revision.record;
    let (outcome, reason, ended) = match &record.state {
        RecordState::Releasing => ("Releasing", "", None),
        RecordState::Aborting { reason, .. } => ("GoingBack", reason.as_str(), None),
        RecordState::Active | RecordState::Leaving { .. } => {
            ("Active", "", record.entered.get(&Phase::Complete))
        }
        RecordState::RolledBack { reason, .. } => {
            ("RolledBack", reason.as_str(), record.entered.get(&Phase::RolledBack))
        }
    };
    let plan = plan_of(revision);
    // The plan goes with the objects of a revision that was taken back.
    let kept = |part: fn(&Entry) -> &Option<String>| known.and_then(|known| part(known).clone());
    Entry {
        revision: number,
        image: record.template.image.clone(),
        began: record.entered.get(&Phase::Planning).copied(),
        ended: ended.copied(),
        outcome: outcome.to_owned(),
        reason: reason.to_owned(),
        plan: plan.as_ref().map(|plan| plan.hash.clone()).or_else(|| kept(|known| &known.plan)),
        verdict: plan.map(|plan| plan.verdict.name().to_owned()).or_else(|| kept(|known| &known.verdict)),
        by: record.by.clone(),
        cause: record.cause.clone(),
    }
}
