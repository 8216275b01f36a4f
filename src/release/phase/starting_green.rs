//! StartingGreen: web, socketio and workers of green come up; its scheduler waits for the hand-over.

use super::{Going, Outcome, shifting};
use crate::api::Phase;
use crate::release::{Action, Running};

pub(super) fn starting_green(going: &Going<'_>) -> Outcome {
    // Another tool's bench that is named for the first time runs already.
    let is_running = going.blue.is_none() && going.green.record.template.adopted.is_some();
    let running = if is_running { Running::ALL } else { Running::WITHOUT_SCHEDULER };
    let expected = super::components(going.green, running);
    let start = Action::Workloads { revision: going.number, running };
    let (mut ready, mut wanted, mut is_missing) = (0, 0, false);
    for (component, replicas) in &expected {
        wanted += replicas;
        match going.green.workloads.get(component) {
            Some(workload) if workload.desired == *replicas => ready += workload.ready.min(*replicas),
            Some(_) | None => is_missing = true,
        }
    }
    if is_missing {
        return Outcome::act(vec![start], "starting green");
    }
    // Green is in the route before it gets traffic: a gateway that is told of a weight before it knows the backend
    // answers 503 in between (seen with Contour: NoClusterFound).
    if going.blue.is_some()
        && let Some(outcome) = shifting::route(going, 0)
    {
        return outcome;
    }
    if ready == wanted {
        return Outcome::Done;
    }
    let limit = going.seen.release.spec.deadlines.ready_seconds;
    if going.seconds_in(Phase::StartingGreen) > i64::from(limit) {
        return Outcome::RollBack {
            because: format!("only {ready} of {wanted} Pods of green were ready after {limit} s"),
        };
    }
    Outcome::act(vec![start], format!("{ready} of {wanted} Pods of green are ready"))
}
