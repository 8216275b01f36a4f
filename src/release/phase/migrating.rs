//! Migrating: green's image runs its own migrate on the tables, then the live schema is compared with the plan.

use super::{Going, Outcome, jobs};
use crate::api::Phase;
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
    if let Some(outcome) = relay(going) {
        return outcome;
    }
    // Both are of the version that the site was migrated with.
    if going.changes_hands() {
        return Outcome::Done;
    }
    let migrate = jobs::for_every_site(going, JobStep::Migrate).unfinished();
    // There is no schema of views that could be compared.
    if going.is_in_window() {
        return migrate.unwrap_or(Outcome::Done);
    }
    migrate.unwrap_or_else(|| jobs::for_every_site(going, JobStep::Verify))
}

/// From green's first write on, what one colour invalidates must reach the other's cache; `None` when it does.
fn relay(going: &Going<'_>) -> Option<Outcome> {
    if going.is_in_window() || !going.seen.release.spec.cache.relay {
        return None;
    }
    match going.green.relay {
        None => Some(Outcome::act(
            vec![Action::Relay { revision: going.number, is_running: true }],
            "starting the relay between the caches",
        )),
        Some(relay) if relay.ready > 0 => None,
        Some(_) => {
            let limit = going.seen.release.spec.deadlines.ready_seconds;
            if going.seconds_in(Phase::Migrating) > i64::from(limit) {
                let because = format!(
                    "the relay between the caches was not ready after {limit} s: its Pod's log says why \
                     (a Redis without MONITOR? then spec.cache.relay: false)"
                );
                return Some(Outcome::RollBack { because });
            }
            Some(Outcome::wait("the relay between the caches is starting"))
        }
    }
}
