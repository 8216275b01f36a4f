//! Complete: green is what runs, and what is left of blue is cleared away.

use super::{Going, Outcome, shifting};
use crate::api::Phase;
use crate::release::{Action, RecordState};

/// Takes blue out of the route, removes it, and makes green the active revision.
pub(in crate::release) fn complete(going: &Going<'_>) -> Outcome {
    if let Some(outcome) = shifting::only(going, going.number) {
        return outcome;
    }
    let mut actions = Vec::new();
    if going.green.relay.is_some() {
        actions.push(Action::Relay { revision: going.number, is_running: false });
    }
    for number in going.seen.revisions.keys().filter(|number| **number < going.number) {
        actions.push(Action::Remove { revision: *number });
        actions.push(Action::Forget { revision: *number });
    }
    // The record changes last: until then the next reconcile comes here again.
    let mut record = going.green.record.clone();
    record.state = RecordState::Active;
    record.entered.insert(Phase::Complete, going.now);
    actions.push(Action::Record { revision: going.number, record: Box::new(record) });
    Outcome::act(actions, "removing what is left of blue")
}
