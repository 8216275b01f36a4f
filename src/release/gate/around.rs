//! Where webhooks hold the phases of a release. Each function is given what the phase itself says.

use super::{analysis, hooks};
use crate::api::Phase;
use crate::api::webhook::HookPoint;
use crate::release::phase::{Going, Outcome};
use crate::release::{Action, JobStep, RecordState};

/// Before the plan is executed: `ConfirmRollout`.
pub(in crate::release) fn planning(going: &Going<'_>, said: Outcome) -> Outcome {
    match said {
        Outcome::Done => {
            hooks::hold(going, HookPoint::ConfirmRollout, Phase::Planning, "").unwrap_or(Outcome::Done)
        }
        other @ (Outcome::Stay { .. } | Outcome::Halt { .. } | Outcome::RollBack { .. }) => other,
    }
}

/// While traffic moves: `PreRollout` and `ConfirmTrafficIncrease` before a higher weight, `Rollout` at it,
/// `ConfirmPromotion` after the last.
pub(in crate::release) fn shifting(going: &Going<'_>, said: Outcome) -> Outcome {
    // Without blue there is no traffic to move, and a site that is closed is not kept closed by a webhook.
    if going.blue.is_none() || going.is_in_window() {
        return said;
    }
    match said {
        Outcome::Done => at_weight(going)
            .or_else(|| hooks::hold(going, HookPoint::ConfirmPromotion, Phase::Shifting, ""))
            .unwrap_or(Outcome::Done),
        Outcome::Stay { actions, because, recheck } => {
            if let Some(held) = actions.iter().find_map(|action| before_weight(going, action)) {
                return held;
            }
            let Some(held) = at_weight(going) else { return Outcome::Stay { actions, because, recheck } };
            // What keeps green alive goes on; only the steps stand.
            let others = actions
                .into_iter()
                .filter(|action| !matches!(action, Action::Record { .. } | Action::Route { .. }));
            match held {
                Outcome::Stay { actions: calls, because, recheck } => {
                    Outcome::Stay { actions: others.chain(calls).collect(), because, recheck }
                }
                end @ (Outcome::Done | Outcome::Halt { .. } | Outcome::RollBack { .. }) => end,
            }
        }
        end @ (Outcome::Halt { .. } | Outcome::RollBack { .. }) => end,
    }
}

/// What runs beside the shift, whatever its steps wait for; and the end of the release, if that says so.
pub(in crate::release) fn beside(going: &Going<'_>) -> (Vec<Action>, Option<Outcome>) {
    if going.blue.is_none() || !green_has_traffic(going) {
        (Vec::new(), None)
    } else {
        analysis::beside(going)
    }
}

fn before_weight(going: &Going<'_>, action: &Action) -> Option<Outcome> {
    let raised = raised(going, action)?;
    let first = (!green_has_traffic(going))
        .then(|| hooks::hold(going, HookPoint::PreRollout, Phase::Shifting, ""))
        .flatten();
    first.or_else(|| hooks::hold(going, HookPoint::ConfirmTrafficIncrease, Phase::Shifting, &raised))
}

fn at_weight(going: &Going<'_>) -> Option<Outcome> {
    let route = going.seen.route.as_ref().filter(|route| route.is_accepted)?;
    if !green_has_traffic(going) {
        return None;
    }
    let split = route.split.as_ref()?;
    hooks::hold(going, HookPoint::Rollout, Phase::Shifting, &format!("{:?}", split.apps))
}

/// Whether the route in force leads anything to green.
fn green_has_traffic(going: &Going<'_>) -> bool {
    let split = going.seen.route.as_ref().and_then(|route| route.split.as_ref());
    split.is_some_and(|split| split.serves(going.number))
}

/// The weights of an action that leads more of any app to green than now, as a text that parts them from all others.
fn raised(going: &Going<'_>, action: &Action) -> Option<String> {
    let Action::Route { split } = action else { return None };
    let now = |app: &str| going.seen.route.as_ref().map_or(0, |route| route.weight(going.number, app));
    let rises = split.apps.keys().any(|app| split.weight(going.number, app) > now(app));
    rises.then(|| format!("{:?}", split.apps))
}

/// Before the point of no return: `BeforeContract`.
pub(in crate::release) fn contracting(going: &Going<'_>, said: Outcome) -> Outcome {
    let contracts = |action: &Action| matches!(action, Action::Job { step: JobStep::Contract, .. });
    let is_begun = going.green.jobs.iter().any(|job| job.step == JobStep::Contract);
    let begins = match &said {
        Outcome::Stay { actions, .. } => !is_begun && actions.iter().any(contracts),
        Outcome::Done | Outcome::Halt { .. } | Outcome::RollBack { .. } => false,
    };
    if !begins {
        return said;
    }
    hooks::hold(going, HookPoint::BeforeContract, Phase::Contracting, "").unwrap_or(said)
}

/// When the release ends: what is still to be called is written down first.
pub(in crate::release) fn completing(going: &Going<'_>, said: Outcome) -> Outcome {
    ending(going, said, HookPoint::PostRollout)
}

/// When the release has gone back: what is still to be called is written down first.
pub(in crate::release) fn finishing(going: &Going<'_>, said: Outcome) -> Outcome {
    ending(going, said, HookPoint::Rollback)
}

fn ending(going: &Going<'_>, said: Outcome, at: HookPoint) -> Outcome {
    let is_end = |state: &RecordState| matches!(state, RecordState::Active | RecordState::RolledBack { .. });
    let ends = |action: &Action| matches!(action, Action::Record { record, .. } if is_end(&record.state));
    match said {
        Outcome::Stay { mut actions, because, recheck } => {
            if let Some(at_record) = actions.iter().position(ends)
                && let Some(remembered) = hooks::remember(going, at)
            {
                actions.insert(at_record, remembered);
            }
            Outcome::Stay { actions, because, recheck }
        }
        other @ (Outcome::Done | Outcome::Halt { .. } | Outcome::RollBack { .. }) => other,
    }
}
