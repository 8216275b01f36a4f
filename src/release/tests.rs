//! Whole releases, played in a small world: what is asked for, in order, is held by golden files.

use super::world::{World, release};
use super::{Action, JobState, JobStep, Placement, RecordState, Split, decide};
use crate::api::Phase;
use crate::api::names::{ANNOTATION_ABORT, ANNOTATION_APPROVE_WINDOW, ANNOTATION_RETRY};
use crate::api::site::Site;
use crate::plan::Verdict;

pub(super) fn installed() -> World {
    let mut world = World::new("erp:v1");
    assert_eq!(world.settle().phase, Phase::Complete);
    world.log.clear();
    world
}

pub(super) fn upgrade(world: &mut World, image: &str) {
    let status = world.seen.release.status.take();
    let annotations = world.seen.release.metadata.annotations.take();
    world.seen.release = release(image);
    world.seen.release.status = status;
    world.seen.release.metadata.annotations = annotations;
}

pub(super) fn annotate(world: &mut World, name: &str, value: &str) {
    let annotations = world.seen.release.metadata.annotations.get_or_insert_default();
    annotations.insert(name.to_owned(), value.to_owned());
}

/// Compares with `testscripts/<name>`; `UPDATE_GOLDENFILES=1` writes it.
pub(super) fn golden(name: &str, world: &World) {
    let path = format!("{}/src/release/testscripts/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = world.log.join("\n") + "\n";
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{path} differs; this is what happened:\n{text}");
}

#[test]
fn the_first_revision_is_installed_without_touching_the_database() {
    let mut world = World::new("erp:v1");
    let end = world.settle();
    assert_eq!(end.phase, Phase::Complete);
    golden("first_revision", &world);
}

#[test]
fn a_release_goes_through_every_phase() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    let end = world.settle();
    assert_eq!(end.phase, Phase::Complete);
    assert_eq!(world.seen.revisions.keys().copied().collect::<Vec<_>>(), [2], "{}", world.log.join("\n"));
    golden("release", &world);
}

#[test]
fn a_step_works_on_as_many_sites_at_once_as_the_spec_says_and_one_that_fails_holds_the_release() {
    let names = ["erp.example.com", "a.example.com", "b.example.com", "c.example.com", "d.example.com"];
    let several = |world: &mut World| {
        let one = world.seen.release.spec.sites[0].clone();
        let facts = world.seen.sites["erp.example.com"].clone();
        world.seen.release.spec.database.parallel_sites = 2;
        world.seen.release.spec.sites =
            names.map(|name| Site { name: name.to_owned(), ..one.clone() }).to_vec();
        world.seen.sites = names.map(|name| (name.to_owned(), facts.clone())).into();
    };
    let mut world = World::new("erp:v1");
    several(&mut world);
    assert_eq!(world.settle().phase, Phase::Complete);
    upgrade(&mut world, "erp:v2");
    several(&mut world);
    world.broken = vec![JobStep::Expand];
    let mut most = 0;
    for _ in 0..60 {
        world.turn();
        let jobs = &world.seen.revisions[&2].jobs;
        most = most.max(jobs.iter().filter(|job| job.state == JobState::Running).count());
    }
    assert_eq!((most, world.turn().phase), (2, Phase::Expanding));
    let green = &world.seen.revisions[&2];
    assert_eq!(green.jobs.iter().filter(|job| job.step == JobStep::Expand).count(), names.len());
    assert!(green.workloads.is_empty());
    world.broken.clear();
    annotate(&mut world, ANNOTATION_RETRY, "mended");
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn roles_turn_with_the_next_release() {
    let mut world = installed();
    for image in ["erp:v2", "erp:v3", "erp:v4"] {
        upgrade(&mut world, image);
        assert_eq!(world.settle().phase, Phase::Complete);
    }
    assert_eq!(world.seen.revisions.keys().copied().collect::<Vec<_>>(), [4]);
}

#[test]
fn a_lost_status_changes_nothing() {
    let (mut with, mut without) = (installed(), installed());
    upgrade(&mut with, "erp:v2");
    upgrade(&mut without, "erp:v2");
    for _ in 0..60 {
        without.seen.release.status = None;
        let (a, b) = (with.turn(), without.turn());
        assert_eq!((a.phase, a.actions), (b.phase, b.actions));
    }
}

#[test]
fn an_abort_at_any_moment_brings_blue_back() {
    for turns in 1..60 {
        let mut world = installed();
        upgrade(&mut world, "erp:v2");
        for _ in 0..turns {
            world.turn();
        }
        let is_late = world.seen.revisions.get(&2).is_none_or(|green| {
            green.record.state == RecordState::Active
                || green.jobs.iter().any(|job| job.step == JobStep::Contract)
                || green.record.entered.contains_key(&Phase::Complete)
        });
        annotate(&mut world, ANNOTATION_ABORT, "2");
        let end = world.settle();
        if is_late {
            assert_eq!(end.phase, Phase::Complete, "after {turns} turns");
            assert_eq!(world.seen.release.spec.image, "erp:v2");
            continue;
        }
        assert_eq!(end.phase, Phase::RolledBack, "after {turns} turns:\n{}", world.log.join("\n"));
        let route = world.seen.route.as_ref().unwrap();
        assert_eq!(route.split, Some(Split::only(1)));
        assert!(world.seen.revisions[&2].workloads.is_empty());
        assert_eq!(world.seen.revisions[&1].record.state, RecordState::Active);
    }
}

#[test]
fn the_old_image_again_in_the_middle_is_an_abort() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    for _ in 0..25 {
        world.turn();
    }
    upgrade(&mut world, "erp:v1");
    assert_eq!(world.settle().phase, Phase::Complete, "{}", world.log.join("\n"));
    assert_eq!(world.seen.revisions[&1].record.state, RecordState::Active);
    assert!(matches!(world.seen.revisions[&2].record.state, RecordState::RolledBack { .. }));
    golden("old_image_again", &world);
}

#[test]
fn green_that_never_becomes_ready_is_taken_back() {
    let mut world = installed();
    world.is_green_healthy = false;
    upgrade(&mut world, "erp:v2");
    assert_eq!(world.settle().phase, Phase::RolledBack, "{}", world.log.join("\n"));
}

#[test]
fn a_failed_job_halts_and_goes_on_after_a_retry() {
    let mut world = installed();
    world.broken = vec![JobStep::Expand];
    upgrade(&mut world, "erp:v2");
    let halted = world.settle();
    assert_eq!(halted.phase, Phase::Expanding);
    assert!(halted.status.message.contains("it broke"), "{}", halted.status.message);
    world.broken.clear();
    annotate(&mut world, ANNOTATION_RETRY, "1");
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn a_drain_that_failed_is_tried_again_after_its_deadline_too() {
    let mut world = installed();
    world.broken = vec![JobStep::Drain];
    upgrade(&mut world, "erp:v2");
    assert_eq!(world.settle().phase, Phase::Draining);
    world.now = world.now.saturating_add(jiff::SignedDuration::from_hours(100)).unwrap();
    world.broken.clear();
    annotate(&mut world, ANNOTATION_RETRY, "1");
    // That it takes too long is still said, while the Job runs.
    let is_over = (0..30).any(|_| world.turn().phase == Phase::Complete);
    assert!(is_over, "{}", world.log.join("\n"));
}

#[test]
fn a_plan_that_cannot_be_served_touches_nothing() {
    let mut world = installed();
    world.verdict = Verdict::Blocking;
    upgrade(&mut world, "erp:v2");
    let halted = world.settle();
    assert_eq!(halted.phase, Phase::Planning);
    assert!(world.seen.revisions[&2].jobs.iter().all(|job| job.step == JobStep::Plan));
}

#[test]
fn a_blocking_plan_runs_in_a_window_that_is_accepted_for_exactly_it() {
    let mut world = installed();
    world.verdict = Verdict::Blocking;
    upgrade(&mut world, "erp:v2");
    annotate(&mut world, ANNOTATION_APPROVE_WINDOW, "another plan");
    assert_eq!(world.settle().phase, Phase::Planning);
    annotate(&mut world, ANNOTATION_APPROVE_WINDOW, "h1");
    assert_eq!(world.settle().phase, Phase::Complete);
    golden("maintenance_window", &world);
}

#[test]
fn a_window_can_be_left_until_migrate_begins_and_not_after() {
    for turns in 0..60 {
        let mut world = installed();
        world.verdict = Verdict::Blocking;
        upgrade(&mut world, "erp:v2");
        annotate(&mut world, ANNOTATION_APPROVE_WINDOW, "h1");
        for _ in 0..turns {
            world.turn();
        }
        let is_final = world.seen.revisions.get(&2).is_some_and(|green| {
            green.jobs.iter().any(|job| job.step == JobStep::Migrate)
                || green.record.state == RecordState::Active
        });
        annotate(&mut world, ANNOTATION_ABORT, "2");
        let end = world.settle();
        let expected = if is_final { Phase::Complete } else { Phase::RolledBack };
        assert_eq!(end.phase, expected, "after {turns} turns:\n{}", world.log.join("\n"));
        let serving = if is_final { 2 } else { 1 };
        let config = world.seen.revisions[&serving].config.clone().map(|(placement, _)| placement);
        assert_eq!(config, Some(Placement::Tables), "after {turns} turns:\n{}", world.log.join("\n"));
    }
}

#[test]
fn a_green_that_does_not_come_up_after_a_window_waits_for_a_human() {
    let mut world = installed();
    world.verdict = Verdict::Blocking;
    world.is_green_healthy = false;
    upgrade(&mut world, "erp:v2");
    annotate(&mut world, ANNOTATION_APPROVE_WINDOW, "h1");
    let halted = world.settle();
    assert_eq!(halted.phase, Phase::StartingGreen);
    assert!(halted.status.message.contains("no way back"), "{}", halted.status.message);
    world.is_green_healthy = true;
    world.turn();
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn a_relay_that_cannot_work_takes_the_release_back_before_green_has_written() {
    let mut world = installed();
    world.is_relay_healthy = false;
    upgrade(&mut world, "erp:v2");
    let end = world.settle();
    assert_eq!(end.phase, Phase::RolledBack);
    assert!(end.status.message.contains("MONITOR"), "{}", end.status.message);
    let green = &world.seen.revisions[&2];
    assert!(green.relay.is_none() && green.jobs.iter().all(|job| job.step != JobStep::Migrate));
}

#[test]
fn every_other_verdict_is_served() {
    for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Blocking) {
        let mut world = installed();
        world.verdict = verdict;
        upgrade(&mut world, "erp:v2");
        assert_eq!(world.settle().phase, Phase::Complete, "{}", verdict.name());
    }
}

#[test]
fn an_approval_holds_until_the_hash_is_said() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    world.seen.release.spec.approvals.plan = Some(crate::api::gate::Approval::default());
    let halted = world.settle();
    assert_eq!(halted.phase, Phase::Planning);
    assert!(halted.status.message.contains("h1"));
    annotate(&mut world, crate::api::names::ANNOTATION_APPROVE_PLAN, "wrong");
    assert_eq!(world.settle().phase, Phase::Planning);
    annotate(&mut world, crate::api::names::ANNOTATION_APPROVE_PLAN, "h1");
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn a_paused_release_does_nothing_wherever_it_is() {
    for turns in [0, 5, 15, 25, 35] {
        let mut world = installed();
        upgrade(&mut world, "erp:v2");
        for _ in 0..turns {
            world.turn();
        }
        world.seen.release.spec.paused = true;
        let mut asked = 0;
        for _ in 0..10 {
            asked += world.turn().actions.len();
        }
        // Entering a phase is only written down; nothing that serves or stores is touched.
        assert!(asked <= 1, "{asked} actions while paused after {turns} turns");
        world.seen.release.spec.paused = false;
        assert_eq!(world.settle().phase, Phase::Complete);
    }
}

#[test]
fn a_pause_stops_a_fill_at_once_and_it_goes_on_afterwards() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    let is_expand = |action: &Action| matches!(action, Action::Job { step: JobStep::Expand, .. });
    while !world.turn().actions.iter().any(is_expand) {}
    world.seen.release.spec.paused = true;
    let stopped = decide(&world.seen, world.now).actions;
    assert!(matches!(stopped.as_slice(), [Action::DeleteJob { step: JobStep::Expand, .. }]), "{stopped:?}");
    let all: Vec<Action> = (0..10).flat_map(|_| world.turn().actions).collect();
    assert!(!all.iter().any(is_expand), "{all:?}");
    world.seen.release.spec.paused = false;
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn a_blue_that_crashes_does_not_hold_the_way_back() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    for _ in 0..25 {
        world.turn();
    }
    world.is_blue_healthy = false;
    annotate(&mut world, ANNOTATION_ABORT, "2");
    assert_eq!(world.settle().phase, Phase::RolledBack, "{}", world.log.join("\n"));
}

#[test]
fn weights_and_halts_are_told_once() {
    let mut world = installed();
    world.broken = vec![JobStep::Contract];
    upgrade(&mut world, "erp:v2");
    let mut told = Vec::new();
    for _ in 0..60 {
        told.extend(world.turn().events.into_iter().filter(|event| event.reason != "PhaseChanged"));
    }
    let told: Vec<(&str, &str)> = told.iter().map(|event| (event.reason, event.note.as_str())).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], ("WeightChanged", "revision 2: 0 % -> 10 % of the traffic"));
    assert_eq!(told[1], ("WeightChanged", "revision 2: 10 % -> 100 % of the traffic"));
    assert_eq!(told[2].0, "Stalled");
    assert!(
        told[2].1.starts_with("JobFailed: contract of erp-r2 failed: erp.example.com: it broke"),
        "{told:?}"
    );
}

/// The steps of a release, by what it moves and how.
fn with_apps(world: &mut World, apps: &str) {
    world.seen.release.spec.traffic.apps = serde_yaml::from_str(apps).unwrap();
}

fn weights(world: &World) -> Vec<(String, u8)> {
    let split = world.seen.route.as_ref().unwrap().split.clone().unwrap();
    split.apps.into_iter().collect()
}

fn at(pairs: [(&str, u8); 3]) -> Vec<(String, u8)> {
    pairs.into_iter().map(|(app, weight)| (app.to_owned(), weight)).collect()
}

const APPS: &str = "
- {name: shop, steps: [{weight: 20}, {approve: sales}, {weight: 100}]}
- {name: crm, steps: [{weight: 50}, {pause: {seconds: 30}}, {weight: 100}]}
- {name: '*', steps: [{weight: 10}, {pause: {}}, {weight: 100}]}";

#[test]
fn apps_move_in_order_and_one_that_is_held_does_not_hold_the_others() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    with_apps(&mut world, APPS);
    let halted = world.settle();
    assert_eq!(halted.phase, Phase::Shifting, "{}", world.log.join("\n"));
    assert_eq!(weights(&world), at([("*", 10), ("crm", 100), ("shop", 20)]));
    let asked = "run `kubectl crossfade approve erp sales`";
    assert!(halted.status.message.contains(asked), "{}", halted.status.message);
    let waiting: Vec<_> = halted.status.apps.iter().map(|app| app.waiting.as_str()).collect();
    assert_eq!(waiting, ["waits for the approval 'sales'", "", "pauses until it is promoted"]);
    assert_eq!(halted.status.weight, Some(10), "the least of all");
    // What was said for another revision or another step counts for nothing.
    annotate(&mut world, "step.crossfade.dev/sales", "1");
    annotate(&mut world, "promote.crossfade.dev/everything-else", "2/1");
    assert_eq!(world.settle().status.message, halted.status.message);
    annotate(&mut world, "step.crossfade.dev/sales", "2");
    let halted = world.settle();
    assert_eq!(weights(&world), at([("*", 10), ("crm", 100), ("shop", 100)]));
    assert!(
        halted.status.message.contains("run `kubectl crossfade promote erp`"),
        "{}",
        halted.status.message
    );
    annotate(&mut world, "promote.crossfade.dev/everything-else", "2/2");
    assert_eq!(world.settle().phase, Phase::Complete);
    golden("apps", &world);
}

#[test]
fn an_approval_of_a_step_can_be_a_commit() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    with_apps(&mut world, "[{name: '*', steps: [{weight: 20}, {approve: sales}, {weight: 100}]}]");
    assert_eq!(world.settle().phase, Phase::Shifting);
    world.seen.release.spec.approvals.steps = serde_yaml::from_str("[{name: sales, approved: '2'}]").unwrap();
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn a_full_promotion_passes_pauses_and_no_approval() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    with_apps(&mut world, APPS);
    for app in ["shop", "crm", "everything-else"] {
        annotate(&mut world, &format!("promote.crossfade.dev/{app}"), "2/full");
    }
    assert_eq!(world.settle().phase, Phase::Shifting);
    assert_eq!(weights(&world), at([("*", 100), ("crm", 100), ("shop", 20)]));
    annotate(&mut world, "step.crossfade.dev/sales", "2");
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn steps_that_are_edited_on_the_way_take_no_traffic_back() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    with_apps(&mut world, APPS);
    world.settle();
    with_apps(&mut world, &APPS.replace("weight: 20", "weight: 5"));
    world.settle();
    assert_eq!(weights(&world), at([("*", 10), ("crm", 100), ("shop", 20)]));
}

#[test]
fn an_app_that_neither_version_has_is_refused_before_anything_is_touched() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    with_apps(&mut world, "[{name: shoop, steps: [{weight: 100}]}, {name: '*', steps: [{weight: 100}]}]");
    let halted = world.settle();
    assert_eq!(halted.phase, Phase::Planning);
    assert!(
        halted.status.message.contains("names 'shoop', which neither version has"),
        "{}",
        halted.status.message
    );
}

#[test]
fn a_route_that_somebody_changed_is_written_again_at_any_time() {
    let mut world = installed();
    world.seen.route.as_mut().unwrap().is_whole = false;
    assert!(matches!(world.turn().actions.as_slice(), [super::Action::Route { .. }]));
    upgrade(&mut world, "erp:v2");
    with_apps(&mut world, APPS);
    world.settle();
    world.seen.route.as_mut().unwrap().is_whole = false;
    assert!(matches!(world.turn().actions.as_slice(), [super::Action::Route { .. }]));
}

#[test]
fn a_held_shift_is_taken_back_as_a_whole() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    with_apps(&mut world, APPS);
    world.settle();
    annotate(&mut world, ANNOTATION_ABORT, "2");
    assert_eq!(world.settle().phase, Phase::RolledBack);
    assert_eq!(world.seen.route.as_ref().unwrap().split, Some(Split::only(1)));
}
