//! A `FrappeRelease` in every state, with the status that the operator writes: releases played in the small world. What
//! judges a release from outside (Argo CD's scripts, kstatus) is tried on these files by `e2e/gitops`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::JobStep;
use super::gate;
use super::tests::annotate;
use super::world::World;
use crate::api::condition::stalled;
use crate::api::gate::Approval;
use crate::api::names::{ANNOTATION_ABORT, ANNOTATION_APPROVE_WINDOW, FINALIZER};
use crate::api::status::FrappeReleaseStatus;
use crate::api::{FrappeRelease, FrappeReleaseSpec, Phase};
use crate::plan::Verdict;

/// The manifest as it stands in Git.
const MANIFEST: &str = include_str!("../../e2e/gitops/testdata/erp.yaml");
const BLUE: &str = "registry.example.com/erp:v15.41.0";
const GREEN: &str = "registry.example.com/erp:v15.42.0";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/argocd/crossfade.dev/FrappeRelease");

/// The name of a state and the resource in it.
type State = (&'static str, FrappeRelease);

/// Every state.
pub(crate) fn all() -> Vec<State> {
    [unseen(), forward(), held(), halted(), back()].concat()
}

/// Compares with a file below `argocd/crossfade.dev/FrappeRelease`; `UPDATE_GOLDENFILES=1` writes it.
pub(crate) fn golden(file: &str, object: &Value) {
    let path = Path::new(FOLDER).join(file);
    let text = serde_yaml::to_string(object).unwrap();
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{} differs; this is what happened:\n{text}", path.display());
}

/// The manifest as the API server keeps it, with the status that it fills in and the operator's finalizer.
fn written(image: &str) -> FrappeRelease {
    let mut release: FrappeRelease = serde_yaml::from_str(MANIFEST).unwrap();
    release.spec.image = image.to_owned();
    release.metadata.generation = Some(1);
    release.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    release.status = Some(FrappeReleaseStatus { observed_generation: Some(-1), ..Default::default() });
    release
}

/// A change of the spec, by whoever: a new generation.
fn change(world: &mut World, change: impl FnOnce(&mut FrappeReleaseSpec)) {
    change(&mut world.seen.release.spec);
    *world.seen.release.metadata.generation.as_mut().unwrap() += 1;
}

/// A bench of which nothing was released yet.
fn new() -> World {
    let mut world = World::new(BLUE);
    world.now = "2026-01-05T09:00:00Z".parse().unwrap();
    world.seen.release = written(BLUE);
    world
}

/// The release of a new image right after it was asked for, together with another change.
fn asked(with: impl FnOnce(&mut FrappeReleaseSpec)) -> World {
    let mut world = new();
    assert_eq!(world.settle().phase, Phase::Complete);
    change(&mut world, |spec| {
        spec.image = GREEN.to_owned();
        with(spec);
    });
    world
}

/// Turns until the release is in a phase and says these words.
fn until(world: &mut World, phase: Phase, words: &str) -> FrappeRelease {
    for _ in 0..200 {
        let decision = world.turn();
        if decision.phase == phase && decision.status.message.contains(words) {
            return world.seen.release.clone();
        }
    }
    panic!("it never says '{words}' in {}:\n{}", phase.name(), world.log.join("\n"));
}

/// Turns until nothing is going on.
fn settled(mut world: World) -> FrappeRelease {
    world.settle();
    world.seen.release
}

/// The operator has not seen the manifest.
fn unseen() -> Vec<State> {
    vec![("unseen_new", written(BLUE)), ("unseen_image", asked(|_| {}).seen.release)]
}

/// A release that nothing holds, and the first one of a bench.
fn forward() -> Vec<State> {
    let mut first = new();
    let mut states = vec![("first_revision", until(&mut first, Phase::StartingGreen, "starting green"))];
    let mut world = asked(|_| {});
    for (name, phase, words) in [
        ("planning", Phase::Planning, "plan: 0 of 1 done"),
        ("isolating", Phase::Isolating, "handover: 0 of 1 done"),
        ("expanding", Phase::Expanding, "expand: 0 of 1 done"),
        ("migrating", Phase::Migrating, "migrate: 0 of 1 done"),
        ("starting_green", Phase::StartingGreen, "starting green"),
        ("shifting", Phase::Shifting, "pausing for"),
        ("draining", Phase::Draining, "drain: 0 of 1 done"),
        ("contracting", Phase::Contracting, "contract: 0 of 1 done (erp.example.com: running)"),
        ("complete", Phase::Complete, "runs"),
    ] {
        states.push((name, until(&mut world, phase, words)));
    }
    let mut window = asked(|_| {});
    window.verdict = Verdict::Blocking;
    annotate(&mut window, ANNOTATION_APPROVE_WINDOW, "h1");
    let words = "migrate: 0 of 1 done (erp.example.com: running)";
    states.push(("window", until(&mut window, Phase::Migrating, words)));
    states
}

/// Held by people: paused, or an approval is asked for.
fn held() -> Vec<State> {
    let steps = |apps: &str| asked(|spec| spec.traffic.apps = serde_yaml::from_str(apps).unwrap());
    let mut paused = asked(|_| {});
    until(&mut paused, Phase::Shifting, "pausing for");
    change(&mut paused, |spec| spec.paused = true);
    let mut before = asked(|spec| spec.paused = true);
    let mut webhook = asked(|spec| {
        spec.webhooks =
            serde_yaml::from_str("[{name: calendar, at: ConfirmPromotion, url: 'http://calendar'}]").unwrap();
    });
    webhook.refusing = vec!["calendar".to_owned()];
    vec![
        ("paused", until(&mut paused, Phase::Shifting, "paused by spec.paused")),
        ("paused_before", until(&mut before, Phase::Planning, "paused by spec.paused")),
        ("webhook", until(&mut webhook, Phase::Shifting, "403: closed")),
        ("approval_plan", settled(asked(|spec| spec.approvals.plan = Some(Approval::default())))),
        ("approval_promote", settled(asked(|spec| spec.approvals.promote = Some(Approval::default())))),
        ("approval_contract", settled(asked(|spec| spec.approvals.contract = Some(Approval::default())))),
        (
            "approval_steps",
            settled(steps(
                "[{name: shop, steps: [{weight: 20}, {approve: sales}, {weight: 100}]},
                  {name: crm, steps: [{weight: 50}, {pause: {}}, {weight: 100}]},
                  {name: '*', steps: [{weight: 10}, {approve: everybody}, {weight: 100}]}]",
            )),
        ),
        (
            "promotion",
            settled(steps(
                "[{name: crm, steps: [{weight: 50}, {pause: {}}, {weight: 100}]},
                  {name: '*', steps: [{weight: 10}, {weight: 20}, {pause: {}}, {weight: 100}]}]",
            )),
        ),
    ]
}

/// Halted by trouble, one for every reason.
fn halted() -> Vec<State> {
    let mut failed = asked(|_| {});
    failed.broken = vec![JobStep::Expand];
    let mut blocked = asked(|_| {});
    blocked.verdict = Verdict::Blocking;
    let mut invalid = asked(|_| {});
    invalid.seen.common_config = Err("the Secret erp-bench has no key common_site_config.json".to_owned());
    let mut inconclusive = asked(|spec| {
        spec.traffic.apps[0].steps =
            serde_yaml::from_str("[{weight: 10}, {analysis: errors}, {weight: 100}]").unwrap();
        spec.analysis = serde_yaml::from_str(
            "[{name: errors, prometheus: {address: 'http://prometheus', query: errors}, pass: {atMost: '1'},
               fail: {atLeast: '5'}, count: 2, intervalSeconds: 10}]",
        )
        .unwrap();
    });
    inconclusive.readings = vec![gate::Reading::Value(gate::Value::Number(3.0))].into();
    let mut slow = asked(|_| {});
    until(&mut slow, Phase::Draining, "drain: 0 of 1 done");
    slow.now = slow.now.saturating_add(jiff::SignedDuration::from_hours(3)).unwrap();
    let mut lost = asked(|_| {});
    lost.verdict = Verdict::Blocking;
    lost.is_green_healthy = false;
    annotate(&mut lost, ANNOTATION_APPROVE_WINDOW, "h1");
    vec![
        ("job_failed", settled(failed)),
        ("plan_blocking", settled(blocked)),
        ("invalid_spec", settled(invalid)),
        ("analysis_inconclusive", settled(inconclusive)),
        ("drain_deadline", until(&mut slow, Phase::Draining, "are not empty")),
        ("no_way_back", settled(lost)),
    ]
}

/// Taken back.
fn back() -> Vec<State> {
    let mut world = asked(|_| {});
    until(&mut world, Phase::Shifting, "pausing for");
    annotate(&mut world, ANNOTATION_ABORT, "2");
    let aborted = until(&mut world, Phase::RollingBack, "aborted by hand");
    let rolling_back = until(&mut world, Phase::RollingBack, "rollback-tables: 0 of 1 done");
    vec![("aborted", aborted), ("rolling_back", rolling_back), ("rolled_back", settled(world))]
}

#[test]
fn the_fixtures_are_what_the_operator_writes() {
    let states = all();
    for (name, release) in &states {
        golden(&format!("testdata/{name}.yaml"), &serde_json::to_value(release).unwrap());
    }
    let files = std::fs::read_dir(Path::new(FOLDER).join("testdata")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let known: BTreeSet<String> = states.iter().map(|(name, _)| format!("{name}.yaml")).collect();
    assert_eq!(files, known, "a fixture is missing, or belongs to no state: delete it");
}

#[test]
fn there_is_a_fixture_of_every_phase_and_every_halt() {
    let statuses: Vec<_> = all().into_iter().filter_map(|(_, release)| release.status).collect();
    let phases: BTreeSet<Phase> = statuses.iter().filter_map(|status| status.phase).collect();
    assert_eq!(phases, BTreeSet::from(Phase::ALL));
    let conditions = statuses.iter().flat_map(|status| &status.conditions);
    let stalled = conditions.filter(|condition| condition.type_ == "Stalled" && condition.status == "True");
    let reasons: BTreeSet<&str> = stalled.map(|condition| condition.reason.as_str()).collect();
    assert_eq!(reasons, BTreeSet::from(stalled::ALL));
}
