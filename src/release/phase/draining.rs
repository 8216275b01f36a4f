//! Draining: the scheduler changes hands, then blue's requests and jobs run out, then blue stops.
//!
//! The order is what keeps every job: while web Pods of blue live they may still enqueue, so the queues are watched
//! only after the last of them is gone, and the workers stop only when the queues are empty.

use std::time::Duration;

use super::{Going, Outcome, jobs, scaled};
use crate::api::Phase;
use crate::api::condition::stalled;
use crate::release::{Action, JobStep, Revision, Running};

pub(super) fn draining(going: &Going<'_>) -> Outcome {
    let Some((number, blue)) = going.blue else {
        return scaled(going.number, going.green, Running::ALL, "starting the scheduler")
            .unwrap_or(Outcome::Done);
    };
    // What was measured beside the shift is over, and a comparison would hold the site's lock against the contract.
    let measuring = jobs::stop_measuring(going);
    if !measuring.is_empty() {
        return Outcome::act(measuring, "stopping the measurements of the shift");
    }
    if going.is_in_window() {
        // Its jobs ran out before the site was closed.
        return scaled(number, blue, Running::NONE, "stopping what is left of blue")
            .or_else(|| scaled(going.number, going.green, Running::ALL, "starting the scheduler"))
            .unwrap_or(Outcome::Done);
    }
    let is_drained = matches!(jobs::for_the_bench(going, JobStep::Drain), Outcome::Done);
    if !is_drained {
        // Another tool's scheduler waits for no turn: one ends before the other begins.
        if going.changes_hands() && super::schedules(blue) {
            let actions = vec![Action::Workloads { revision: number, running: Running::WITHOUT_SCHEDULER }];
            return Outcome::act(actions, "ending blue's scheduler");
        }
        // Green's Pod waits for its turn, which blue's gives up when it ends (`schema::turn`): no tick falls between.
        if let Some(outcome) =
            scaled(going.number, going.green, Running::ALL, "bringing green's scheduler up")
        {
            return outcome;
        }
        if let Some(outcome) = last_requests(going, blue) {
            return outcome;
        }
        let ending = "handing the scheduler over and waiting for blue's last requests";
        if let Some(outcome) = scaled(number, blue, Running::WORKERS, ending) {
            return outcome;
        }
        let limit = going.seen.release.spec.deadlines.drain_seconds;
        let outcome = jobs::for_the_bench(going, JobStep::Drain);
        // A Job that is to be made, or made again after a failure, is made all the same.
        if let Outcome::Stay { because, actions, .. } = &outcome
            && actions.is_empty()
            && going.seconds_in(Phase::Draining) > i64::from(limit)
        {
            let because = format!("blue's queues are not empty after {limit} s: {because}");
            return Outcome::Halt { because, reason: stalled::DRAIN_DEADLINE };
        }
        return outcome;
    }
    scaled(number, blue, Running::NONE, "stopping blue's workers").unwrap_or(Outcome::Done)
}

/// The time that requests in flight have at another tool's Pods: nobody tells what those do when they are told to stop, and
/// nginx, for one, cuts them off.
fn last_requests(going: &Going<'_>, blue: &Revision) -> Option<Outcome> {
    let seconds = i64::from(going.green.record.template.web.grace_seconds);
    let left = seconds - going.seconds_in(Phase::Draining);
    let is_serving = blue.workloads.get("web").is_some_and(|web| web.desired > 0);
    (blue.record.template.adopted.is_some() && is_serving && left > 0).then(|| Outcome::Stay {
        actions: Vec::new(),
        because: format!("blue's last requests have another {left} s"),
        recheck: Duration::from_secs(5),
    })
}
