//! What can be said to a release as it stands, and why the rest cannot.

use jiff::Timestamp;
use serde_json::Value;

use super::{Gate, Word};
use crate::api::condition::{STALLED, reason_of, stalled};
use crate::api::names::ANNOTATION_RETRY;
use crate::api::{FrappeRelease, Phase};
use crate::plan::Verdict;

/// A word, and whether it can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is said.
    pub word: Word,
    /// What it would say of the release, or why it cannot be said now.
    pub saying: Result<String, String>,
    /// Hash of what exactly would be written: who agrees to what was seen must not agree to something else. Empty if it cannot be said.
    pub mark: String,
    /// Whether the release waits for exactly this.
    pub is_awaited: bool,
}

/// All that can be said to a release. Approvals are those that its spec asks for.
pub fn offers(release: &FrappeRelease) -> Vec<Offer> {
    let mut words: Vec<Word> = gates(release).into_iter().map(Word::Approve).collect();
    words.push(Word::Promote { app: None, full: false });
    words.push(Word::Promote { app: None, full: true });
    words.extend([Word::Pause, Word::Resume, Word::Abort, Word::Retry, Word::Undo]);
    words.into_iter().map(|word| offer(release, word)).collect()
}

/// One word to a release.
fn offer(release: &FrappeRelease, word: Word) -> Offer {
    // The time is the value of a retry, and of no other word: there the mark is that of the try before.
    let said =
        word.to(release, Timestamp::UNIX_EPOCH).and_then(|said| match needless(release, &word, &said.1) {
            Some(why) => Err(why),
            None => Ok(said),
        });
    let (saying, mark) = match said {
        Ok((words, fields)) => {
            let text = match word {
                Word::Retry => release.annotated(ANNOTATION_RETRY).unwrap_or_default().to_owned(),
                Word::Approve(_)
                | Word::Promote { .. }
                | Word::Pause
                | Word::Resume
                | Word::Abort
                | Word::Undo => fields.to_string(),
            };
            (Ok(words), blake3::hash(text.as_bytes()).to_hex()[..16].to_owned())
        }
        Err(why) => (Err(why), String::new()),
    };
    let is_awaited = saying.is_ok() && is_awaited(release, &word);
    Offer { word, saying, mark, is_awaited }
}

/// Whether nothing goes on until this is said.
fn is_awaited(release: &FrappeRelease, word: &Word) -> bool {
    let Some(status) = &release.status else { return false };
    let stalled = reason_of(&status.conditions, STALLED);
    let phase = status.phase.unwrap_or(Phase::Planning);
    match word {
        Word::Approve(gate) => {
            let is_here = match gate {
                Gate::Plan | Gate::Window => phase == Phase::Planning,
                Gate::Promote => {
                    phase <= Phase::Shifting && status.green.as_ref().is_some_and(|green| green.ready > 0)
                }
                Gate::Contract => phase == Phase::Draining || phase == Phase::Contracting,
                Gate::Step(name) => release.spec.traffic.apps.iter().any(|app| {
                    let of = status.apps.iter().find(|known| known.name == app.name);
                    let at = of.map_or(0, |of| of.step as usize);
                    phase == Phase::Shifting
                        && at > 0
                        && app.steps.get(at - 1).is_some_and(|step| step.approve.as_ref() == Some(name))
                }),
            };
            let reasons = [Some(stalled::APPROVAL), Some(stalled::PLAN_BLOCKING)];
            is_here && (reasons.contains(&stalled) || matches!(gate, Gate::Step(_)))
        }
        Word::Promote { full, .. } => !full,
        Word::Resume | Word::Retry => true,
        Word::Pause | Word::Abort | Word::Undo => false,
    }
}

/// The gates that a release has.
fn gates(release: &FrappeRelease) -> Vec<Gate> {
    let asked = &release.spec.approvals;
    let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
    let is_blocking = plan.is_some_and(|plan| plan.verdict == Verdict::Blocking.name());
    let known = [
        (asked.plan.is_some(), Gate::Plan),
        (is_blocking, Gate::Window),
        (asked.promote.is_some(), Gate::Promote),
        (asked.contract.is_some(), Gate::Contract),
    ];
    let steps = release.spec.traffic.apps.iter().flat_map(|app| &app.steps);
    let steps = steps.filter_map(|step| step.approve.clone()).map(Gate::Step);
    let known = known.into_iter().filter_map(|(is_asked, gate)| is_asked.then_some(gate));
    let mut gates: Vec<Gate> = Vec::new();
    for gate in known.chain(steps) {
        if !gates.contains(&gate) {
            gates.push(gate);
        }
    }
    gates
}

/// Why a word would change nothing. On the command line it may be said again; a button that does nothing is no button.
fn needless(release: &FrappeRelease, word: &Word, fields: &Value) -> Option<String> {
    let phase = release.status.as_ref().and_then(|status| status.phase);
    let is_said = || is_in(release, fields);
    let why = match word {
        Word::Approve(gate) if is_said() || is_passed(release, gate) => "it is approved already",
        Word::Promote { .. } if is_said() => "it was told to go on already",
        Word::Pause if is_said() => "it is paused already",
        Word::Pause if phase.is_none_or(Phase::is_settled) => "no release is going on",
        Word::Resume if is_said() => "it is not paused",
        Word::Abort | Word::Undo if is_said() => "it is taken back already",
        Word::Retry if !can_retry(release) => "nothing has failed, and nothing was taken back",
        Word::Approve(_)
        | Word::Promote { .. }
        | Word::Pause
        | Word::Resume
        | Word::Abort
        | Word::Retry
        | Word::Undo => return None,
    };
    Some(why.to_owned())
}

/// Whether fields that would be merged are there already.
fn is_in(release: &FrappeRelease, fields: &Value) -> bool {
    fn holds(known: &Value, fields: &Value) -> bool {
        match fields {
            Value::Object(fields) => fields.iter().all(|(name, value)| holds(&known[name.as_str()], value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                known == fields
            }
        }
    }
    serde_json::to_value(release).is_ok_and(|known| holds(&known, fields))
}

/// Whether the release is beyond a gate, by whatever words (those in `spec.approvals` too).
fn is_passed(release: &FrappeRelease, gate: &Gate) -> bool {
    let Some(status) = &release.status else { return false };
    let is_beyond = |phase: Phase| status.phase.is_some_and(|now| now > phase);
    match gate {
        Gate::Plan => status.plan.as_ref().is_some_and(|plan| plan.approved),
        Gate::Window => is_beyond(Phase::Planning),
        Gate::Promote => is_beyond(Phase::Shifting) || status.apps.iter().any(|app| app.weight > 0),
        Gate::Contract => status.sites.iter().any(|site| site.step == "contract"),
        Gate::Step(name) => release.spec.traffic.apps.iter().all(|app| {
            let at = app.steps.iter().position(|step| step.approve.as_ref() == Some(name));
            let of = status.apps.iter().find(|known| known.name == app.name);
            // The status counts steps from 1.
            at.is_none_or(|at| is_beyond(Phase::Shifting) || of.is_some_and(|of| of.step as usize > at + 1))
        }),
    }
}

/// Whether the release stands still for something that another try may mend.
fn can_retry(release: &FrappeRelease) -> bool {
    let conditions = release.status.iter().flat_map(|status| &status.conditions);
    let conditions: Vec<_> = conditions.cloned().collect();
    reason_of(&conditions, STALLED).is_some_and(|reason| {
        ![stalled::APPROVAL, stalled::PROMOTION, stalled::INVALID_SPEC].contains(&reason)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What can be said in a state, and why the rest cannot.
    fn of(state: &str) -> BTreeMap<String, Result<String, String>> {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        offers(&states[state]).into_iter().map(|offer| (format!("{:?}", offer.word), offer.saying)).collect()
    }

    fn can(state: &str) -> Vec<String> {
        of(state).into_iter().filter(|(_, saying)| saying.is_ok()).map(|(word, _)| word).collect()
    }

    #[test]
    fn each_state_offers_what_helps_in_it() {
        let full = "Promote { app: None, full: true }";
        let all = "Promote { app: None, full: false }";
        assert_eq!(can("shifting"), ["Abort", "Pause", full, "Undo"]);
        assert_eq!(can("paused"), ["Abort", full, "Resume", "Undo"]);
        assert_eq!(can("promotion"), ["Abort", "Pause", all, full, "Undo"]);
        assert_eq!(can("job_failed"), ["Abort", "Pause", full, "Retry", "Undo"]);
        assert_eq!(can("rolled_back"), ["Retry"]);
        assert_eq!(can("complete"), Vec::<String>::new());
        assert_eq!(can("unseen_new"), Vec::<String>::new());
        assert_eq!(can("approval_contract"), ["Abort", "Approve(Contract)", "Pause", full, "Undo"]);
    }

    #[test]
    fn what_cannot_be_said_has_its_reason() {
        assert_eq!(of("approval_contract")["Resume"], Err("it is not paused".to_owned()));
        assert_eq!(of("shifting")["Retry"], Err("nothing has failed, and nothing was taken back".to_owned()));
        assert!(of("complete")["Undo"].as_ref().unwrap_err().contains("a new release"));
        assert_eq!(of("aborted")["Abort"], Err("it goes back to blue already".to_owned()));
    }

    #[test]
    fn what_is_waited_for_is_marked() {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        for (state, awaited) in [
            ("approval_plan", &["Approve(Plan)"][..]),
            ("approval_promote", &["Approve(Promote)"]),
            ("approval_contract", &["Approve(Contract)"]),
            (
                "approval_steps",
                &[
                    "Approve(Step(\"sales\"))",
                    "Approve(Step(\"everybody\"))",
                    "Promote { app: None, full: false }",
                ],
            ),
            ("promotion", &["Promote { app: None, full: false }"]),
            ("paused", &["Resume"]),
            ("job_failed", &["Retry"]),
            ("shifting", &[]),
            ("complete", &[]),
        ] {
            let found = offers(&states[state]).into_iter().filter(|offer| offer.is_awaited);
            let found: Vec<String> = found.map(|offer| format!("{:?}", offer.word)).collect();
            assert_eq!(found, awaited, "{state}");
        }
    }

    #[test]
    fn a_mark_is_of_one_plan_and_of_no_other() {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        let mut release = states["approval_plan"].clone();
        let plan = |release: &FrappeRelease| offer(release, Word::Approve(Gate::Plan));
        let before = plan(&release);
        assert!(before.saying.as_ref().unwrap().contains("h1") && before.mark.len() == 16, "{before:?}");
        release.status.as_mut().unwrap().plan.as_mut().unwrap().hash = "h2".to_owned();
        assert_ne!(plan(&release).mark, before.mark);
        release.metadata.annotations =
            Some([(crate::api::names::ANNOTATION_APPROVE_PLAN.to_owned(), "h2".to_owned())].into());
        assert_eq!(plan(&release).saying, Err("it is approved already".to_owned()));
    }
}
