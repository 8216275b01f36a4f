//! Complete: green is what runs, and what is left of blue is cleared away.

use std::collections::BTreeMap;

use super::{Going, Outcome};
use crate::release::{Action, RecordState};

/// Takes blue out of the route, removes it, and makes green the active revision.
pub(in crate::release) fn complete(going: &Going<'_>) -> Outcome {
    let weights = BTreeMap::from([(going.number, 100)]);
    let is_route_clean =
        going.seen.route.as_ref().is_some_and(|route| route.weights == weights && route.is_accepted);
    if !is_route_clean {
        return Outcome::act(vec![Action::Route { weights }], "taking blue out of the route");
    }
    let mut actions = Vec::new();
    for number in going.seen.revisions.keys().filter(|number| **number < going.number) {
        actions.push(Action::Remove { revision: *number });
        actions.push(Action::Forget { revision: *number });
    }
    // The record changes last: until then the next reconcile comes here again.
    let mut record = going.green.record.clone();
    record.state = RecordState::Active;
    actions.push(Action::Record { revision: going.number, record: Box::new(record) });
    Outcome::act(actions, "removing what is left of blue")
}
