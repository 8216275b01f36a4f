//! Planning: both images are read, the plan is stored and, if the spec asks, approved.

use super::{Going, Outcome, jobs};
use crate::api::condition::stalled;
use crate::api::names::{ANNOTATION_APPROVE_PLAN, ANNOTATION_APPROVE_WINDOW};
use crate::api::traffic::REST;
use crate::plan::Verdict;
use crate::release::gate;
use crate::release::plan_of;
use crate::release::{Action, JobStep};

/// Weights that users can be parted at: a rule of a route has at most 16 backends.
const MAX_EDGES: usize = 16;

pub(super) fn planning(going: &Going<'_>) -> Outcome {
    let wrong = too_many_weights(going).or_else(|| wrong_template(going));
    if let Some(because) = wrong.or_else(|| unreadable(going)).or_else(|| not_there(going)) {
        return Outcome::Halt { because, reason: stalled::INVALID_SPEC };
    }
    let missing: Vec<String> =
        going.sites().filter(|site| !going.green.plans.contains_key(*site)).map(str::to_owned).collect();
    if !missing.is_empty() {
        let store =
            || missing.into_iter().map(|site| Action::StorePlan { revision: going.number, site }).collect();
        let running = jobs::for_every_site(going, JobStep::Plan).unfinished();
        return running.unwrap_or_else(|| Outcome::act(store(), "storing the plan"));
    }
    judge(going)
}

/// What no route of the Gateway API can hold, although each part of the spec is valid.
fn too_many_weights(going: &Going<'_>) -> Option<String> {
    let weights = going.seen.release.spec.traffic.edges().len();
    (weights > MAX_EDGES).then(|| {
        format!(
            "spec.traffic.apps names {weights} different weights, a route can tell {MAX_EDGES} apart: use the same ones in \
             several apps"
        )
    })
}

/// A template of a webhook that cannot be used: said before anything is done, not when somebody waits for the text.
fn wrong_template(going: &Going<'_>) -> Option<String> {
    gate::wrong_template(&going.seen.release, going.number, going.green, going.now)
}

/// An app that moves by itself must be one of the bench: with a misspelt name its traffic would follow the rest.
fn unknown_app(going: &Going<'_>) -> Option<String> {
    let known = &going.green.routing.apps;
    let mut named = going.seen.release.spec.traffic.apps.iter().filter(|app| app.name != REST);
    let unknown = named.find(|app| !known.contains_key(&app.name))?;
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    Some(format!(
        "spec.traffic.apps names '{}', which neither version has: it is one of {}",
        unknown.name,
        known.join(", ")
    ))
}

fn unreadable(going: &Going<'_>) -> Option<String> {
    let common = going.seen.common_config.as_ref().err().cloned();
    common.or_else(|| {
        going.sites().find_map(|site| match going.seen.sites.get(site) {
            None => Some(format!("the configuration of site {site} was not read")),
            Some(facts) => facts.as_ref().err().cloned(),
        })
    })
}

/// Deployments of another tool that are named and are not there.
fn not_there(going: &Going<'_>) -> Option<String> {
    let adopted = going.green.record.template.adopted.as_ref()?;
    let missing =
        adopted.components().filter(|(component, _)| !going.green.workloads.contains_key(component));
    let missing: Vec<&str> = missing.map(|(_, name)| name).collect();
    (!missing.is_empty())
        .then(|| format!("spec.adopted names Deployments that are not there: {}", missing.join(", ")))
}

/// A bench changes hands at the version that it runs: another tool's Pods cannot be sent to a schema of views.
fn another_version(going: &Going<'_>, verdict: Verdict, summary: &str) -> Option<Outcome> {
    let (_, blue) = going.blue.filter(|_| going.changes_hands())?;
    let (old, new) = (&blue.record.template.image, &going.green.record.template.image);
    let because = if old != new {
        format!("{new} is another version than {old}")
    } else if verdict != Verdict::Neutral {
        format!("the site was not migrated with {new}, the plan is {verdict:?}: {summary}")
    } else {
        return None;
    };
    let because = format!(
        "{because}; a bench changes hands at the version that it runs: hand it over first, release the other version then"
    );
    Some(Outcome::Halt { because, reason: stalled::INVALID_SPEC })
}

fn judge(going: &Going<'_>) -> Outcome {
    if let Some(because) = unknown_app(going) {
        return Outcome::Halt { because, reason: stalled::INVALID_SPEC };
    }
    let Some(plan) = plan_of(going.green) else { return Outcome::wait("the plan is not stored") };
    if let Some(outcome) = another_version(going, plan.verdict, &plan.summary) {
        return outcome;
    }
    match plan.verdict {
        Verdict::Neutral | Verdict::Additive | Verdict::ContractOnly | Verdict::Synced | Verdict::Mapped => {}
        Verdict::Blocking if is_window_accepted(going, &plan.hash) => {}
        Verdict::Blocking => {
            let because = format!(
                "the plan is Blocking: {}; change it, or accept a maintenance window: kubectl crossfade approve {} window",
                plan.summary,
                going.seen.release.metadata.name.as_deref().unwrap_or_default()
            );
            return Outcome::Halt { because, reason: stalled::PLAN_BLOCKING };
        }
    }
    let Some(approval) = &going.seen.release.spec.approvals.plan else { return Outcome::Done };
    let because = format!("the plan {} waits for approval: {}", plan.hash, plan.summary);
    going.unapproved(approval, ANNOTATION_APPROVE_PLAN, &plan.hash, because).unwrap_or(Outcome::Done)
}

/// Whether a human has agreed to close the site for exactly this plan. The first revision has nobody to shut out.
fn is_window_accepted(going: &Going<'_>, hash: &str) -> bool {
    let said = going.seen.release.spec.planning.accept_maintenance_window.as_deref();
    going.blue.is_some()
        && [said, going.seen.release.annotated(ANNOTATION_APPROVE_WINDOW)].contains(&Some(hash))
}
