//! Whole releases with analyses and webhooks, played in the small world.

use serde_json::json;

use super::gate::{Reading, Value};
use super::tests::{annotate, golden, installed, upgrade};
use super::world::World;
use super::{Action, Event, JobStep, RecordState, told};
use crate::api::Phase;
use crate::api::names::{ANNOTATION_ABORT, ANNOTATION_RETRY};

const STEPS: &str = "[{weight: 10}, {analysis: errors}, {weight: 50}, {analysis: errors}, {weight: 100}]";
const ERRORS: &str =
    "{name: errors, prometheus: {address: 'http://p', query: 'errors{service=\"$(GREEN_SERVICE)\"}'},
    pass: {atMost: '1'}, fail: {atLeast: '5'}, count: 2, intervalSeconds: 10}";

/// A release with these steps, analyses and webhooks, at its beginning.
fn begun(steps: &str, background: &str, analyses: &str, webhooks: &str) -> World {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    let spec = &mut world.seen.release.spec;
    spec.traffic.apps[0].steps = serde_yaml::from_str(steps).unwrap();
    spec.traffic.analysis = serde_yaml::from_str(background).unwrap();
    spec.analysis = serde_yaml::from_str(analyses).unwrap();
    spec.webhooks = serde_yaml::from_str(webhooks).unwrap();
    world
}

fn numbers(values: &[f64]) -> Vec<Reading> {
    values.iter().map(|value| Reading::Value(Value::Number(*value))).collect()
}

#[test]
fn a_release_whose_analyses_pass_goes_through() {
    let mut world = begun(STEPS, "[]", &format!("[{ERRORS}]"), "[]");
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    golden("analysis_passes", &world);
}

#[test]
fn an_analysis_that_fails_at_50_percent_takes_the_release_back_and_says_why() {
    let mut world = begun(STEPS, "[]", &format!("[{ERRORS}]"), "[]");
    world.readings = numbers(&[0.5, 0.2, 7.5]).into();
    let end = world.settle();
    assert_eq!(end.phase, Phase::RolledBack, "{}", world.log.join("\n"));
    let message = &end.status.message;
    assert!(
        message.contains("analysis 'errors' at step 4 of '*' failed: 1 of 1 measurements failed: 7.5"),
        "{message}"
    );
    let shown = &end.status.analyses;
    let results: Vec<_> =
        shown.iter().map(|run| (run.place.as_str(), run.result.as_str(), run.measured)).collect();
    assert_eq!(results, [("step 2 of '*'", "Passed", 2), ("step 4 of '*'", "Failed", 1)]);
    golden("analysis_fails", &world);
}

#[test]
fn events_tell_each_bad_measurement_and_each_end_once() {
    let mut world = begun(STEPS, "[]", &format!("[{ERRORS}]"), "[]");
    world.readings = numbers(&[0.5, 0.2, 7.5]).into();
    let mut told = Vec::new();
    for _ in 0..80 {
        let events = world.turn().events;
        told.extend(
            events.into_iter().filter(|event| ["MeasurementFailed", "AnalysisEnded"].contains(&event.reason)),
        );
    }
    let told: Vec<&str> = told.iter().map(|event| event.note.as_str()).collect();
    assert_eq!(
        told,
        [
            "analysis 'errors' at step 2 of '*': Passed: 2 measurements, 0 failed, the last: 0.2",
            "analysis 'errors' at step 4 of '*': measurement 1 is Failed: 7.5",
            "analysis 'errors' at step 4 of '*': Failed: 1 of 1 measurements failed: 7.5",
        ]
    );
}

#[test]
fn an_inconclusive_analysis_holds_until_it_is_measured_again() {
    let mut world = begun(STEPS, "[]", &format!("[{ERRORS}]"), "[]");
    world.readings = numbers(&[3.0]).into();
    let halted = world.settle();
    assert_eq!(halted.phase, Phase::Shifting);
    assert!(
        halted.status.message.contains("is inconclusive: 1 of 1 measurements are neither"),
        "{}",
        halted.status.message
    );
    assert_eq!(halted.status.weight, Some(10));
    annotate(&mut world, ANNOTATION_RETRY, "again");
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn an_analysis_of_one_app_holds_that_app_alone() {
    let mut world = begun("[{weight: 100}]", "[]", &format!("[{ERRORS}]"), "[]");
    world.seen.release.spec.traffic.apps = serde_yaml::from_str(
        "[{name: shop, steps: [{weight: 20}, {approve: sales}, {analysis: errors}, {weight: 100}]},
          {name: '*', steps: [{weight: 50}, {pause: {seconds: 60}}, {weight: 100}]}]",
    )
    .unwrap();
    while world.turn().status.apps.iter().all(|app| app.weight < 50) {}
    annotate(&mut world, "step.crossfade.dev/sales", "2");
    world.readings = numbers(&[3.0]).into();
    let halted = world.settle();
    let weights: Vec<_> = halted.status.apps.iter().map(|app| (app.name.as_str(), app.weight)).collect();
    assert_eq!(weights, [("shop", 20), ("*", 100)], "{}", world.log.join("\n"));
    let inconclusive = "shop: 20 % on green, analysis 'errors' at step 3 of 'shop' is inconclusive";
    assert!(halted.status.message.starts_with(inconclusive), "{}", halted.status.message);
    let paused = "everything else: 50 % on green, pausing";
    let beside = |line: &String| line.contains(inconclusive) && line.contains(paused);
    assert!(world.log.iter().any(beside), "{}", world.log.join("\n"));
    annotate(&mut world, ANNOTATION_RETRY, "again");
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let errors = ERRORS.replace("count: 2", "count: 2, dryRun: true");
    let mut world = begun(STEPS, "[errors]", &format!("[{errors}]"), "[]");
    world.readings = numbers(&[9.0; 20]).into();
    let end = world.settle();
    assert_eq!(end.phase, Phase::Complete);
    assert!(
        end.status.analyses.iter().all(|run| run.result == "Failed" && run.dry_run),
        "{:?}",
        end.status.analyses
    );
}

#[test]
fn without_data_the_release_waits_and_says_since_when() {
    let mut world = begun(STEPS, "[]", &format!("[{ERRORS}]"), "[]");
    world.readings = vec![Reading::Nothing("no series".into()); 1000].into();
    for _ in 0..150 {
        world.turn();
    }
    let before = world.turn();
    let after = world.turn();
    assert_eq!((after.phase, after.status.weight), (Phase::Shifting, Some(10)));
    assert!(after.status.message.contains("no series"), "{}", after.status.message);
    assert!(after.status.waiting_since.as_ref().unwrap().0 <= before.status.waiting_since.unwrap().0);
    world.readings.clear();
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn what_runs_beside_the_shift_takes_it_back_in_the_middle_of_a_pause() {
    let steps = "[{weight: 10}, {pause: {seconds: 600}}, {weight: 100}]";
    let mut world = begun(steps, "[errors]", &format!("[{ERRORS}]"), "[]");
    world.readings = numbers(&[0.0, 0.0, 0.0, 9.0]).into();
    let end = world.settle();
    assert_eq!(end.phase, Phase::RolledBack, "{}", world.log.join("\n"));
    assert!(end.status.message.contains("at the whole shift failed: 1 of 4"), "{}", end.status.message);
    let weights: Vec<&String> = world.log.iter().filter(|line| line.contains("route r1 to r2")).collect();
    let green: Vec<_> = weights.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(green, ["0}", "10}", "0}"], "{weights:?}");
}

#[test]
fn what_runs_beside_begins_with_the_first_traffic_and_goes_on_while_a_human_is_waited_for() {
    let steps = "[{weight: 0}, {pause: {seconds: 30}}, {weight: 10}, {analysis: unclear}, {weight: 100}]";
    let unclear = ERRORS.replace("name: errors", "name: unclear");
    let mut world = begun(steps, "[errors]", &format!("[{ERRORS}, {unclear}]"), "[]");
    world.readings = numbers(&[0.0, 3.0, 0.0, 0.0, 0.0, 9.0]).into();
    let mut first = None;
    for _ in 0..150 {
        let decision = world.turn();
        if decision.actions.iter().any(|action| matches!(action, Action::Measure { .. })) {
            first = first.or(decision.status.weight);
        }
    }
    assert_eq!(first, Some(10));
    assert_eq!(world.settle().phase, Phase::RolledBack, "{}", world.log.join("\n"));
    assert!(world.log.iter().any(|line| line.contains("'unclear' at step 4 of '*' is inconclusive")));
}

#[test]
fn a_job_is_started_for_each_measurement_and_its_last_words_are_the_reason() {
    let smoke = "[{name: smoke, job: {command: [check, '$(GREEN_SERVICE)']}, count: 2, intervalSeconds: 5}]";
    let steps = "[{weight: 10}, {analysis: smoke}, {weight: 100}]";
    let mut world = begun(steps, "[]", smoke, "[]");
    world.readings =
        vec![Reading::Ended(Ok(())), Reading::Ended(Err("no orders (exit code 1)".into()))].into();
    let end = world.settle();
    assert_eq!(end.phase, Phase::RolledBack, "{}", world.log.join("\n"));
    assert!(
        end.status.message.contains("1 of 2 measurements failed: no orders (exit code 1)"),
        "{}",
        end.status.message
    );
}

#[test]
fn an_abort_in_the_middle_of_an_analysis_ends_its_jobs() {
    let smoke = "[{name: smoke, job: {}, count: 100, intervalSeconds: 5}]";
    let mut world = begun("[{weight: 10}, {analysis: smoke}, {weight: 100}]", "[]", smoke, "[]");
    world.are_measurements_stuck = true;
    for _ in 0..150 {
        if world.turn().actions.iter().any(|action| matches!(action, Action::AnalysisJob { .. })) {
            break;
        }
    }
    annotate(&mut world, ANNOTATION_ABORT, "2");
    assert_eq!(world.settle().phase, Phase::RolledBack);
    assert!(
        world.log.iter().any(|line| line.contains("delete analysis job run smoke 1")),
        "{}",
        world.log.join("\n")
    );
}

#[test]
fn the_comparison_of_values_beside_the_shift_does_not_outlive_it() {
    let values = "[{name: values, verify: {}, intervalSeconds: 5}]";
    let steps = "[{weight: 10}, {pause: {seconds: 60}}, {weight: 100}]";
    let mut world = begun(steps, "[values]", values, "[]");
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    let jobs =
        |world: &World| world.log.iter().filter(|line| line.contains("  analysis job run values")).count();
    assert!(jobs(&world) > 5, "{}", world.log.join("\n"));
    // The contract needs the site's lock, which a comparison holds.
    let mut world = begun(steps, "[values]", values, "[]");
    world.are_measurements_stuck = true;
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    let at = |what: &str| world.log.iter().position(|line| line.contains(what)).unwrap();
    assert!(at("delete analysis job run values 1") < at("job drain"), "{}", world.log.join("\n"));
    // A row that differs takes the release back, in its own words.
    let mut world = begun(steps, "[values]", values, "[]");
    world.readings = vec![Reading::Ended(Err("tabDeal: D1 differs (exit code 3)".into()))].into();
    let end = world.settle();
    assert_eq!(end.phase, Phase::RolledBack, "{}", world.log.join("\n"));
    assert!(end.status.message.contains("tabDeal: D1 differs"), "{}", end.status.message);
}

const ALL_POINTS: &str =
    "[{name: plan, at: ConfirmRollout, url: 'http://x'}, {name: pre, at: PreRollout, url: 'http://x'},
    {name: at, at: Rollout, url: 'http://x'}, {name: more, at: ConfirmTrafficIncrease, url: 'http://x'},
    {name: all, at: ConfirmPromotion, url: 'http://x'}, {name: done, at: PostRollout, url: 'http://x'},
    {name: back, at: Rollback, url: 'http://x'}, {name: last, at: BeforeContract, url: 'http://x'}]";

#[test]
fn every_point_is_told_once_and_in_order() {
    let mut world = begun("[{weight: 10}, {weight: 50}, {weight: 100}]", "[]", "[]", ALL_POINTS);
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    world.turn();
    let told: Vec<String> = world.told.iter().map(|(name, _, phase)| format!("{name} {phase}")).collect();
    assert_eq!(
        told,
        [
            "plan Planning",
            "pre Shifting",
            "more Shifting",
            "at Shifting",
            "more Shifting",
            "at Shifting",
            "more Shifting",
            "at Shifting",
            "all Shifting",
            "last Contracting",
            "done Complete",
        ]
    );
    golden("webhooks", &world);
}

#[test]
fn each_confirmation_holds_the_release_where_it_is_and_lets_go() {
    for (name, phase, weight) in [
        ("plan", Phase::Planning, 0),
        ("more", Phase::Shifting, 0),
        ("all", Phase::Shifting, 100),
        ("last", Phase::Contracting, 100),
    ] {
        let mut world = begun("[{weight: 10}, {weight: 100}]", "[]", "[]", ALL_POINTS);
        world.refusing = vec![name.to_owned()];
        for _ in 0..150 {
            world.turn();
        }
        let held = world.turn();
        assert_eq!((held.phase, held.status.weight), (phase, Some(weight)), "{name}");
        assert!(held.status.message.contains(&format!("webhook '{name}'")), "{}", held.status.message);
        let shown = held.status.webhooks.iter().find(|hook| hook.name == name).unwrap();
        assert_eq!((shown.state.as_str(), shown.answer.as_str()), ("Holding", "403: closed"));
        assert!(shown.calls > 10, "{shown:?}");
        world.refusing.clear();
        assert_eq!(world.settle().phase, Phase::Complete, "{name}");
    }
}

#[test]
fn a_hook_before_or_at_a_weight_that_fails_takes_the_release_back() {
    for (name, most) in [("pre", 0), ("at", 10)] {
        let mut world = begun("[{weight: 10}, {weight: 100}]", "[]", "[]", ALL_POINTS);
        world.refusing = vec![name.to_owned(), "back".to_owned()];
        let end = world.settle();
        assert_eq!(end.phase, Phase::RolledBack, "{}", world.log.join("\n"));
        assert!(end.status.message.contains(&format!("webhook '{name}'")), "{}", end.status.message);
        let mut weights = world.log.iter().filter(|line| line.contains("route r1 to r2"));
        let is_over = |line: &String| ![0, most].iter().any(|weight| line.ends_with(&format!(" {weight}}}")));
        assert!(weights.next().is_some() && !weights.any(is_over), "{}", world.log.join("\n"));
        // The way back does not wait for the one that refuses, and tells it until it is given up.
        for _ in 0..30 {
            world.turn();
        }
        assert_eq!(world.told.iter().filter(|told| told.0 == "back").count(), 4, "{:?}", world.told);
    }
}

#[test]
fn a_webhook_that_came_later_is_not_told_of_what_is_over() {
    let mut world = begun("[{weight: 100}]", "[]", "[]", "[]");
    assert_eq!(world.settle().phase, Phase::Complete);
    world.seen.release.spec.webhooks = serde_yaml::from_str(ALL_POINTS).unwrap();
    world.turn();
    assert!(world.told.is_empty(), "{:?}", world.told);
}

#[test]
fn a_paused_release_measures_and_calls_nothing() {
    let mut world = begun(STEPS, "[errors]", &format!("[{ERRORS}]"), ALL_POINTS);
    for _ in 0..45 {
        world.turn();
    }
    world.seen.release.spec.paused = true;
    for _ in 0..20 {
        let asked = world.turn().actions;
        assert!(asked.is_empty(), "{asked:?}");
    }
    world.seen.release.spec.paused = false;
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn a_green_that_loses_pods_is_mended_while_a_hook_at_a_weight_is_called() {
    let mut world = begun("[{weight: 10}, {weight: 100}]", "[]", "[]", ALL_POINTS);
    world.refusing = vec!["at".to_owned()];
    while world
        .seen
        .revisions
        .get(&2)
        .is_none_or(|green| !green.record.entered.contains_key(&Phase::Shifting))
    {
        world.turn();
    }
    annotate(&mut world, ANNOTATION_ABORT, "2");
    assert_eq!(world.settle().phase, Phase::RolledBack);
    assert!(matches!(world.seen.revisions[&2].record.state, RecordState::RolledBack { .. }));
    assert!(world.seen.revisions[&2].jobs.iter().all(|job| job.step != JobStep::Contract));
}

#[test]
fn the_history_outlives_the_revisions() {
    let mut world = installed();
    annotate(&mut world, "kubernetes.io/change-cause", "the spring version");
    upgrade(&mut world, "erp:v2");
    assert_eq!(world.settle().phase, Phase::Complete);
    upgrade(&mut world, "erp:v3");
    for _ in 0..20 {
        world.turn();
    }
    annotate(&mut world, ANNOTATION_ABORT, "3");
    assert_eq!(world.settle().phase, Phase::RolledBack);
    world.turn();
    let history: Vec<_> = world
        .seen
        .history
        .iter()
        .map(|entry| format!("{} {} {} {}", entry.revision, entry.image, entry.outcome, entry.reason))
        .collect();
    assert_eq!(history, ["1 erp:v1 Replaced ", "2 erp:v2 Active ", "3 erp:v3 RolledBack aborted by hand"]);
    let last = &world.seen.history[2];
    assert!(last.began < last.ended && last.plan.as_deref() == Some("h1"), "{last:?}");
    assert_eq!(world.seen.history[1].cause.as_deref(), Some("the spring version"));
}

#[test]
fn people_are_told_in_a_sentence_that_is_no_markup() {
    let hooks = "[{name: a, at: Event, url: 'http://a', metadata: {team: sales}},
        {name: b, at: Event, urlSecret: {name: chat, key: url}, format: Slack, metadata: {team: 'a<b'}}]";
    let mut world = begun("[{weight: 100}]", "[]", "[]", hooks);
    let decision = world.turn();
    let event = Event { reason: "Aborted", note: "<!channel> & more".to_owned(), is_warning: true };
    let bodies: Vec<_> =
        told(&world.seen, &decision, &event, world.now).into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies[0]["metadata"]["eventMessage"], "<!channel> & more");
    assert_eq!(bodies[0]["metadata"]["team"], "sales");
    let text = ":warning: *erp/erp* Aborted: &lt;!channel&gt; &amp; more team=a&lt;b";
    assert_eq!(bodies[1], json!({"text": text}));
}

#[test]
fn a_failure_before_any_traffic_moved_is_told_once_to_who_asked_for_events() {
    for (step, phase) in [
        (JobStep::Plan, "Planning"),
        (JobStep::Isolate, "Isolating"),
        (JobStep::Expand, "Expanding"),
        (JobStep::Migrate, "Migrating"),
    ] {
        let mut world = begun("[{weight: 100}]", "[]", "[]", "[{name: chat, at: Event, url: 'http://chat'}]");
        world.broken = vec![step];
        let mut warnings = Vec::new();
        for _ in 0..60 {
            let decision = world.turn();
            assert!(decision.status.weight.is_none_or(|weight| weight == 0 || decision.phase.is_settled()));
            for event in decision.events.iter().filter(|event| event.is_warning) {
                warnings.extend(told(&world.seen, &decision, event, world.now));
            }
        }
        let bodies: Vec<_> = warnings.iter().map(|(hook, body)| (hook.name.as_str(), body)).collect();
        let [("chat", body)] = bodies.as_slice() else { panic!("{phase}: {bodies:?}") };
        assert_eq!((&body["phase"], &body["metadata"]["eventReason"]), (&json!(phase), &json!("Stalled")));
        let words = body["metadata"]["eventMessage"].as_str().unwrap();
        assert!(words.starts_with("JobFailed: ") && words.contains("it broke"), "{words}");
    }
}

#[test]
fn a_template_that_cannot_be_used_is_refused_before_anything_is_done() {
    let hooks = "[{name: chat, at: Event, urlSecret: {name: chat, key: url}, format: Slack,
        template: '{{ metadata.eventMesage }}'}]";
    let mut world = begun("[{weight: 100}]", "[]", "[]", hooks);
    let decision = world.settle();
    assert_eq!(decision.phase, Phase::Planning);
    assert_eq!(
        decision.status.message,
        "the template of webhook 'chat' in spec.webhooks cannot be used: line 1: nothing is called metadata.eventMesage; there are checksum, \
         name, namespace, phase, point, revision, text, metadata.eventMessage, metadata.eventReason, metadata.eventType, metadata.timestamp"
    );
    // Who waits for the text is told all the same, and why it is not the one that was asked for.
    let event = Event { reason: "Aborted", note: "<!channel>".to_owned(), is_warning: true };
    let bodies = told(&world.seen, &decision, &event, world.now);
    assert_eq!(bodies[0].1["text"], ":warning: *erp/erp* Aborted: &lt;!channel&gt;");
    assert!(bodies[0].1["templateError"].as_str().unwrap().contains("eventMesage"));
}

#[test]
fn a_template_says_it_in_its_own_words() {
    let hooks = "[{name: a, at: Event, urlSecret: {name: chat, key: url}, format: Slack,
          template: '{{ name }}: {{ metadata.eventMessage }}'},
        {name: b, at: Event, url: 'http://b', format: Template, template: '{\"summary\": {{ text }}}'}]";
    let mut world = begun("[{weight: 100}]", "[]", "[]", hooks);
    let decision = world.turn();
    let event = Event { reason: "Aborted", note: "<!channel>".to_owned(), is_warning: true };
    let bodies: Vec<_> =
        told(&world.seen, &decision, &event, world.now).into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies[0], json!({"text": "erp: &lt;!channel&gt;"}));
    assert_eq!(bodies[1], json!({"summary": ":warning: *erp/erp* Aborted: <!channel>"}));
}
