//! Shifting: app by app, weight by weight, each only when the Gateway has accepted the last and all of green is ready.
//!
//! An app begins when all before it are at their end or held by an approval or a pause without an end. What holds one app
//! does not hold the others.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Going, Outcome};
use crate::api::Phase;
use crate::api::names::{ANNOTATION_APPROVE_PROMOTE, reason};
use crate::api::traffic::{AppTraffic, REST};
use crate::release::shift::{self, Hold};
use crate::release::{Action, AppStep, Record, Running, Split, bridge, gate};

/// Seconds that every proxy of a gateway is given to learn of a change: between green's readiness and its first traffic, and
/// around a route that is written or goes. From Contour to Envoy a change took 16 to 26 ms on an idle
/// machine (measured for weights); other gateways and busy machines take longer.
pub(in crate::release) const SETTLE_SECONDS: i64 = 3;

/// Seconds until every proxy knows what was changed at that time; none are left when it is 0 or less.
pub(in crate::release) fn left_to_settle(since: Timestamp, now: Timestamp) -> i64 {
    SETTLE_SECONDS - (now.as_second() - since.as_second())
}

/// Where one app stands.
struct Stand<'a> {
    app: &'a AppTraffic,
    /// Whether there is no other.
    is_alone: bool,
    /// Index of its step, from 0.
    at: usize,
    /// Since when it is there; `None` before it has begun.
    since: Option<&'a AppStep>,
    /// Whether its turn has come.
    has_begun: bool,
    hold: Option<Hold>,
    /// The weight that it should have now.
    weight: u8,
}

impl Stand<'_> {
    fn is_done(&self) -> bool {
        self.at >= self.app.steps.len()
    }

    /// Whether its step is a pause that is not counted yet: it is counted from its own beginning.
    fn begins_a_pause(&self) -> bool {
        let step = self.app.steps.get(self.at);
        self.since.is_none()
            && step.and_then(|step| step.pause.as_ref()).is_some_and(|pause| pause.seconds > Some(0))
    }

    /// The step to write down when nothing holds it here.
    fn next(&self) -> usize {
        if self.begins_a_pause() { self.at } else { self.at + 1 }
    }

    /// `support: `, or nothing where the whole site moves together.
    fn title(&self) -> String {
        match self.app.name.as_str() {
            REST if self.is_alone => String::new(),
            REST => "everything else: ".to_owned(),
            name => format!("{name}: "),
        }
    }
}

pub(super) fn shifting(going: &Going<'_>) -> Outcome {
    if let Some(outcome) = rival(going) {
        return outcome;
    }
    // Without blue there is nothing to move from: the route leads to green at once.
    // Nor from a site that is closed.
    if going.blue.is_none() || going.is_in_window() {
        return route(going, 100).unwrap_or(Outcome::Done);
    }
    let stands = stands(going);
    if stands.iter().all(Stand::is_done) {
        return route(going, 100).unwrap_or(Outcome::Done);
    }
    if let Some(outcome) = promotion(going) {
        return outcome;
    }
    let rises = |stand: &Stand<'_>| stand.weight > in_force(going, &stand.app.name);
    if stands.iter().any(rises)
        && let Some(outcome) = green_not_ready(going)
    {
        return outcome;
    }
    if stands.iter().any(|stand| stand.weight > 0)
        && stands.iter().all(|stand| in_force(going, &stand.app.name) == 0)
        && let Some(outcome) = settling(going)
    {
        return outcome;
    }
    let weights = stands.iter().map(|stand| (stand.app.name.clone(), stand.weight)).collect();
    if let Some(outcome) = weigh(going, split(going, weights), || moving(&stands)) {
        return outcome;
    }
    go_on(going, &stands)
}

/// Of two routes that take the same requests the older one wins (Gateway API, `HTTPRouteRule.matches`), and some gateways
/// refuse the other: while another tool's own is there, ours is not in force.
fn rival(going: &Going<'_>) -> Option<Outcome> {
    let is_adopted = going.green.record.template.adopted.is_some() || going.changes_hands();
    // Ours is written first, so that it is in force when the other one goes.
    let is_written = going.seen.route.as_ref().is_some_and(|route| route.is_whole);
    let rivals = &going.seen.rival_routes;
    if !is_adopted || !is_written || rivals.is_empty() {
        return None;
    }
    // Who deletes the other one when he is told to must find every proxy ready.
    let bridging = bridge::build(going.seen, going.now).map(|(action, because)| Outcome::Stay {
        actions: action.into_iter().collect(),
        because,
        recheck: Duration::from_secs(1),
    });
    bridging.or_else(|| {
        Some(Outcome::wait(format!(
            "HTTPRoute '{}' takes hostnames of the sites as well, and the older route wins: delete it; the route '{}' leads to \
             the same Pods",
            rivals.join("', '"),
            going.seen.release.metadata.name.as_deref().unwrap_or_default()
        )))
    })
}

/// Where every app stands, in their order.
fn stands<'a>(going: &Going<'a>) -> Vec<Stand<'a>> {
    let release = &going.seen.release;
    let mut is_free = true;
    let is_alone = release.spec.traffic.apps.len() == 1;
    let stand = |app: &'a AppTraffic| {
        let since = going.green.record.traffic.get(&app.name);
        let at = shift::reachable(release, going.number, app, since.map_or(0, |at| at.step));
        let hold = shift::hold(release, going.number, app, at);
        let is_promoted = since.map_or(0, |at| at.step) < at;
        let in_force = in_force(going, &app.name);
        let has_begun = is_free || since.is_some() || is_promoted || in_force > 0;
        let wanted = if has_begun { shift::weight(&app.steps, at) } else { 0 };
        // Steps that were edited take no traffic back: that is what an abort is for.
        let weight = wanted.max(in_force);
        let stand = Stand { app, is_alone, at, since, has_begun, hold, weight };
        is_free &= stand.is_done() || (stand.has_begun && stand.hold.is_some());
        stand
    };
    release.spec.traffic.apps.iter().map(stand).collect()
}

/// `10 % to green`, with the apps' names where there are several.
fn moving(stands: &[Stand<'_>]) -> String {
    match stands {
        [one] => format!("moving {} % to green", one.weight),
        several => {
            let parts: Vec<String> =
                several.iter().map(|stand| format!("{} {} %", stand.app.name, stand.weight)).collect();
            format!("moving to green: {}", parts.join(", "))
        }
    }
}

/// Holds the first weight for a moment: no gateway tells when its proxies have learned the addresses of green's Pods.
fn settling(going: &Going<'_>) -> Option<Outcome> {
    let left = SETTLE_SECONDS - going.seconds_in(Phase::Shifting);
    (left > 0).then(|| Outcome::Stay {
        actions: Vec::new(),
        because: format!(
            "green is ready; the first weight follows in {left} s, when every proxy knows its Pods"
        ),
        recheck: Duration::from_secs(1),
    })
}

/// The weight of an app's traffic on green that the Gateway serves now.
fn in_force(going: &Going<'_>, app: &str) -> u8 {
    going.seen.route.as_ref().map_or(0, |route| route.weight(going.number, app))
}

fn promotion(going: &Going<'_>) -> Option<Outcome> {
    let approval = going.seen.release.spec.approvals.promote.as_ref()?;
    let number = going.number.to_string();
    let because = format!("revision {number} is ready and waits for its promotion to be approved");
    going.unapproved(approval, ANNOTATION_APPROVE_PROMOTE, &number, because)
}

fn green_not_ready(going: &Going<'_>) -> Option<Outcome> {
    super::scaled(
        going.number,
        going.green,
        Running::WITHOUT_SCHEDULER,
        "green lost Pods: the weight is held",
    )
}

/// Brings the route to a weight of green for all apps; `None` when every Gateway has accepted it.
pub(super) fn route(going: &Going<'_>, green: u8) -> Option<Outcome> {
    let apps = going.seen.release.spec.traffic.apps.iter();
    let weights = apps.map(|app| (app.name.clone(), green)).collect();
    weigh(going, split(going, weights), || format!("moving {green} % to green"))
}

/// Leads the route to one revision alone; `None` when every Gateway has accepted it.
pub(super) fn only(going: &Going<'_>, number: u32) -> Option<Outcome> {
    weigh(going, Split::only(number), || format!("leaving revision {number} alone in the route"))
}

fn split(going: &Going<'_>, apps: BTreeMap<String, u8>) -> Split {
    match going.blue {
        Some((blue, _)) => Split { blue: Some(blue), green: going.number, apps },
        None => Split::only(going.number),
    }
}

fn weigh(going: &Going<'_>, split: Split, because: impl FnOnce() -> String) -> Option<Outcome> {
    match &going.seen.route {
        Some(route) if route.split.as_ref() == Some(&split) && route.is_whole => (!route.is_accepted)
            .then(|| Outcome::wait(format!("the Gateway has not accepted the route yet: {}", route.message))),
        Some(_) | None => Some(Outcome::act(vec![Action::Route { split }], because())),
    }
}

/// Takes every app a step further that nothing holds.
fn go_on(going: &Going<'_>, stands: &[Stand<'_>]) -> Outcome {
    let mut record = going.green.record.clone();
    let (mut done, mut pausing, mut soonest) = (Vec::new(), Vec::new(), None);
    let (mut asked, mut stopped) = (Vec::new(), Vec::new());
    for stand in stands.iter().filter(|stand| stand.at > stand.since.map_or(0, |since| since.step)) {
        record.traffic.insert(stand.app.name.clone(), AppStep { step: stand.at, since: going.now });
        done.push(format!(
            "{}promoted to step {}",
            stand.title(),
            stand.at.min(stand.app.steps.len() - 1) + 1
        ));
    }
    if !done.is_empty() {
        return recorded(going, record, &done);
    }
    for stand in stands.iter().filter(|stand| stand.has_begun && !stand.is_done()) {
        let on_green = || format!("{}{} % on green", stand.title(), stand.weight);
        match next(going, stand) {
            Outcome::Done => {
                record
                    .traffic
                    .insert(stand.app.name.clone(), AppStep { step: stand.next(), since: going.now });
                done.push(format!("{}step {} of the traffic is done", stand.title(), stand.at + 1));
            }
            Outcome::Stay { actions, because, recheck } => {
                asked.extend(actions);
                pausing.push(format!("{}, {because}", on_green()));
                soonest = Some(soonest.map_or(recheck, |soonest: Duration| soonest.min(recheck)));
            }
            Outcome::Halt { because, reason } => stopped.push((format!("{}, {because}", on_green()), reason)),
            back @ Outcome::RollBack { .. } => return back,
        }
    }
    if !done.is_empty() {
        return recorded(going, record, &done);
    }
    let because = pausing.into_iter().chain(stopped.iter().map(|(because, _)| because.clone()));
    let because = because.collect::<Vec<_>>().join("; ");
    match (soonest, stopped.first()) {
        (Some(recheck), _) => Outcome::Stay { actions: asked, because, recheck },
        (None, Some((_, reason))) => Outcome::Halt { because, reason },
        // Every app that has begun is in one of the two; the next one begins when it is looked at again.
        (None, None) => Outcome::wait(because),
    }
}

/// What an app's step says; `Done` when nothing holds the app there.
fn next(going: &Going<'_>, stand: &Stand<'_>) -> Outcome {
    if stand.begins_a_pause() {
        return Outcome::Done;
    }
    if let Some(left) = shift::left(&stand.app.steps, stand.at, stand.since, going.now) {
        let recheck = Duration::from_secs(u64::try_from(left).unwrap_or(1));
        return Outcome::Stay { actions: Vec::new(), because: format!("pausing for {left} s"), recheck };
    }
    if let Some(hold) = &stand.hold {
        let name = going.seen.release.metadata.name.as_deref().unwrap_or_default();
        let (reason, command) = match hold {
            Hold::Approval(step) => (reason::APPROVAL, format!("approve {name} {step}")),
            Hold::Pause => (reason::PROMOTION, format!("promote {name}")),
        };
        let because = format!("{}: run `kubectl crossfade {command}`", hold.words());
        return Outcome::Halt { because, reason };
    }
    let step = stand.app.steps.get(stand.at).and_then(|step| step.analysis.as_deref());
    let place = || format!("step {} of '{}'", stand.at + 1, stand.app.name);
    step.map_or(Outcome::Done, |name| gate::inline(going, &place(), name))
}

fn recorded(going: &Going<'_>, record: Record, done: &[String]) -> Outcome {
    Outcome::act(vec![Action::Record { revision: going.number, record: Box::new(record) }], done.join("; "))
}
