//! One release with all that belongs to it, as the page shows it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Event, Pod};

use super::seen::Seen;
use super::standing::{line, text};
use super::{offer, work};
use crate::api::FrappeRelease;
use crate::api::figures::RelayFigures;
use crate::api::status::{AnalysisStatus, AppStatus, Colour, FrappeReleaseStatus};
use crate::api::traffic::Step;
use crate::controller::seen;
use crate::web::api::{
    AnalysisView, AppView, ColourView, ConditionView, EventView, Measurement, Part, PlanLine, Release,
    StepState, StepView, WebhookView,
};

/// Events that a page gets: the newest.
const EVENTS: usize = 200;

/// The page of a release; `None` if there is none.
pub(super) fn view(seen: &Seen, read_only: bool) -> Option<Release> {
    let release = seen.release.as_ref()?;
    let status = release.status.clone().unwrap_or_default();
    let work = work::work(release, seen);
    let relay = relay(seen);
    Some(Release {
        line: line(release),
        read_only,
        blue: status.blue.as_ref().map(|colour| of_colour(colour, &seen.pods, relay.blue.jobs())),
        green: status.green.as_ref().map(|colour| of_colour(colour, &seen.pods, relay.green.jobs())),
        plan: status.plan.as_ref().map(|plan| PlanLine {
            hash: plan.hash.clone(),
            verdict: plan.verdict.clone(),
            summary: plan.summary.clone(),
            approved: plan.approved,
        }),
        apps: status.apps.iter().map(|app| of_app(release, app)).collect(),
        queues: work::queues(&work, &relay),
        work,
        analyses: status.analyses.iter().map(analysis).collect(),
        webhooks: webhooks(&status),
        conditions: conditions(&status),
        events: events(release, &seen.events),
        offers: if read_only { Vec::new() } else { offer::views(release) },
        problems: seen.problems.clone(),
    })
}

/// What the relay that is there has counted.
fn relay(seen: &Seen) -> RelayFigures {
    let names = seen.pods.iter().filter_map(|pod| pod.metadata.name.as_ref());
    names.filter_map(|name| seen.counted.get(name)).next_back().cloned().unwrap_or_default()
}

fn of_colour(colour: &Colour, pods: &[Pod], jobs: Option<u64>) -> ColourView {
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for pod in pods {
        let is_own = seen::revision_of(pod) == Some(colour.revision) && seen::is_of_deployment(pod);
        if !is_own || pod.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let name = seen::component_of(pod);
        let part = parts.entry(name).or_insert_with(|| Part {
            name: name.to_owned(),
            ready: 0,
            pods: 0,
            trouble: String::new(),
        });
        part.pods += 1;
        if seen::is_ready(pod) {
            part.ready += 1;
        } else if let Some(trouble) = trouble(pod) {
            part.trouble = trouble;
        }
    }
    ColourView {
        revision: colour.revision,
        image: colour.image.clone(),
        ready: colour.ready,
        parts: parts.into_values().collect(),
        jobs,
    }
}

/// What a container of a Pod waits for, or how often it was started again.
fn trouble(pod: &Pod) -> Option<String> {
    let (container, reason, _) = seen::held_up(pod)?;
    Some(format!("{}: {reason}, started {} times", container.name, container.restart_count))
}

fn of_app(release: &FrappeRelease, app: &AppStatus) -> AppView {
    let spec = release.spec.traffic.apps.iter().find(|spec| spec.name == app.name);
    let steps = spec.map(|spec| spec.steps.as_slice()).unwrap_or_default();
    let here = usize::try_from(app.step).unwrap_or_default();
    let is_over = here == steps.len() && app.weight == 100 && app.waiting.is_empty();
    let steps = steps.iter().enumerate().map(|(at, step)| StepView {
        words: step_words(step),
        state: match (at + 1).cmp(&here) {
            _ if is_over => StepState::Done,
            std::cmp::Ordering::Less => StepState::Done,
            std::cmp::Ordering::Equal => StepState::Here,
            std::cmp::Ordering::Greater => StepState::Ahead,
        },
    });
    AppView {
        name: app.name.clone(),
        weight: app.weight,
        steps: steps.collect(),
        waiting: app.waiting.clone(),
    }
}

fn step_words(step: &Step) -> String {
    let Step { weight, pause, analysis, approve } = step;
    let pause = pause.as_ref().map(|pause| match pause.seconds {
        Some(seconds) => format!("pause {seconds} s"),
        None => "pause until promoted".to_owned(),
    });
    let parts = [
        weight.map(|weight| format!("{weight} %")),
        pause,
        analysis.as_ref().map(|name| format!("analysis {name}")),
        approve.as_ref().map(|name| format!("approval {name}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn analysis(run: &AnalysisStatus) -> AnalysisView {
    let measurements = run.measurements.iter().map(|one| Measurement {
        number: one.number,
        at: text(&one.at),
        outcome: one.outcome.clone(),
        value: one.value.clone(),
    });
    AnalysisView {
        name: run.name.clone(),
        place: run.place.clone(),
        result: run.result.clone(),
        since: text(&run.since),
        measured: run.measured,
        count: run.count,
        failed: run.failed,
        dry_run: run.dry_run,
        message: run.message.clone(),
        measurements: measurements.collect(),
    }
}

fn webhooks(status: &FrappeReleaseStatus) -> Vec<WebhookView> {
    let view = |hook: &crate::api::status::WebhookStatus| WebhookView {
        name: hook.name.clone(),
        at: hook.at.name().to_owned(),
        state: hook.state.clone(),
        since: text(&hook.since),
        calls: hook.calls,
        answer: hook.answer.clone(),
    };
    status.webhooks.iter().map(view).collect()
}

fn conditions(status: &FrappeReleaseStatus) -> Vec<ConditionView> {
    let all = status.conditions.iter().map(|condition| ConditionView {
        name: condition.type_.clone(),
        status: condition.status.clone(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
        since: text(&condition.last_transition_time),
    });
    all.collect()
}

/// The events of a release, its Jobs and its Pods: all that belongs to it is called `<release>-r<number>-...`.
fn events(release: &FrappeRelease, all: &[Event]) -> Vec<EventView> {
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let own = |event: &&Event| {
        let about = event.involved_object.name.as_deref().unwrap_or_default();
        match event.involved_object.kind.as_deref() {
            Some("FrappeRelease") => about == name,
            _ => about
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix("-r"))
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit())),
        }
    };
    let mut found: Vec<_> = all.iter().filter(own).map(|event| (time(event), event)).collect();
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    found.truncate(EVENTS);
    let view = |(at, event): (String, &Event)| {
        let about = &event.involved_object;
        let is_own = about.kind.as_deref() == Some("FrappeRelease");
        let named = format!(
            "{} {}",
            about.kind.as_deref().unwrap_or_default(),
            about.name.as_deref().unwrap_or_default()
        );
        let series = event.series.as_ref().and_then(|series| series.count);
        EventView {
            id: event.metadata.name.clone().unwrap_or_default(),
            at,
            is_warning: event.type_.as_deref() == Some("Warning"),
            reason: event.reason.clone().unwrap_or_default(),
            note: event.message.clone().unwrap_or_default(),
            about: if is_own { String::new() } else { named },
            count: series.or(event.count).unwrap_or(1),
        }
    };
    found.into_iter().map(view).collect()
}

/// When an event happened last: each way of publishing one has a field of its own.
fn time(event: &Event) -> String {
    let series =
        event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.event_time.as_ref().map(|time| time.0);
    let made = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    series.or(last).or(first).or(made).map(|at| at.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(state: &str) -> Release {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        view(&Seen { release: Some(states[state].clone()), ..Seen::default() }, false).unwrap()
    }

    /// What the page's own tests take as what the server says: the same statuses that the operator writes.
    #[test]
    fn the_page_of_every_state_is_what_the_fixtures_of_the_front_end_say() {
        let pages: BTreeMap<&str, Release> =
            crate::release::fixtures().into_iter().map(|(state, _)| (state, page(state))).collect();
        let text = format!("{}\n", serde_json::to_string_pretty(&pages).unwrap());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/web/src/model/dashboard/releases.json");
        if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert!(text == known, "{path} is stale: UPDATE_GOLDENFILES=1 cargo test --lib web::dashboard");
    }

    #[test]
    fn an_app_shows_its_steps_and_what_it_waits_for() {
        let page = page("approval_steps");
        let shop = &page.apps[0];
        let steps: Vec<_> = shop.steps.iter().map(|step| (step.words.as_str(), step.state)).collect();
        assert_eq!(
            steps,
            [("20 %", StepState::Done), ("approval sales", StepState::Here), ("100 %", StepState::Ahead)]
        );
        assert_eq!((shop.weight, shop.waiting.as_str()), (20, "waits for the approval 'sales'"));
    }

    #[test]
    fn the_queues_of_both_colours_are_what_a_relay_that_is_there_has_counted() {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        let line = r#"{"relay": {"blue": {"queues": {"short": {"queued": 4}}, "lagMilliseconds": 2}, "green": {"queues": {}}}}"#;
        let counted = BTreeMap::from([("erp-r2-relay-1".to_owned(), RelayFigures::of_line(line).unwrap())]);
        let pod: Pod = serde_yaml::from_str("{metadata: {name: erp-r2-relay-1}}").unwrap();
        let release = Some(states["shifting"].clone());
        let jobs = |pods: Vec<Pod>| {
            let seen = Seen { release: release.clone(), pods, counted: counted.clone(), ..Seen::default() };
            let page = view(&seen, false).unwrap();
            (page.blue.unwrap().jobs, page.green.unwrap().jobs, page.queues.len())
        };
        assert_eq!(jobs(vec![pod]), (Some(4), Some(0), 1));
        assert_eq!(jobs(Vec::new()), (None, None, 0));
    }

    #[test]
    fn a_wall_has_no_buttons() {
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        let seen = Seen { release: Some(states["shifting"].clone()), ..Seen::default() };
        assert!(view(&seen, true).unwrap().offers.is_empty());
        assert!(view(&seen, false).unwrap().offers.iter().any(|offer| offer.command == "pause"));
    }

    #[test]
    fn only_its_own_events_are_shown_the_newest_first() {
        let event = |name: &str, kind: &str, about: &str, at: &str| -> Event {
            serde_yaml::from_str(&format!(
                "{{metadata: {{name: {name}}}, involvedObject: {{kind: {kind}, name: {about}}}, eventTime: '{at}', reason: R, message: m}}"
            ))
            .unwrap()
        };
        let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
        let seen = Seen {
            release: Some(states["shifting"].clone()),
            events: vec![
                event("a", "FrappeRelease", "erp", "2026-01-05T09:00:00.000000Z"),
                event("b", "Pod", "erp-r2-web-1", "2026-01-05T09:01:00.000000Z"),
                event("c", "Pod", "erp-redis-0", "2026-01-05T09:02:00.000000Z"),
                event("d", "FrappeRelease", "erp2", "2026-01-05T09:03:00.000000Z"),
            ],
            ..Seen::default()
        };
        let shown = view(&seen, false).unwrap().events;
        let shown: Vec<_> = shown.iter().map(|event| (event.id.as_str(), event.about.as_str())).collect();
        assert_eq!(shown, [("b", "Pod erp-r2-web-1"), ("a", "")]);
    }
}
