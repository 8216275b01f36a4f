//! The time that drafts bear: one for the same drafts, whether they are planned or saved, so that what is taken out before a
//! save has the hash of what is saved.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::doctype::digest;

use super::api::Drafts;

/// So many states of the drafts are known: more than a few browsers have between a look and a save.
const LIMIT: usize = 256;

/// When each of the last states of the drafts was first asked about.
#[derive(Debug, Default)]
pub(super) struct Drafted {
    known: Mutex<VecDeque<(String, String)>>,
}

impl Drafted {
    /// The time of these drafts, which is `now` if they are new.
    pub(super) fn time(&self, drafts: &Drafts, now: impl FnOnce() -> String) -> String {
        // JSON that was read can be written; were it not so, each look would have its own time.
        let Ok(digest) = digest::of_value(drafts) else { return now() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, time)) = known.iter().find(|(seen, _)| *seen == digest) {
            return time.clone();
        }
        let time = now();
        known.push_back((digest, time.clone()));
        if known.len() > LIMIT {
            known.pop_front();
        }
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_keep_their_time_until_they_change() {
        let drafted = Drafted::default();
        let drafts = |line: usize| Drafts { accepted_patches: vec![line.to_string()], ..Drafts::default() };
        let time = |line, now: &str| drafted.time(&drafts(line), || now.to_owned());
        assert_eq!((time(0, "1"), time(1, "2"), time(0, "3")), ("1".into(), "2".into(), "1".into()));
        for line in 2..=LIMIT {
            time(line, "4");
        }
        assert_eq!((time(1, "5"), time(0, "6")), ("2".into(), "6".into()));
    }
}
