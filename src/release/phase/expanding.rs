//! Expanding: the tables get what green needs, while blue serves.

use super::{Going, Outcome, jobs};
use crate::release::JobStep;

pub(super) fn expanding(going: &Going<'_>) -> Outcome {
    if going.blue.is_none() {
        return Outcome::Done;
    }
    jobs::for_every_site(going, JobStep::Expand)
}
