//! When the bridge between the route and its rivals is built and taken away (what it is: `traffic::bridge`).

use jiff::Timestamp;

use super::phase::left_to_settle;
use super::{Action, Observed};

/// What is left to do until every proxy knows where the route and its rivals lead to, with the reason; `None` when all
/// do, or where there are none.
pub(super) fn build(seen: &Observed, now: Timestamp) -> Option<(Option<Action>, String)> {
    if seen.rival_routes.is_empty() {
        return None;
    }
    let Some(bridge) = seen.bridge.filter(|bridge| bridge.is_whole) else {
        let because = "telling every proxy where both routes lead to";
        return Some((Some(Action::Bridge { since: now }), because.to_owned()));
    };
    let left = left_to_settle(bridge.since, now);
    (left > 0).then(|| (None, format!("every proxy knows where both routes lead to in {left} s")))
}

/// Whether there is a bridge that is to go: no proxy is on its way from one route to the other any more. `since` is when the
/// route came to rest.
pub(super) fn is_crossed(seen: &Observed, since: Timestamp, now: Timestamp) -> bool {
    seen.bridge.is_some() && seen.rival_routes.is_empty() && left_to_settle(since, now) <= 0
}
