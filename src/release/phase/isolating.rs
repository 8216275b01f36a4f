//! Isolating: blue moves onto its schema of views, without a restart.

use super::{Going, Outcome, jobs};
use crate::release::{Action, JobStep, Placement};

pub(super) fn isolating(going: &Going<'_>) -> Outcome {
    // The first revision of a bench has nobody to protect.
    let Some((blue_number, blue)) = going.blue else { return Outcome::Done };
    if going.changes_hands() {
        return Outcome::Done;
    }
    if going.is_in_window() {
        return super::closing::closing(going);
    }
    if jobs::have_succeeded(going, JobStep::Handover) {
        return Outcome::Done;
    }
    if !going.green.has_schema_password {
        return Outcome::act(
            vec![Action::SchemaPassword { revision: going.number }],
            "making the password of the view schema's user",
        );
    }
    if let Some(outcome) = jobs::for_every_site(going, JobStep::Isolate).unfinished() {
        return outcome;
    }
    let placement = Placement::Views { green: going.number };
    let hash = match &blue.config {
        Some((now, hash)) if *now == placement => hash.clone(),
        Some(_) | None => {
            return Outcome::act(
                vec![Action::Config { revision: blue_number, placement }],
                "sending blue to its view schema",
            );
        }
    };
    if let Some(outcome) = super::told(blue_number, blue, &hash) {
        return outcome;
    }
    jobs::for_every_site(going, JobStep::Handover)
}
