//! Runs and calls as they are stored: a key each, so that two that are written at once do not meet.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::calls::Calls;
use super::run::Run;
use crate::api::webhook::HookPoint;

const RUN: &str = "run";
const CALLS: &str = "calls";
/// Runs and calls that are kept of one revision: far more than a release has, far less than a `ConfigMap` holds.
const KEPT: usize = 200;

/// The runs and calls of one revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gates {
    /// Analyses by their key.
    pub runs: BTreeMap<String, Run>,
    /// Webhooks by their key.
    pub calls: BTreeMap<String, Calls>,
}

impl Gates {
    /// Reads what is stored. An entry that somebody has broken begins anew.
    pub fn read(data: &BTreeMap<String, String>) -> Self {
        let mut gates = Self::default();
        for (key, text) in data {
            match key.split_once('.').map(|(kind, _)| kind) {
                Some(RUN) => gates.runs.extend(serde_json::from_str(text).ok().map(|run| (key.clone(), run))),
                Some(CALLS) => {
                    gates.calls.extend(serde_json::from_str(text).ok().map(|calls| (key.clone(), calls)));
                }
                Some(_) | None => {}
            }
        }
        gates
    }

    /// The keys that must go when one more comes: those that were used last the longest ago.
    pub(super) fn surplus(&self) -> Vec<String> {
        let runs = self.runs.iter().map(|(key, run)| (run.last.or(Some(run.began)), key));
        let mut all: Vec<_> = runs.chain(self.calls.iter().map(|(key, calls)| (calls.last, key))).collect();
        all.sort();
        let surplus = (all.len() + 1).saturating_sub(KEPT);
        all.into_iter().take(surplus).map(|(_, key)| key.clone()).collect()
    }
}

/// The key of a run: any text of a place becomes one that a `ConfigMap` takes.
pub(super) fn run_key(place: &str, analysis: &str) -> String {
    format!("{RUN}.{analysis}.{}", digest(place))
}

/// The key of the calls of a webhook; `detail` parts what it is called for more than once.
pub(super) fn calls_key(at: HookPoint, webhook: &str, detail: &str) -> String {
    let detail = if detail.is_empty() { String::new() } else { format!(".{}", digest(detail)) };
    format!("{CALLS}.{}.{webhook}{detail}", at.name())
}

fn digest(text: &str) -> String {
    let digest = format!("{:x}", Sha256::digest(text.as_bytes()));
    digest[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_what_is_broken_begins_anew() {
        let run = Run::new("errors", "step 2 of *", "", Timestamp::UNIX_EPOCH);
        let calls = Calls::new("gate");
        let (run_key, calls_key) =
            (run_key("step 2 of *", "errors"), calls_key(HookPoint::Rollout, "gate", "50"));
        let data = BTreeMap::from([
            (run_key.clone(), serde_json::to_string(&run).unwrap()),
            (calls_key.clone(), serde_json::to_string(&calls).unwrap()),
            ("run.broken.x".to_owned(), "{".to_owned()),
            ("other".to_owned(), "text".to_owned()),
        ]);
        let gates = Gates::read(&data);
        assert_eq!(gates.runs, BTreeMap::from([(run_key, run)]));
        assert_eq!(gates.calls, BTreeMap::from([(calls_key, calls)]));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut gates = Gates::default();
        for number in 0..KEPT {
            let began = Timestamp::from_second(i64::try_from(number).unwrap()).unwrap();
            gates.runs.insert(format!("run.{number}"), Run::new("a", "b", "", began));
        }
        assert_eq!(gates.surplus(), ["run.0"]);
        gates.runs.remove("run.7");
        assert!(gates.surplus().is_empty());
    }

    #[test]
    fn keys_are_what_a_config_map_takes() {
        let long = "x".repeat(63);
        for key in [
            run_key("step 3 of a/b \u{1F600}", &long),
            calls_key(HookPoint::ConfirmTrafficIncrease, &long, "{1: 50}"),
        ] {
            let is_fine =
                key.len() <= 253 && key.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            assert!(is_fine, "{key}");
        }
    }
}
