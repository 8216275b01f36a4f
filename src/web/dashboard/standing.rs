//! How a release stands: its line in the list.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::condition::{PHASES, READY, STALLED, reason_of, stalled};
use crate::api::status::FrappeReleaseStatus;
use crate::api::{FrappeRelease, Phase};
use crate::web::api::{Mood, PhaseStep, ReleaseLine, Standing, StepState};

/// A time as the page gets it.
pub(super) fn text(time: &Time) -> String {
    time.0.to_string()
}

/// A release in the list.
pub(super) fn line(release: &FrappeRelease) -> ReleaseLine {
    let status = release.status.clone().unwrap_or_default();
    let is_going = status.phase.is_some_and(|phase| !phase.is_settled());
    ReleaseLine {
        namespace: release.metadata.namespace.clone().unwrap_or_default(),
        name: release.metadata.name.clone().unwrap_or_default(),
        image: release.spec.image.clone(),
        paused: release.spec.paused,
        weight: status.weight.filter(|_| is_going && status.blue.is_some()),
        sites: release.spec.sites.len(),
        standing: standing(release, &status),
    }
}

fn standing(release: &FrappeRelease, status: &FrappeReleaseStatus) -> Standing {
    let stalled = reason_of(&status.conditions, STALLED);
    Standing {
        phase: status.phase.map(|phase| phase.name().to_owned()),
        phase_since: status.phase_since.as_ref().map(text),
        phases: phases(status),
        message: status.message.clone(),
        waiting_since: status.waiting_since.as_ref().map(text),
        mood: mood(release, status, stalled),
        stalled: stalled.map(str::to_owned),
        is_stale: status.observed_generation.unwrap_or(-1) < release.metadata.generation.unwrap_or_default(),
    }
}

fn mood(release: &FrappeRelease, status: &FrappeReleaseStatus, stalled: Option<&str>) -> Mood {
    let is_asking = [stalled::APPROVAL, stalled::PROMOTION];
    match (status.phase, stalled) {
        (_, Some(reason)) if is_asking.contains(&reason) => Mood::Asking,
        (_, Some(_)) | (Some(Phase::RollingBack | Phase::RolledBack), None) => Mood::Bad,
        (Some(phase), None) if !phase.is_settled() && release.spec.paused => Mood::Asking,
        (_, None) if reason_of(&status.conditions, READY).is_some() => Mood::Good,
        (_, None) => Mood::Going,
    }
}

/// The way so far. One that goes back has left the phases that it did not end.
fn phases(status: &FrappeReleaseStatus) -> Vec<PhaseStep> {
    let Some(now) = status.phase else { return Vec::new() };
    let is_back = now > Phase::Complete;
    let is_true = |kind: &str| condition(status, kind).filter(|condition| condition.status == "True");
    let steps = PHASES.into_iter().map(|(phase, kind)| {
        let state = match phase.cmp(&now) {
            _ if is_back => StepState::Left,
            std::cmp::Ordering::Less => StepState::Done,
            std::cmp::Ordering::Equal => StepState::Here,
            std::cmp::Ordering::Greater => StepState::Ahead,
        };
        let since = is_true(kind).map(|condition| text(&condition.last_transition_time));
        PhaseStep { name: phase.name().to_owned(), state, since: since.filter(|_| state == StepState::Done) }
    });
    let last = if is_back { now } else { Phase::Complete };
    let ready = is_true(READY).map(|condition| text(&condition.last_transition_time));
    let state = match (now, &ready) {
        (Phase::Complete, Some(_)) | (Phase::RolledBack, _) => StepState::Done,
        (now, _) if now == last => StepState::Here,
        _ => StepState::Ahead,
    };
    steps.chain([PhaseStep { name: last.name().to_owned(), state, since: ready }]).collect()
}

fn condition<'a>(status: &'a FrappeReleaseStatus, kind: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(state: &str) -> ReleaseLine {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        line(&states[state])
    }

    #[test]
    fn every_state_has_its_mood() {
        for (state, mood) in [
            ("unseen_new", Mood::Going),
            ("shifting", Mood::Going),
            ("complete", Mood::Good),
            ("paused", Mood::Asking),
            ("approval_plan", Mood::Asking),
            ("promotion", Mood::Asking),
            ("job_failed", Mood::Bad),
            ("plan_blocking", Mood::Bad),
            ("rolling_back", Mood::Bad),
            ("rolled_back", Mood::Bad),
        ] {
            assert_eq!(of(state).standing.mood, mood, "{state}");
        }
    }

    #[test]
    fn the_way_is_done_up_to_where_it_is() {
        let states = |state: &str| -> Vec<(String, StepState)> {
            of(state).standing.phases.into_iter().map(|step| (step.name, step.state)).collect()
        };
        let shifting = states("shifting");
        assert_eq!(shifting[4], ("StartingGreen".to_owned(), StepState::Done));
        assert_eq!(shifting[5], ("Shifting".to_owned(), StepState::Here));
        assert_eq!(shifting[8], ("Complete".to_owned(), StepState::Ahead));
        assert!(states("complete").iter().all(|(_, state)| *state == StepState::Done));
        assert_eq!(states("rolling_back").last().unwrap(), &("RollingBack".to_owned(), StepState::Here));
        assert_eq!(states("rolled_back")[0].1, StepState::Left);
        assert!(states("unseen_new").is_empty());
    }

    #[test]
    fn a_manifest_that_the_operator_has_not_seen_is_said() {
        assert!(of("unseen_image").standing.is_stale && !of("shifting").standing.is_stale);
        assert_eq!(
            (of("shifting").weight, of("complete").weight, of("first_revision").weight),
            (Some(10), None, None)
        );
    }
}
