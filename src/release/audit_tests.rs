//! Who said what, from fields as an API server notes them.

use serde_json::{Value, json};

use super::audit::manager;
use super::tests::{annotate, installed, upgrade};
use super::world::World;
use crate::api::Phase;
use crate::api::gate::Approval;
use crate::api::names::{
    ANNOTATION_ABORT, ANNOTATION_APPROVE_CONTRACT, ANNOTATION_RETRY, author_annotation, promotion_annotation,
};
use crate::release::saying::signed;

/// A write by a manager, as `kubectl get --show-managed-fields` shows it: it owns these fields from now on, and nobody else.
fn noted(world: &mut World, manager: &str, time: &str, fields: &Value) {
    let entry = json!({
        "apiVersion": "crossfade.dev/v1alpha1", "fieldsType": "FieldsV1", "fieldsV1": fields,
        "manager": manager, "operation": "Update", "time": time,
    });
    let entries = world.seen.release.metadata.managed_fields.get_or_insert_default();
    entries.push(serde_json::from_value(entry).unwrap());
}

fn annotations(keys: &[&str]) -> Value {
    let mut all = json!({".": {}});
    for key in keys {
        all[format!("f:{key}")] = json!({});
    }
    json!({"f:metadata": {"f:annotations": all}})
}

/// Merges the fields of a word into the release, as the command line does.
fn said(world: &mut World, fields: &Value, user: Option<&str>) {
    let fields = signed(fields, user);
    for (key, value) in fields["metadata"]["annotations"].as_object().unwrap() {
        match value.as_str() {
            Some(value) => annotate(world, key, value),
            None => drop(world.seen.release.metadata.annotations.get_or_insert_default().remove(key)),
        }
    }
    if let Some(paused) = fields["spec"]["paused"].as_bool() {
        world.seen.release.spec.paused = paused;
    }
}

/// The words of the status, and the events of them that so many turns publish.
fn told(world: &mut World, turns: usize) -> (Vec<String>, Vec<String>) {
    let mut events = Vec::new();
    for _ in 0..turns {
        events.extend(world.turn().events);
    }
    let of_people = ["Approved", "Promoted", "Paused", "Resumed", "Retried", "Aborted"];
    let events = events.into_iter().filter(|event| of_people.contains(&event.reason));
    let status = world.seen.release.status.as_ref().unwrap();
    (status.audit.iter().map(ToString::to_string).collect(), events.map(|event| event.note).collect())
}

fn waiting_for_the_contraction() -> World {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    world.seen.release.spec.approvals.contract = Some(Approval::default());
    assert_eq!(world.settle().phase, Phase::Contracting);
    world
}

const APPROVE: &str = ANNOTATION_APPROVE_CONTRACT;
const BY_APPROVE: &str = "by.crossfade.dev/approve-contract";

fn approval(value: &str) -> Value {
    json!({"metadata": {"annotations": {APPROVE: value}}})
}

#[test]
fn an_approval_is_told_once_with_its_user_and_its_manager() {
    let mut world = waiting_for_the_contraction();
    said(&mut world, &approval("2"), Some("ann@example.com"));
    noted(&mut world, "crossfade/cli", "1970-01-01T00:20:00Z", &annotations(&[APPROVE, BY_APPROVE]));
    let words = "Approved contract 2 by ann@example.com (crossfade/cli)";
    assert_eq!(told(&mut world, 30), (vec![words.to_owned()], vec![words.to_owned()]));
    let status = world.seen.release.status.as_ref().unwrap();
    assert_eq!(status.audit[0].at.0.to_string(), "1970-01-01T00:20:00Z");
    assert_eq!(status.phase, Some(Phase::Complete));
}

#[test]
fn a_lost_status_tells_it_again_from_what_stands_there() {
    let mut world = waiting_for_the_contraction();
    said(&mut world, &approval("2"), None);
    noted(&mut world, "kubectl-annotate", "1970-01-01T00:20:00Z", &annotations(&[APPROVE]));
    let words = vec!["Approved contract 2 by kubectl-annotate".to_owned()];
    assert_eq!(told(&mut world, 2), (words.clone(), words.clone()));
    world.seen.release.status = None;
    assert_eq!(told(&mut world, 2), (words.clone(), words));
}

#[test]
fn a_user_is_believed_only_beside_the_very_value_and_from_the_same_manager() {
    // Ann approved the release before: her name stands there still when Argo CD approves this one.
    let mut world = waiting_for_the_contraction();
    said(&mut world, &approval("1"), Some("ann"));
    annotate(&mut world, APPROVE, "2");
    noted(&mut world, "crossfade/cli", "1970-01-01T00:10:00Z", &annotations(&[BY_APPROVE]));
    noted(&mut world, "argocd-server", "1970-01-01T00:20:00Z", &annotations(&[APPROVE]));
    assert_eq!(told(&mut world, 2).0, ["Approved contract 2 by argocd-server"]);
    // The same value, but another program wrote it.
    let mut world = waiting_for_the_contraction();
    said(&mut world, &approval("2"), Some("ann"));
    noted(&mut world, "crossfade/cli", "1970-01-01T00:10:00Z", &annotations(&[BY_APPROVE]));
    noted(&mut world, "argocd-server", "1970-01-01T00:20:00Z", &annotations(&[APPROVE]));
    assert_eq!(told(&mut world, 2).0, ["Approved contract 2 by argocd-server"]);
    // The same program, which does not know its user now.
    said(&mut world, &approval("2"), None);
    assert_eq!(world.seen.release.annotated(BY_APPROVE), None);
}

#[test]
fn an_approval_by_a_commit_is_of_the_manager_of_its_field() {
    let mut world = waiting_for_the_contraction();
    world.seen.release.spec.approvals.contract = Some(Approval { approved: Some("2".to_owned()) });
    let field = json!({"f:spec": {"f:approvals": {"f:contract": {"f:approved": {}}}, "f:image": {}}});
    noted(&mut world, "argocd-controller", "1970-01-01T00:20:00Z", &field);
    assert_eq!(told(&mut world, 2).0, ["Approved contract 2 by argocd-controller"]);
    assert_eq!(manager(&world.seen.release, &["spec", "image"]).as_deref(), Some("argocd-controller"));
    assert_eq!(manager(&world.seen.release, &["spec", "paused"]), None);
}

#[test]
fn an_abort_says_who_wherever_it_says_why() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    while world.turn().phase != Phase::Shifting {}
    said(&mut world, &json!({"metadata": {"annotations": {ANNOTATION_ABORT: "2"}}}), Some("bob"));
    let keys = [ANNOTATION_ABORT, "by.crossfade.dev/abort"];
    noted(&mut world, "crossfade/cli", "1970-01-01T00:20:00Z", &annotations(&keys));
    let (audit, events) = told(&mut world, 60);
    assert_eq!(audit, ["Aborted 2 by bob (crossfade/cli)"]);
    assert_eq!(events, ["revision 2 goes back to blue: aborted by bob (crossfade/cli)"]);
    let status = world.seen.release.status.as_ref().unwrap();
    assert!(status.message.starts_with("aborted by bob (crossfade/cli); "), "{}", status.message);
    assert_eq!(world.seen.history[1].reason, "aborted by bob (crossfade/cli)");
}

#[test]
fn a_promotion_is_told_with_its_app_its_step_and_its_user() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    world.seen.release.spec.traffic.apps[0].steps =
        serde_yaml::from_str("[{weight: 10}, {pause: {}}, {weight: 50}, {pause: {}}, {weight: 100}]")
            .unwrap();
    assert_eq!(world.settle().status.weight, Some(10));
    let promote = promotion_annotation("*");
    let by = author_annotation(&promote);
    let promotion = |value: &str| json!({"metadata": {"annotations": {promote.as_str(): value}}});
    // One for the release before says nothing.
    said(&mut world, &promotion("1/full"), Some("bob"));
    noted(&mut world, "crossfade/cli", "1970-01-01T00:10:00Z", &annotations(&[&promote, &by]));
    assert_eq!(told(&mut world, 5), (vec![], vec![]));
    said(&mut world, &promotion("2/2"), Some("ann"));
    noted(&mut world, "crossfade/cli", "1970-01-01T00:20:00Z", &annotations(&[&promote, &by]));
    let first = "Promoted everything-else 2/2 by ann (crossfade/cli)".to_owned();
    assert_eq!(told(&mut world, 30), (vec![first.clone()], vec![first.clone()]));
    assert_eq!(world.settle().status.weight, Some(50));
    said(&mut world, &promotion("2/full"), Some("bob"));
    noted(&mut world, "crossfade/cli", "1970-01-01T00:30:00Z", &annotations(&[&promote, &by]));
    let second = "Promoted everything-else 2/full by bob (crossfade/cli)".to_owned();
    assert_eq!(told(&mut world, 30), (vec![first, second.clone()], vec![second]));
    assert_eq!(world.settle().phase, Phase::Complete);
}

#[test]
fn each_pause_and_each_resume_is_told_and_the_list_stays_short() {
    let mut world = waiting_for_the_contraction();
    said(&mut world, &approval("2"), Some("ann"));
    noted(&mut world, "crossfade/cli", "1970-01-01T00:10:00Z", &annotations(&[APPROVE, BY_APPROVE]));
    let mut events = Vec::new();
    for time in 0..8 {
        for paused in [true, false] {
            said(&mut world, &json!({"spec": {"paused": paused}}), Some("ann"));
            let mut fields = annotations(&[APPROVE, BY_APPROVE, "by.crossfade.dev/paused"]);
            fields["f:spec"] = json!({"f:paused": {}});
            noted(&mut world, "crossfade/cli", &format!("1970-01-01T00:3{time}:00Z"), &fields);
            let (audit, told) = told(&mut world, 1);
            assert!(audit.len() <= 10, "{audit:?}");
            events.extend(told);
        }
    }
    assert_eq!(events[0], "Approved contract 2 by ann (crossfade/cli)");
    let said = |from: usize| events[1..].iter().skip(from).step_by(2).collect::<Vec<_>>();
    assert_eq!(said(0), vec!["Paused by ann (crossfade/cli)"; 8]);
    assert_eq!(said(1), vec!["Resumed by ann (crossfade/cli)"; 8]);
    // The approval is the oldest, and counts still.
    assert_eq!(told(&mut world, 1).0[0], "Approved contract 2 by ann (crossfade/cli)");
}

#[test]
fn a_retry_that_begins_a_release_anew_is_told_once() {
    let mut world = installed();
    upgrade(&mut world, "erp:v2");
    while world.turn().phase != Phase::Shifting {}
    annotate(&mut world, ANNOTATION_ABORT, "2");
    assert_eq!(world.settle().phase, Phase::RolledBack);
    annotate(&mut world, ANNOTATION_RETRY, "again");
    noted(&mut world, "kubectl-annotate", "1970-01-01T01:00:00Z", &annotations(&[ANNOTATION_RETRY]));
    let words = "Retried again by kubectl-annotate".to_owned();
    let (audit, events) = told(&mut world, 100);
    assert_eq!((audit.last(), events), (Some(&words), vec![words.clone()]));
    assert_eq!(world.seen.release.status.as_ref().unwrap().phase, Some(Phase::Complete));
}

#[test]
fn a_name_that_would_break_a_line_does_not() {
    let mut world = waiting_for_the_contraction();
    said(&mut world, &approval("2"), Some(&format!("a\nb{}", "c".repeat(900))));
    noted(&mut world, "crossfade/cli", "1970-01-01T00:20:00Z", &annotations(&[APPROVE, BY_APPROVE]));
    let (audit, _) = told(&mut world, 1);
    assert!(audit[0].starts_with("Approved contract 2 by abccc") && audit[0].len() < 200, "{audit:?}");
}
