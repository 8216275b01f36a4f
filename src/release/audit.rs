//! Who said what to a release. The API server notes which program wrote a field (`metadata.managedFields`); which user that was
//! only the program can say, in an annotation beside it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

use super::status::second;
use super::{Event, Observed, RecordState, Revision, plan_of};
use crate::api::FrappeRelease;
use crate::api::names::{
    ANNOTATION_ABORT, ANNOTATION_APPROVE_CONTRACT, ANNOTATION_APPROVE_PLAN, ANNOTATION_APPROVE_PROMOTE,
    ANNOTATION_APPROVE_STEP, ANNOTATION_APPROVE_WINDOW, ANNOTATION_PROMOTE, ANNOTATION_RETRY, KEY_PAUSED,
    author_annotation, reason,
};
use crate::api::status::{AuditStatus, FrappeReleaseStatus};

/// Words that a status shows, the newest, beside those that still count.
const SHOWN: usize = 10;
/// Characters of a user's name that are shown.
const LONGEST: usize = 128;

/// One word as it stands in a release.
struct Said {
    action: &'static str,
    what: String,
    value: String,
    /// The fields that lead to it.
    field: Vec<String>,
    /// The key that its author's annotation is made from, and the value that this one must repeat.
    signed: Option<(String, String)>,
}

/// The words that the status shows: those of before, and what is new.
pub(super) fn written(seen: &Observed, now: Timestamp) -> Vec<AuditStatus> {
    let mut all = seen.release.status.as_ref().map(|status| status.audit.clone()).unwrap_or_default();
    let standing = standing(seen);
    let is_new = |said: &&Said| !all.iter().any(|known| said.is(known));
    let mut new: Vec<AuditStatus> =
        standing.iter().filter(is_new).map(|said| said.entry(&seen.release, now)).collect();
    new.extend(pause(&seen.release, &all, now));
    new.sort_by(|a, b| a.at.cmp(&b.at));
    all.extend(new);
    let paused = all.iter().rposition(|known| known.action == reason::PAUSED);
    let mut surplus = all.len().saturating_sub(SHOWN);
    let mut kept = Vec::new();
    for (at, known) in all.into_iter().enumerate() {
        // A word that counts and is forgotten would be news with every look.
        let counts =
            standing.iter().any(|said| said.is(&known)) || (Some(at) == paused && seen.release.spec.paused);
        if surplus > 0 && !counts {
            surplus -= 1;
        } else {
            kept.push(known);
        }
    }
    kept
}

/// An event for each word that is new. That of an abort is told by what comes of it.
pub(super) fn events(before: Option<&FrappeReleaseStatus>, now: &FrappeReleaseStatus) -> Vec<Event> {
    let is_new = |said: &&AuditStatus| before.is_none_or(|before| !before.audit.contains(said));
    let reasons =
        [reason::APPROVED, reason::PROMOTED, reason::PAUSED, reason::RESUMED, reason::RETRIED].into_iter();
    let event = |said: &AuditStatus| {
        let reason = reasons.clone().find(|reason| *reason == said.action)?;
        Some(Event { reason, note: said.to_string(), is_warning: false })
    };
    now.audit.iter().filter(is_new).filter_map(event).collect()
}

/// Who wrote the annotation that aborts, as a part of a sentence: by hand if nothing is noted.
pub(super) fn aborter(seen: &Observed, now: Timestamp) -> String {
    let value = seen.release.annotated(ANNOTATION_ABORT).unwrap_or_default();
    let said = Said::annotated(reason::ABORTED, "", ANNOTATION_ABORT, value).entry(&seen.release, now);
    if said.manager.is_some() { said.author() } else { " by hand".to_owned() }
}

/// The name of the field manager that wrote a field last: a program, not a person.
pub(super) fn manager(release: &FrappeRelease, field: &[&str]) -> Option<String> {
    let field: Vec<String> = field.iter().map(|&part| part.to_owned()).collect();
    owner(release, &field)?.manager.clone()
}

/// The last entry of those that own a field.
fn owner<'a>(release: &'a FrappeRelease, field: &[String]) -> Option<&'a ManagedFieldsEntry> {
    let entries = release.metadata.managed_fields.iter().flatten();
    entries.filter(|entry| owns(entry, field)).max_by_key(|entry| entry.time.as_ref().map(|time| time.0))
}

/// Whether an entry owns a field, in the API server's notation `{"f:spec": {"f:paused": {}}}`.
fn owns(entry: &ManagedFieldsEntry, field: &[String]) -> bool {
    let Some(fields) = &entry.fields_v1 else { return false };
    let found = field.iter().try_fold(&fields.0, |fields, part| fields.get(format!("f:{part}")));
    found.is_some()
}

/// What was said to the newest revision and stands in the release, but for a pause.
fn standing(seen: &Observed) -> Vec<Said> {
    let Some((number, revision)) = seen.revisions.iter().next_back() else { return Vec::new() };
    let (number, plan) = (number.to_string(), plan_of(revision).map(|plan| plan.hash));
    let annotations = seen.release.metadata.annotations.iter().flatten();
    let mut all: Vec<Said> = annotations
        .filter_map(|(key, value)| of_annotation(key, value, (&number, revision, &plan)))
        .collect();
    let asked = &seen.release.spec.approvals;
    for (gate, approval, wanted) in [
        ("plan", &asked.plan, plan.as_deref()),
        ("promote", &asked.promote, Some(number.as_str())),
        ("contract", &asked.contract, Some(number.as_str())),
    ] {
        let approved = approval.as_ref().and_then(|approval| approval.approved.as_deref());
        if let Some(value) = approved.filter(|_| approved == wanted) {
            let field = ["spec", "approvals", gate, "approved"].map(str::to_owned).into();
            let said = Said {
                action: reason::APPROVED,
                what: gate.to_owned(),
                value: value.to_owned(),
                field,
                signed: None,
            };
            if !all.iter().any(|other| (other.action, &other.what) == (said.action, &said.what)) {
                all.push(said);
            }
        }
    }
    all
}

/// What an annotation says to a revision; `None` if it is none of those, or about another revision or plan.
fn of_annotation(
    key: &str,
    value: &str,
    (number, revision, plan): (&str, &Revision, &Option<String>),
) -> Option<Said> {
    let is_back =
        matches!(revision.record.state, RecordState::Aborting { .. } | RecordState::RolledBack { .. });
    let (action, what, counts) = match key {
        ANNOTATION_APPROVE_PLAN => (reason::APPROVED, "plan", plan.as_deref() == Some(value)),
        ANNOTATION_APPROVE_WINDOW => (reason::APPROVED, "window", plan.as_deref() == Some(value)),
        ANNOTATION_APPROVE_PROMOTE => (reason::APPROVED, "promote", value == number),
        ANNOTATION_APPROVE_CONTRACT => (reason::APPROVED, "contract", value == number),
        // One that came too late has done nothing.
        ANNOTATION_ABORT => (reason::ABORTED, "", value == number && is_back),
        ANNOTATION_RETRY => (reason::RETRIED, "", value != revision.record.attempt),
        _ => {
            if let Some(step) = key.strip_prefix(ANNOTATION_APPROVE_STEP) {
                (reason::APPROVED, step, value == number)
            } else {
                let app = key.strip_prefix(ANNOTATION_PROMOTE)?;
                (reason::PROMOTED, app, value.split_once('/').is_some_and(|(of, _)| of == number))
            }
        }
    };
    counts.then(|| Said::annotated(action, what, key, value))
}

/// The pause, or its end, that the words of before do not have yet.
fn pause(release: &FrappeRelease, before: &[AuditStatus], now: Timestamp) -> Option<AuditStatus> {
    let is_pause = |known: &&AuditStatus| [reason::PAUSED, reason::RESUMED].contains(&known.action.as_str());
    let was = before.iter().rfind(is_pause).is_some_and(|known| known.action == reason::PAUSED);
    let is_paused = release.spec.paused;
    (was != is_paused).then(|| {
        Said {
            action: if is_paused { reason::PAUSED } else { reason::RESUMED },
            what: String::new(),
            value: String::new(),
            field: ["spec", "paused"].map(str::to_owned).into(),
            signed: Some((KEY_PAUSED.to_owned(), is_paused.to_string())),
        }
        .entry(release, now)
    })
}

impl Said {
    fn annotated(action: &'static str, what: &str, key: &str, value: &str) -> Self {
        Self {
            action,
            what: what.to_owned(),
            value: value.to_owned(),
            field: annotation(key),
            signed: Some((key.to_owned(), value.to_owned())),
        }
    }

    fn is(&self, known: &AuditStatus) -> bool {
        (self.action, &self.what, &self.value) == (known.action.as_str(), &known.what, &known.value)
    }

    /// With its author and its time, as far as they are noted; else the time at which it was seen.
    fn entry(&self, release: &FrappeRelease, now: Timestamp) -> AuditStatus {
        let owner = owner(release, &self.field);
        let at = owner.and_then(|owner| owner.time.as_ref()).map_or(now, |time| time.0);
        AuditStatus {
            action: self.action.to_owned(),
            what: self.what.clone(),
            value: self.value.clone(),
            by: owner.and_then(|owner| self.user(release, owner)),
            manager: owner.and_then(|owner| owner.manager.clone()),
            at: second(at),
        }
    }

    /// The user that the writer named: only if the same manager wrote both, and it speaks of just this value.
    fn user(&self, release: &FrappeRelease, owner: &ManagedFieldsEntry) -> Option<String> {
        let (key, value) = self.signed.as_ref()?;
        let key = author_annotation(key);
        let (of, user) = release.annotated(&key)?.split_once(' ')?;
        let is_of_this = of == value && owns(owner, &annotation(&key));
        is_of_this.then(|| user.chars().filter(|c| !c.is_control()).take(LONGEST).collect())
    }
}

fn annotation(key: &str) -> Vec<String> {
    ["metadata", "annotations", key].map(str::to_owned).into()
}
