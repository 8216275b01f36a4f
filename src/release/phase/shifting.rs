//! Shifting: weight by weight, each only when the Gateway has accepted the last and all of green is ready.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Going, Outcome};
use crate::api::Phase;
use crate::api::names::ANNOTATION_APPROVE_PROMOTE;
use crate::api::traffic::Step;
use crate::release::{Action, AppStep, Running, gate};

/// Seconds between green's readiness and its first traffic. From Contour to Envoy a change took 16 to 26 ms on an idle
/// machine (measured for weights); other gateways and busy machines take longer.
const SETTLE_SECONDS: i64 = 3;

/// The app that stands for the whole site.
pub(super) const WHOLE_SITE: &str = "*";

pub(super) fn shifting(going: &Going<'_>) -> Outcome {
    let Some(app) = going.seen.release.spec.traffic.apps.iter().find(|app| app.name == WHOLE_SITE) else {
        return Outcome::Halt {
            because: "spec.traffic.apps has no entry '*'".to_owned(),
            reason: "InvalidSpec",
        };
    };
    // Without blue there is nothing to move from: the route leads to green at once.
    let all_at_once = [Step { weight: Some(100), ..Step::default() }];
    // Nor from a site that is closed.
    let in_steps = going.blue.is_some() && !going.is_in_window();
    let steps = if in_steps { app.steps.as_slice() } else { &all_at_once };
    let at = going.green.record.traffic.get(WHOLE_SITE);
    let index = at.map_or(0, |at| at.step);
    let weight = steps.iter().take(index + 1).filter_map(|step| step.weight).next_back().unwrap_or(0);
    if index >= steps.len() {
        return route(going, 100).unwrap_or(Outcome::Done);
    }
    if let Some(outcome) = promotion(going) {
        return outcome;
    }
    if weight > in_force(going)
        && let Some(outcome) = green_not_ready(going)
    {
        return outcome;
    }
    if weight > 0
        && in_force(going) == 0
        && let Some(outcome) = settling(going)
    {
        return outcome;
    }
    if let Some(outcome) = route(going, weight) {
        return outcome;
    }
    step(going, &steps[index], index, at)
}

/// Holds the first weight for a moment: no Gateway tells when its proxies have learned the addresses of new Pods.
fn settling(going: &Going<'_>) -> Option<Outcome> {
    let left = SETTLE_SECONDS - going.seconds_in(Phase::Shifting);
    (going.blue.is_some() && left > 0).then(|| Outcome::Stay {
        actions: Vec::new(),
        because: format!(
            "green is ready; the first weight follows in {left} s, when every proxy knows its Pods"
        ),
        recheck: Duration::from_secs(1),
    })
}

/// The weight of green that the Gateway serves now.
fn in_force(going: &Going<'_>) -> u8 {
    going.seen.route.as_ref().and_then(|route| route.weights.get(&going.number).copied()).unwrap_or(0)
}

fn promotion(going: &Going<'_>) -> Option<Outcome> {
    let approval = going.seen.release.spec.approvals.promote.as_ref()?;
    let number = going.number.to_string();
    let said = [approval.approved.as_deref(), going.seen.release.annotated(ANNOTATION_APPROVE_PROMOTE)];
    (!said.contains(&Some(number.as_str()))).then(|| Outcome::Halt {
        because: format!("revision {number} is ready and waits for its promotion to be approved"),
        reason: "ApprovalRequired",
    })
}

fn green_not_ready(going: &Going<'_>) -> Option<Outcome> {
    super::scaled(
        going.number,
        going.green,
        Running::WITHOUT_SCHEDULER,
        "green lost Pods: the weight is held",
    )
}

/// Brings the route to a weight of green; `None` when every Gateway has accepted it.
pub(super) fn route(going: &Going<'_>, green: u8) -> Option<Outcome> {
    let mut weights = BTreeMap::from([(going.number, green)]);
    if let Some((blue, _)) = going.blue {
        weights.insert(blue, 100 - green);
    }
    weigh(going, weights, format!("moving {green} % to green"))
}

/// Leads the route to one revision alone; `None` when every Gateway has accepted it.
pub(super) fn only(going: &Going<'_>, number: u32) -> Option<Outcome> {
    weigh(going, BTreeMap::from([(number, 100)]), format!("leaving revision {number} alone in the route"))
}

fn weigh(going: &Going<'_>, weights: BTreeMap<u32, u8>, because: String) -> Option<Outcome> {
    match &going.seen.route {
        Some(route) if route.weights == weights && route.is_accepted => None,
        Some(route) if route.weights == weights => {
            Some(Outcome::wait(format!("the Gateway has not accepted the route yet: {}", route.message)))
        }
        Some(_) | None => Some(Outcome::act(vec![Action::Route { weights }], because)),
    }
}

fn step(going: &Going<'_>, step: &Step, index: usize, at: Option<&AppStep>) -> Outcome {
    if let Some(name) = &step.analysis
        && let Some(outcome) =
            gate::inline(going, &format!("step {} of '{WHOLE_SITE}'", index + 1), name).unfinished()
    {
        return outcome;
    }
    let since = at.map_or(going.now, |at| at.since);
    let seconds = step.pause.as_ref().and_then(|pause| pause.seconds).unwrap_or(0);
    let passed = going.now.as_second() - since.as_second();
    let left = i64::from(seconds) - passed;
    if at.is_some() && left > 0 {
        return Outcome::Stay {
            actions: Vec::new(),
            because: format!("{} % on green, pausing for {left} s", in_force(going)),
            recheck: Duration::from_secs(u64::try_from(left).unwrap_or(1)),
        };
    }
    // A step is entered with a time before it is left, so that a pause is counted from its own beginning.
    let next = if at.is_none() && seconds > 0 { index } else { index + 1 };
    let mut record = going.green.record.clone();
    record.traffic.insert(WHOLE_SITE.to_owned(), AppStep { step: next, since: going.now });
    Outcome::act(
        vec![Action::Record { revision: going.number, record: Box::new(record) }],
        format!("step {} of the traffic is done", index + 1),
    )
}
