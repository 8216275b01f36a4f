//! Which questions this process has begun: none is asked twice, though several reconciles want it before its answer
//! is seen. After a restart it is asked again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::controller::error::Error;

/// Release (by uid), revision, key of the run or calls.
type Id = (String, u32, String);
/// When the run began and the number of the question: the second grows, the first parts runs of one key.
type Number = (Timestamp, u32);

/// The questions that were begun.
#[derive(Debug, Clone, Default)]
pub(in crate::controller) struct InFlight {
    begun: Arc<Mutex<HashMap<Id, Number>>>,
}

/// The right to ask one question. Dropped without an end that was stored, it gives the question back.
pub(super) struct Ticket {
    in_flight: InFlight,
    id: Option<Id>,
}

impl InFlight {
    /// A ticket for a question; `None` if it or a later one was begun.
    pub(super) fn begin(&self, uid: &str, revision: u32, key: &str, number: Number) -> Option<Ticket> {
        let id = (uid.to_owned(), revision, key.to_owned());
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.get(&id).is_some_and(|known| known.0 == number.0 && known.1 >= number.1) {
            return None;
        }
        begun.insert(id.clone(), number);
        Some(Ticket { in_flight: self.clone(), id: Some(id) })
    }

    /// Forgets a release that is gone.
    pub(in crate::controller) fn forget(&self, uid: &str) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| id.0 != uid);
    }
}

impl Ticket {
    /// Ends with what became of storing the answer: one that was not stored is asked for again.
    pub(super) fn end(mut self, stored: Result<(), Error>) {
        match stored {
            Ok(()) => self.id = None,
            Err(error) => {
                tracing::warn!(error = error.chain(), "an answer was not stored and is asked for again");
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            self.in_flight.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, number: u32) -> Number {
        (Timestamp::from_second(second).unwrap(), number)
    }

    #[test]
    fn a_question_is_begun_once_and_the_next_when_its_answer_is_stored() {
        let all = InFlight::default();
        let first = all.begin("u", 2, "run.a", at(0, 1)).unwrap();
        assert!(all.begin("u", 2, "run.a", at(0, 1)).is_none());
        assert!(
            all.begin("u", 2, "run.b", at(0, 1)).is_some()
                && all.begin("other", 2, "run.a", at(0, 1)).is_some()
        );
        first.end(Ok(()));
        assert!(
            all.begin("u", 2, "run.a", at(0, 1)).is_none(),
            "a reconcile that saw the old state asks nothing"
        );
        assert!(all.begin("u", 2, "run.a", at(0, 2)).is_some());
        assert!(
            all.begin("u", 2, "run.a", at(9, 1)).is_some(),
            "a run that begins anew has numbers of its own"
        );
    }

    #[test]
    fn a_question_whose_answer_was_lost_is_asked_again() {
        let all = InFlight::default();
        drop(all.begin("u", 2, "run.a", at(0, 1)).unwrap());
        let again = all.begin("u", 2, "run.a", at(0, 1)).unwrap();
        again.end(Err(Error::Foreign("ConfigMap 'x'".into())));
        let _held = all.begin("u", 2, "run.a", at(0, 1)).unwrap();
        all.forget("u");
        assert!(all.begin("u", 2, "run.a", at(0, 1)).is_some());
    }
}
