//! Expanding: the tables get what green needs, while blue serves.

use super::{Going, Outcome, jobs};
use crate::release::JobStep;

pub(super) fn expanding(going: &Going<'_>) -> Outcome {
    // In a maintenance window green's migrate does all of it.
    if going.blue.is_none() || going.is_in_window() || going.changes_hands() {
        return Outcome::Done;
    }
    jobs::for_every_site(going, JobStep::Expand)
}
