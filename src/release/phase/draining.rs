//! Draining: the scheduler changes hands, then blue's requests and jobs run out, then blue stops.
//!
//! The order is what keeps every job: while web Pods of blue live they may still enqueue, so the queues are watched
//! only after the last of them is gone, and the workers stop only when the queues are empty.

use super::{Going, Outcome, jobs, scaled};
use crate::api::Phase;
use crate::api::condition::stalled;
use crate::release::{JobStep, Running};

pub(super) fn draining(going: &Going<'_>) -> Outcome {
    let Some((number, blue)) = going.blue else {
        return scaled(going.number, going.green, Running::ALL, "starting the scheduler")
            .unwrap_or(Outcome::Done);
    };
    if going.is_in_window() {
        // Its jobs ran out before the site was closed.
        return scaled(number, blue, Running::NONE, "stopping what is left of blue")
            .or_else(|| scaled(going.number, going.green, Running::ALL, "starting the scheduler"))
            .unwrap_or(Outcome::Done);
    }
    let is_drained = matches!(jobs::for_the_bench(going, JobStep::Drain), Outcome::Done);
    if !is_drained {
        // Green's Pod waits for its turn, which blue's gives up when it ends (`schema::turn`): no tick falls between.
        if let Some(outcome) =
            scaled(going.number, going.green, Running::ALL, "bringing green's scheduler up")
        {
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
