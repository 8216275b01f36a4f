//! RollingBack: traffic to blue, green stopped, tables and metadata back, then nothing of green is left.
//!
//! The order was measured on real Frappe: any other loses requests or rows (DESIGN, "Rollback").

use super::{Going, Outcome, components, jobs, scaled, shifting, told};
use crate::api::Phase;
use crate::release::{Action, JobState, JobStep, Placement, RecordState, Revision, Running};

/// Goes back to blue; never `Done`: it ends by making the record `RolledBack`.
pub(in crate::release) fn rolling_back(going: &Going<'_>, reason: &str) -> Outcome {
    if let Some(outcome) = stop_jobs(going) {
        return outcome;
    }
    let outcome = match going.blue {
        Some(_) => to_blue(going),
        // It ran before it was named, and goes on.
        None if going.green.record.template.adopted.is_some() => None,
        None => scaled(going.number, going.green, Running::NONE, "stopping green"),
    };
    outcome.unwrap_or_else(|| finish(going, reason))
}

/// Stops the Jobs that would go on with the release.
fn stop_jobs(going: &Going<'_>) -> Option<Outcome> {
    let forward = [
        JobStep::Plan,
        JobStep::Isolate,
        JobStep::Handover,
        JobStep::Expand,
        JobStep::Migrate,
        JobStep::Verify,
        JobStep::Drain,
    ];
    let running =
        going.green.jobs.iter().filter(|job| forward.contains(&job.step) && job.state == JobState::Running);
    let revision = going.number;
    let actions: Vec<Action> = running
        .map(|job| Action::DeleteJob { revision, step: job.step, site: job.site.clone() })
        .chain(jobs::stop_measuring(going))
        .collect();
    (!actions.is_empty()).then(|| Outcome::act(actions, "stopping the Jobs of the release"))
}

fn to_blue(going: &Going<'_>) -> Option<Outcome> {
    let (number, blue) = going.blue?;
    // Blue's scheduler waits for its turn, which green's gives up when it ends. Another tool's waits for none.
    if super::schedules(going.green) {
        if !going.changes_hands() && !is_asked_for(blue, Running::ALL) {
            let actions = vec![Action::Workloads { revision: number, running: Running::ALL }];
            return Some(Outcome::act(actions, "bringing blue back"));
        }
        let actions = vec![Action::Workloads { revision: going.number, running: Running::WITHOUT_SCHEDULER }];
        return Some(Outcome::act(actions, "handing the scheduler back"));
    }
    // Blue that is broken must not keep traffic on a green that is taken away: only its existence is waited for.
    let blue_up = scaled(number, blue, Running::ALL, "bringing blue back");
    if blue_up.is_some() && blue.workloads.get("web").is_none_or(|web| web.ready == 0) && green_serves(going)
    {
        return blue_up;
    }
    if green_serves(going) {
        return shifting::route(going, 0);
    }
    if let Some(route) = going.seen.route.as_ref().filter(|route| !route.is_accepted) {
        return Some(Outcome::wait(format!("the Gateway has not accepted the route yet: {}", route.message)));
    }
    // Blue is asked for, but a blue that is broken must not hold the way back.
    let is_up = is_asked_for(blue, Running::ALL);
    blue_up.filter(|_| !is_up).or_else(|| stop_green(going)).or_else(|| restore(going))
}

fn is_asked_for(revision: &Revision, running: Running) -> bool {
    components(revision, running).iter().all(|(part, replicas)| {
        revision.workloads.get(part).is_some_and(|workload| workload.desired == *replicas)
    })
}

fn green_serves(going: &Going<'_>) -> bool {
    // A route that does not say how it splits the traffic may lead to green.
    let route = going.seen.route.as_ref();
    route.is_some_and(|route| route.split.as_ref().is_none_or(|split| split.serves(going.number)))
}

/// Green's web stops, its workers run out its queues if they can, then they stop too.
fn stop_green(going: &Going<'_>) -> Option<Outcome> {
    let green = going.green;
    if green.workloads.values().all(|part| part.desired == 0 && part.existing == 0) {
        return None;
    }
    let is_web_gone = green.workloads.get("web").is_none_or(|web| web.desired == 0 && web.existing == 0);
    if !is_web_gone {
        let actions = vec![Action::Workloads { revision: going.number, running: Running::WORKERS }];
        return Some(Outcome::act(actions, "ending green's requests"));
    }
    // Workers that are not ready have nothing to run out, and a crash loop must not hold the way back.
    let has_worker = green.pods.iter().any(|pod| pod.component.starts_with("worker-") && pod.is_ready);
    if has_worker && let Some(outcome) = jobs::for_the_bench(going, JobStep::DrainGreen).unfinished() {
        return Some(outcome);
    }
    scaled(going.number, green, Running::NONE, "stopping green's workers")
}

/// Tables and metadata back to blue, then blue back to the tables, then the schema away.
fn restore(going: &Going<'_>) -> Option<Outcome> {
    let (number, blue) = going.blue?;
    if going.changes_hands() || !going.green.record.entered.contains_key(&Phase::Isolating) {
        return None;
    }
    if let Some(outcome) = jobs::for_every_site(going, JobStep::RollbackTables).unfinished() {
        return Some(outcome);
    }
    let hash = match &blue.config {
        Some((Placement::Tables, hash)) => hash.clone(),
        Some((Placement::Views { .. } | Placement::Closed, _)) | None => {
            let actions = vec![Action::Config { revision: number, placement: Placement::Tables }];
            return Some(Outcome::act(actions, "sending blue back to the tables"));
        }
    };
    if let Some(outcome) = told(number, blue, &hash) {
        return Some(outcome);
    }
    jobs::for_every_site(going, JobStep::RollbackFinish).unfinished()
}

fn finish(going: &Going<'_>, reason: &str) -> Outcome {
    // Only blue is left in the route, before green's Service goes.
    if let Some((number, _)) = going.blue
        && let Some(outcome) = shifting::only(going, number)
    {
        return outcome;
    }
    let mut actions = vec![Action::Remove { revision: going.number }];
    let mut record = going.green.record.clone();
    let is_withdrawn = matches!(record.state, RecordState::Aborting { is_withdrawn: true, .. });
    record.state = RecordState::RolledBack { reason: reason.to_owned(), is_withdrawn };
    record.entered.insert(Phase::RolledBack, going.now);
    actions.push(Action::Record { revision: going.number, record: Box::new(record) });
    Outcome::act(actions, "removing what is left of green")
}
