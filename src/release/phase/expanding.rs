//! Expanding: the tables get what green needs, while blue serves.

use super::{Going, Outcome, jobs};
use crate::release::{Action, JobStep};

pub(super) fn expanding(going: &Going<'_>) -> Outcome {
    // In a maintenance window green's migrate does all of it.
    if going.blue.is_none() || going.is_in_window() || going.changes_hands() {
        return Outcome::Done;
    }
    jobs::for_every_site(going, JobStep::Expand)
}

/// Ends what fills columns, for a pause: made anew, its Jobs go on where the ledger says.
pub(in crate::release) fn stop_fills(going: &Going<'_>) -> Vec<Action> {
    jobs::stop(going, JobStep::Expand)
}
