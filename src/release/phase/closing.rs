//! What Isolating is in a maintenance window: blue closes the site (503), its jobs run out, its workers and its
//! scheduler stop. Nothing of it touches the tables, so until green's migrate begins blue can open again.

use super::{Going, Outcome, jobs, scaled, told};
use crate::release::{Action, JobStep, Placement, Running};

pub(super) fn closing(going: &Going<'_>) -> Outcome {
    let Some((number, blue)) = going.blue else { return Outcome::Done };
    if let Some(outcome) =
        scheduler_stops(going).or_else(|| site_closes(going)).or_else(|| jobs_run_out(going))
    {
        return outcome;
    }
    scaled(number, blue, Running::WEB, "the site is closed; stopping blue's workers").unwrap_or(Outcome::Done)
}

/// Before the site closes: a scheduler that finds it closed would only skip its ticks.
fn scheduler_stops(going: &Going<'_>) -> Option<Outcome> {
    let (number, blue) = going.blue?;
    let scheduler = blue.workloads.get("scheduler")?;
    if scheduler.desired == 0 && scheduler.existing == 0 {
        return None;
    }
    scaled(number, blue, Running::WITHOUT_SCHEDULER, "a maintenance window: stopping blue's scheduler")
}

fn site_closes(going: &Going<'_>) -> Option<Outcome> {
    let (number, blue) = going.blue?;
    match &blue.config {
        Some((Placement::Closed, hash)) => told(number, blue, hash),
        Some((Placement::Tables | Placement::Views { .. }, _)) | None => {
            let actions = vec![Action::Config { revision: number, placement: Placement::Closed }];
            Some(Outcome::act(actions, "a maintenance window: closing the site"))
        }
    }
}

fn jobs_run_out(going: &Going<'_>) -> Option<Outcome> {
    jobs::for_the_bench(going, JobStep::Drain).unfinished()
}
