//! Contracting: the point of no return. What only blue needed is removed.

use std::time::Duration;

use super::{Going, Outcome, jobs, shifting};
use crate::api::Phase;
use crate::api::names::ANNOTATION_APPROVE_CONTRACT;
use crate::release::{JobStep, Split};

pub(super) fn contracting(going: &Going<'_>) -> Outcome {
    if going.blue.is_none() || going.is_in_window() {
        return Outcome::Done;
    }
    if !is_begun(going)
        && let Some(outcome) = blue_in_use(going).or_else(|| approval(going)).or_else(|| window(going))
    {
        return outcome;
    }
    if going.changes_hands() {
        return Outcome::Done;
    }
    jobs::for_every_site(going, JobStep::Contract)
}

/// Whether the guards are behind: a Job has been made, or, where nothing is to be contracted, blue has left the route.
fn is_begun(going: &Going<'_>) -> bool {
    if going.changes_hands() {
        let split = going.seen.route.as_ref().and_then(|route| route.split.as_ref());
        return split == Some(&Split::only(going.number));
    }
    going.sites().any(|site| jobs::find(going, JobStep::Contract, Some(site)).is_some())
}

/// The guard of the point of no return: nothing of blue serves, whatever was seen before.
fn blue_in_use(going: &Going<'_>) -> Option<Outcome> {
    let (_, blue) = going.blue?;
    let pods = blue.pods.len();
    if pods > 0 {
        return Some(Outcome::wait(format!("{pods} Pods of blue are still there")));
    }
    shifting::route(going, 100)
}

fn approval(going: &Going<'_>) -> Option<Outcome> {
    let approval = going.seen.release.spec.approvals.contract.as_ref()?;
    let number = going.number.to_string();
    let because = format!("blue is drained; the contraction of revision {number} waits for approval");
    going.unapproved(approval, ANNOTATION_APPROVE_CONTRACT, &number, because)
}

fn window(going: &Going<'_>) -> Option<Outcome> {
    let seconds = i64::from(going.seen.release.spec.contract.rollback_window_seconds);
    let left = seconds - going.seconds_in(Phase::Contracting);
    (seconds > 0 && left > 0).then(|| Outcome::Stay {
        actions: Vec::new(),
        because: format!("blue is kept for another {left} s; abort brings it back"),
        recheck: Duration::from_secs(u64::try_from(left).unwrap_or(1)),
    })
}
