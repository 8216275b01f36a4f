//! A bench of another tool is named, handed over, and handed back, in the small world.

use jiff::ToSpan as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::phase::SETTLE_SECONDS;
use super::tests::{annotate, golden, upgrade};
use super::world::{World, release};
use super::{Action, RecordState, Running, Split};
use crate::api::names::ANNOTATION_ABORT;
use crate::api::{FrappeRelease, Phase};
use crate::plan::Verdict;

fn named(image: &str) -> FrappeRelease {
    let adopted =
        "{entry: {deployment: nginx, port: 8080}, web: [gunicorn], workers: [long], scheduler: clock}";
    let mut named = release(image);
    named.spec.adopted = Some(serde_yaml::from_str(adopted).unwrap());
    named
}

/// A bench that another tool runs, and a release that names it.
fn adopted() -> World {
    let mut world = World::new("erp:v1");
    world.verdict = Verdict::Neutral;
    world.seen.release = named("erp:v1");
    assert_eq!(world.settle().phase, Phase::Complete);
    world
}

/// The same bench, run by Crossfade.
fn handed_over() -> World {
    let mut world = adopted();
    world.log.clear();
    upgrade(&mut world, "erp:v1");
    assert_eq!(world.settle().phase, Phase::Complete);
    world
}

fn hand_back(world: &mut World) {
    let status = world.seen.release.status.take();
    world.seen.release = named("erp:v1");
    world.seen.release.status = status;
}

#[test]
fn a_bench_that_is_named_is_led_to_and_left_alone() {
    let world = adopted();
    assert!(!world.log.iter().any(|line| line.contains("run r1: nothing")));
    golden("adopted", &world);
}

#[test]
fn a_bench_is_handed_over_without_a_schema_of_views() {
    let world = handed_over();
    golden("handed_over", &world);
}

/// Both colours share the tables as they are.
#[test]
fn a_bench_that_changes_hands_has_no_values_to_compare() {
    let mut world = adopted();
    world.log.clear();
    upgrade(&mut world, "erp:v1");
    let spec = &mut world.seen.release.spec;
    spec.analysis = serde_yaml::from_str("[{name: values, verify: {}, intervalSeconds: 1}]").unwrap();
    spec.traffic.analysis = vec!["values".to_owned()];
    spec.traffic.apps[0].steps =
        serde_yaml::from_str("[{weight: 10}, {analysis: values}, {pause: {seconds: 9}}, {weight: 100}]")
            .unwrap();
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    assert!(!world.log.iter().any(|line| line.contains("analysis")), "{}", world.log.join("\n"));
}

#[test]
fn a_bench_is_handed_back() {
    let mut world = handed_over();
    world.log.clear();
    hand_back(&mut world);
    assert_eq!(world.settle().phase, Phase::Complete);
    assert_eq!(world.seen.revisions.keys().copied().collect::<Vec<_>>(), [3]);
    golden("handed_back", &world);
}

#[test]
fn a_bench_that_was_handed_over_is_released_like_any_other() {
    let mut world = handed_over();
    world.verdict = Verdict::Additive;
    upgrade(&mut world, "erp:v2");
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn an_abort_at_any_moment_leaves_the_bench_where_it_was() {
    for (begin, blue, green) in [(adopted as fn() -> World, 1, 2), (handed_over, 2, 3)] {
        for turns in 1..40 {
            let mut world = begin();
            if blue == 1 {
                upgrade(&mut world, "erp:v1");
            } else {
                hand_back(&mut world);
            }
            for _ in 0..turns {
                world.turn();
            }
            let state = &world.seen.revisions.get(&green).unwrap().record.state;
            if *state == RecordState::Active {
                continue;
            }
            annotate(&mut world, ANNOTATION_ABORT, &green.to_string());
            let end = world.settle();
            assert_eq!(end.phase, Phase::RolledBack, "after {turns} turns:\n{}", world.log.join("\n"));
            assert_eq!(world.seen.route.as_ref().unwrap().split, Some(Split::only(blue)));
            let blue = &world.seen.revisions[&blue];
            for (component, pods) in super::components(blue, Running::ALL) {
                assert!(pods > 0 && blue.workloads[&component].desired == pods, "{component}");
            }
        }
    }
}

#[test]
fn a_bench_changes_hands_only_at_the_version_that_it_runs() {
    let mut world = adopted();
    upgrade(&mut world, "erp:v2");
    let end = world.settle();
    let stalled = end.status.conditions.iter().find(|c| c.type_ == "Stalled").unwrap();
    assert_eq!((end.phase, stalled.reason.as_str()), (Phase::Planning, "InvalidSpec"));
    assert!(end.status.message.contains("erp:v2 is another version than erp:v1"), "{}", end.status.message);
    let mut world = adopted();
    world.verdict = Verdict::Additive;
    upgrade(&mut world, "erp:v1");
    let end = world.settle();
    assert!(end.status.message.contains("not migrated"), "{}", end.status.message);
}

#[test]
fn a_route_that_would_win_is_waited_for() {
    let mut named_first = World::new("erp:v1");
    named_first.seen.release = named("erp:v1");
    let mut handed_over_next = adopted();
    upgrade(&mut handed_over_next, "erp:v1");
    for mut world in [named_first, handed_over_next] {
        world.verdict = Verdict::Neutral;
        world.seen.rival_routes = vec!["chart".to_owned()];
        let (mut bridged, mut told) = (None, None);
        for _ in 0..60 {
            let turn = world.turn();
            if world.seen.bridge.is_some() {
                bridged.get_or_insert(world.now);
            }
            if turn.status.message.contains("'chart'") {
                told.get_or_insert(world.now);
            }
        }
        let last = world.turn();
        assert_eq!(last.phase, Phase::Shifting);
        assert!(last.status.message.contains("'chart'"), "{}", last.status.message);
        // Nobody is told to delete the other one before every proxy knows both.
        let seconds = told.unwrap().duration_since(bridged.unwrap()).as_secs();
        assert!(seconds >= SETTLE_SECONDS, "{seconds}");
        // Who adds a route to the others is told again, when every proxy knows that one too.
        world.seen.bridge.as_mut().unwrap().is_whole = false;
        assert!(!world.turn().status.message.contains("'chart'"));
        assert!(world.seen.bridge.unwrap().is_whole);
        // Ours is there, and leads to the other tool's Pods.
        assert_eq!(world.seen.route.as_ref().unwrap().weight(1, "*"), 100);
        world.seen.rival_routes.clear();
        let gone = world.now;
        while world.seen.bridge.is_some() {
            world.turn();
        }
        // It stays until no proxy leads to the other one any more.
        assert!(world.now.duration_since(gone).as_secs() >= SETTLE_SECONDS);
        assert_eq!(world.settle().phase, Phase::Complete);
    }
}

#[test]
fn a_named_bench_is_left_with_its_services_until_every_proxy_knows_that_the_route_is_gone() {
    let mut world = adopted();
    world.seen.release.metadata.deletion_timestamp = Some(Time(world.now));
    let turn = |world: &mut World| {
        let decision = world.turn();
        (decision.is_finalized, decision.actions.contains(&Action::NoRoute), world.seen.route.is_some())
    };
    assert_eq!(turn(&mut world), (false, true, false));
    let gone = world.now;
    // What is counted from is written down.
    assert_eq!(turn(&mut world), (false, false, false));
    world.now = gone + 2.seconds();
    assert_eq!(turn(&mut world), (false, false, false));
    assert_eq!(turn(&mut world), (true, false, false));
    // To another tool's route it goes when every proxy knows that one.
    let mut world = adopted();
    world.seen.rival_routes = vec!["chart".to_owned()];
    world.seen.release.metadata.deletion_timestamp = Some(Time(world.now));
    assert_eq!(turn(&mut world), (false, false, true));
    world.now = world.seen.bridge.unwrap().since + 2.seconds();
    assert_eq!(turn(&mut world), (false, false, true));
    world.now += 1.seconds();
    assert_eq!(turn(&mut world), (false, true, false));
    // Pods of Crossfade's own go with it: there is nothing to wait for.
    let mut world = handed_over();
    world.seen.release.metadata.deletion_timestamp = Some(Time(world.now));
    assert!(world.turn().is_finalized);
}

#[test]
fn a_deployment_that_is_not_there_is_named() {
    let mut world = World::new("erp:v1");
    world.seen.release = named("erp:v1");
    world.turn();
    world.seen.revisions.get_mut(&1).unwrap().workloads.remove("worker-long");
    let end = world.settle();
    assert!(end.status.message.ends_with("not there: long"), "{}", end.status.message);
}
