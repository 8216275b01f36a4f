//! What is said is exactly what was seen, and what Argo CD's actions come to.

use std::collections::BTreeMap;

use super::*;

fn release(status: &str) -> FrappeRelease {
    serde_yaml::from_str(&format!(
        "{{apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease, metadata: {{name: erp}},
          spec: {{image: 'a:1', sites: [], bench: {{commonConfigSecret: {{name: c, key: k}}}},
            database: {{adminSecret: {{name: a}}}}, web: {{}}, traffic: {{}}}},
          status: {status}}}"
    ))
    .unwrap()
}

#[test]
fn an_approval_names_exactly_what_was_seen() {
    let seen = release(
        "{phase: Planning, green: {revision: 3, image: 'a:1', ready: 0},
          plan: {hash: abc, verdict: Additive, summary: s, approved: false}}",
    );
    assert_eq!(approval(&seen, &Gate::Plan).unwrap().1, annotation(ANNOTATION_APPROVE_PLAN, "abc"));
    assert_eq!(approval(&seen, &Gate::Contract).unwrap().1, annotation(ANNOTATION_APPROVE_CONTRACT, "3"));
    assert!(approval(&seen, &Gate::Window).unwrap_err().contains("Additive"));
}

const SHIFTING: &str = "{phase: Shifting, green: {revision: 3, image: 'a:1', ready: 0},
    apps: [{name: crm, weight: 10, step: 2, steps: 4}, {name: '*', weight: 0, step: 1, steps: 2}]}";

fn shifting() -> FrappeRelease {
    let mut release = release(SHIFTING);
    release.metadata.uid = Some("u".into());
    release.spec.traffic.apps = serde_yaml::from_str(
        "[{name: crm, steps: [{weight: 10}, {pause: {}}, {approve: sales}, {weight: 100}]},
          {name: '*', steps: [{pause: {seconds: 9}}, {weight: 100}]}]",
    )
    .unwrap();
    release
}

#[test]
fn a_step_is_approved_by_its_name_for_one_revision() {
    let said = approval(&shifting(), &"sales".into()).unwrap().1;
    assert_eq!(said, annotation("step.crossfade.dev/sales", "3"));
    let error = approval(&shifting(), &"sails".into()).unwrap_err();
    assert!(error.contains("plan, window, promote, contract, sales"), "{error}");
}

#[test]
fn a_promotion_names_the_step_that_was_seen() {
    assert_eq!(
        promotion(&shifting(), None, false).unwrap().1,
        annotation("promote.crossfade.dev/crm", "3/2")
    );
    assert!(promotion(&shifting(), Some("*"), false).is_err());
    let full = promotion(&shifting(), None, true).unwrap().1;
    let annotations = full["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations["promote.crossfade.dev/everything-else"], "3/full");
    assert_eq!(annotations.len(), 2);
}

#[test]
fn what_is_not_going_on_cannot_be_aborted_or_approved() {
    let done = release("{phase: Complete, green: {revision: 3, image: 'a:1', ready: 2}}");
    assert!(abort(&done).unwrap_err().contains("Complete"));
    assert!(approval(&release("{}"), &Gate::Plan).unwrap_err().contains("no plan yet"));
    assert!(approval(&release("{}"), &Gate::Promote).is_err());
}

/// What Argo CD's actions must come to: these files are what `argocd/` is held against.
#[test]
fn the_actions_of_argo_cd_are_held_against_what_is_said_here() {
    let states: BTreeMap<&str, FrappeRelease> = crate::release::fixtures().into_iter().collect();
    let gates = |state: &str, gates: &[&str]| {
        let said = gates.iter().map(|what| approval(&states[state], &(*what).into()).unwrap().1);
        said.collect::<Vec<_>>()
    };
    for (action, state, said) in [
        ("approve", "approval_plan", gates("approval_plan", &["plan"])),
        ("approve", "approval_promote", gates("approval_promote", &["promote"])),
        ("approve", "approval_contract", gates("approval_contract", &["contract"])),
        ("approve", "approval_steps", gates("approval_steps", &["sales", "everybody"])),
        ("promote", "approval_steps", vec![promotion(&states["approval_steps"], None, false).unwrap().1]),
        ("promote", "promotion", vec![promotion(&states["promotion"], None, false).unwrap().1]),
        ("pause", "shifting", vec![paused(true)]),
        ("resume", "paused", vec![paused(false)]),
        ("abort", "first_revision", vec![abort(&states["first_revision"]).unwrap().1]),
        ("abort", "shifting", vec![abort(&states["shifting"]).unwrap().1]),
        ("undo", "draining", vec![undo(&states["draining"]).unwrap().fields]),
        ("retry", "job_failed", vec![retry("2026-01-05T10:00:00Z")]),
        ("retry", "rolled_back", vec![retry("2026-01-05T10:00:00Z")]),
    ] {
        let mut release = serde_json::to_value(&states[state]).unwrap();
        for fields in &said {
            merge(&mut release, fields);
        }
        crate::release::golden(&format!("actions/testdata/{state}_{action}.yaml"), &release);
    }
}

/// A merge patch, as the API server does it.
fn merge(into: &mut Value, fields: &Value) {
    match (into, fields) {
        (Value::Object(into), Value::Object(fields)) => {
            for (name, value) in fields {
                merge(into.entry(name).or_insert(json!({})), value);
            }
        }
        (into, fields) => *into = fields.clone(),
    }
}
