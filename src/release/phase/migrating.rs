//! Migrating: green's image runs its own migrate on the tables, then the live schema is compared with the plan.

use super::{Going, Outcome, jobs};
use crate::release::{Action, JobStep, Placement};

pub(super) fn migrating(going: &Going<'_>) -> Outcome {
    // Green's configuration is needed from here on, also by the first revision.
    match &going.green.config {
        Some((Placement::Tables, _)) => {}
        // Once green is blue itself it is never judged here: its own release is over.
        Some((Placement::Views { .. } | Placement::Closed, _)) | None => {
            return Outcome::act(
                vec![Action::Config { revision: going.number, placement: Placement::Tables }],
                "writing green's configuration",
            );
        }
    }
    // A bench that is taken over runs the image that its site was migrated with.
    if going.blue.is_none() {
        return Outcome::Done;
    }
    let migrate = jobs::for_every_site(going, JobStep::Migrate).unfinished();
    // There is no schema of views that could be compared.
    if going.is_in_window() {
        return migrate.unwrap_or(Outcome::Done);
    }
    migrate.unwrap_or_else(|| jobs::for_every_site(going, JobStep::Verify))
}
