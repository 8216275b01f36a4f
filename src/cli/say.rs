//! What people say to a release: `approve`, `promote`, `abort`, `retry`, `pause`, `resume`. Each changes one field, but
//! `promote`, which speaks to several apps at once.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::target::{Target, block_on};
use crate::api::names::{
    ANNOTATION_ABORT, ANNOTATION_APPROVE_CONTRACT, ANNOTATION_APPROVE_PLAN, ANNOTATION_APPROVE_PROMOTE,
    ANNOTATION_APPROVE_STEP, ANNOTATION_APPROVE_WINDOW, ANNOTATION_RETRY, promotion_annotation,
};
use crate::api::status::PlanStatus;
use crate::api::{FrappeRelease, Phase};
use crate::plan::Verdict;
use crate::traffic::{PREVIEW_HEADER, Preview, cookie_name};

/// Agree to the next step of a release that waits for it.
#[derive(Debug, Args)]
pub(super) struct Approve {
    #[command(flatten)]
    target: Target,
    /// What is agreed to: `plan` (as it stands now, by its hash: a plan that changes must be approved again), `window` (a
    /// maintenance window for a plan that is Blocking: users are shut out, and there is no way back), `promote`
    /// (the first traffic to green), `contract` (the point of no return), or the name of an `approve` step of
    /// spec.traffic.apps.
    #[arg(value_parser = gate)]
    what: Gate,
}

/// What can be approved.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Gate {
    Plan,
    /// A maintenance window for the plan as it stands now, which is Blocking: users are shut out, and there is no way back.
    Window,
    Promote,
    Contract,
    Step(String),
}

#[expect(clippy::unnecessary_wraps, reason = "the signature is clap's")]
fn gate(text: &str) -> Result<Gate, String> {
    Ok(match text {
        "plan" => Gate::Plan,
        "promote" => Gate::Promote,
        "window" => Gate::Window,
        "contract" => Gate::Contract,
        step => Gate::Step(step.to_owned()),
    })
}

/// Let traffic go on that stands at a pause without an end.
#[derive(Debug, Args)]
pub(super) struct Promote {
    #[command(flatten)]
    target: Target,
    /// Only this app (`*` is everything that spec.traffic.apps does not name). Default: all that pause.
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Go to 100 % without any pause. What an `approve` step asks for is still asked for.
    #[arg(long)]
    full: bool,
}

/// Print the header and the cookie that choose a colour, to look at green before it has traffic.
#[derive(Debug, Args)]
pub(super) struct PreviewValues {
    #[command(flatten)]
    target: Target,
}

/// Take a release back to blue.
#[derive(Debug, Args)]
pub(super) struct Abort {
    #[command(flatten)]
    target: Target,
}

/// Run failed Jobs again, or release again what was taken back.
#[derive(Debug, Args)]
pub(super) struct Retry {
    #[command(flatten)]
    target: Target,
}

/// Hold a release where it is.
#[derive(Debug, Args)]
pub(super) struct Pause {
    #[command(flatten)]
    target: Target,
}

/// Let a paused release go on.
#[derive(Debug, Args)]
pub(super) struct Resume {
    #[command(flatten)]
    target: Target,
}

impl Approve {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, move |release| approval(release, &self.what)))
    }
}

impl Promote {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, move |release| promotion(release, self.app.as_deref(), self.full)))
    }
}

impl PreviewValues {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(async move {
            let api = self.target.api().await?;
            print!("{}", preview(&self.target.get(&api).await?)?);
            Ok(())
        })
    }
}

impl Abort {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, abort))
    }
}

impl Retry {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, |_| Ok(("tries again".to_owned(), retry(&Timestamp::now().to_string())))))
    }
}

impl Pause {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, |_| Ok(("is paused".to_owned(), paused(true)))))
    }
}

impl Resume {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, |_| Ok(("goes on".to_owned(), paused(false)))))
    }
}

/// What is said and the change that says it.
type Saying = Result<(String, Value), String>;

async fn say(target: Target, saying: impl FnOnce(&FrappeRelease) -> Saying) -> Result<(), String> {
    let api = target.api().await?;
    let release = target.get(&api).await?;
    let (said, fields) = saying(&release)?;
    target.merge(&api, &fields).await?;
    println!("FrappeRelease '{}' {said}", target.name);
    Ok(())
}

fn annotation(key: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {key: value}}})
}

fn approval(release: &FrappeRelease, gate: &Gate) -> Saying {
    let (name, key, value) = match gate {
        Gate::Plan => ("plan".to_owned(), ANNOTATION_APPROVE_PLAN.to_owned(), plan(release)?.hash.clone()),
        Gate::Window => {
            let plan = plan(release)?;
            if plan.verdict != Verdict::Blocking.name() {
                return Err(format!("its plan is {}: no maintenance window is needed", plan.verdict));
            }
            ("maintenance window".to_owned(), ANNOTATION_APPROVE_WINDOW.to_owned(), plan.hash.clone())
        }
        Gate::Promote => {
            ("promotion".to_owned(), ANNOTATION_APPROVE_PROMOTE.to_owned(), going(release)?.to_string())
        }
        Gate::Contract => {
            ("contraction".to_owned(), ANNOTATION_APPROVE_CONTRACT.to_owned(), going(release)?.to_string())
        }
        Gate::Step(step) => {
            let steps = release.spec.traffic.apps.iter().flat_map(|app| &app.steps);
            let known: Vec<&str> = steps.filter_map(|step| step.approve.as_deref()).collect();
            if !known.contains(&step.as_str()) {
                let known = [&["plan", "window", "promote", "contract"][..], &known].concat().join(", ");
                return Err(format!("nothing is called '{step}' here: it is one of {known}"));
            }
            (
                format!("step '{step}'"),
                format!("{ANNOTATION_APPROVE_STEP}{step}"),
                going(release)?.to_string(),
            )
        }
    };
    Ok((format!("has its {name} approved ({value})"), annotation(&key, &value)))
}

fn plan(release: &FrappeRelease) -> Result<&PlanStatus, String> {
    let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
    plan.ok_or_else(|| "it has no plan yet: wait until the planning Jobs have ended".to_owned())
}

/// Says to each app that pauses (or to all of them) that it may go on.
fn promotion(release: &FrappeRelease, only: Option<&str>, full: bool) -> Saying {
    let revision = going(release)?;
    let apps = release.status.iter().flat_map(|status| &status.apps);
    let chosen = apps.filter(|app| only.is_none_or(|only| only == app.name));
    let mut said = serde_json::Map::new();
    let mut names = Vec::new();
    for app in chosen {
        let spec = release.spec.traffic.apps.iter().find(|spec| spec.name == app.name);
        let at = usize::try_from(app.step).unwrap_or_default().saturating_sub(1);
        let step = spec.and_then(|spec| spec.steps.get(at));
        let pauses =
            step.is_some_and(|step| step.pause.as_ref().is_some_and(|pause| pause.seconds.is_none()));
        if full || pauses {
            let what = if full { "full".to_owned() } else { app.step.to_string() };
            said.insert(promotion_annotation(&app.name), format!("{revision}/{what}").into());
            names.push(app.name.as_str());
        }
    }
    match (names.is_empty(), only) {
        (false, _) => {
            let fields = json!({"metadata": {"annotations": said}});
            Ok((format!("goes on: {}", names.join(", ")), fields))
        }
        (true, Some(app)) => Err(format!("the app '{app}' does not stand at a pause without an end")),
        (true, None) => Err("no app stands at a pause without an end".to_owned()),
    }
}

fn preview(release: &FrappeRelease) -> Result<String, String> {
    let revision = going(release)?;
    let values = Preview::of(release, revision);
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let cookie = cookie_name(name, revision);
    let lines = [("green", &values.green), ("blue", &values.blue)].map(|(colour, value)| {
        format!("{colour}:\n  {PREVIEW_HEADER}: {value}\n  Cookie: {cookie}={value}\n")
    });
    Ok(lines.concat())
}

fn abort(release: &FrappeRelease) -> Saying {
    let revision = going(release)?;
    Ok((format!("is taken back: revision {revision}"), annotation(ANNOTATION_ABORT, &revision.to_string())))
}

/// Any new value will do.
fn retry(value: &str) -> Value {
    annotation(ANNOTATION_RETRY, value)
}

fn paused(is_paused: bool) -> Value {
    json!({"spec": {"paused": is_paused}})
}

/// The revision that is being released.
fn going(release: &FrappeRelease) -> Result<u32, String> {
    let status = release.status.as_ref();
    let phase = status.and_then(|status| status.phase);
    let green = status.and_then(|status| status.green.as_ref());
    match (phase, green) {
        (Some(phase), _) if phase.is_settled() => {
            Err(format!("no release is going on: it is {}", phase.name()))
        }
        (Some(Phase::RollingBack), _) => Err("it goes back to blue already".to_owned()),
        (Some(_), Some(green)) => Ok(green.revision),
        (Some(_) | None, _) => Err("no release is going on yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::undo;

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
        let said = approval(&shifting(), &gate("sales").unwrap()).unwrap().1;
        assert_eq!(said, annotation("step.crossfade.dev/sales", "3"));
        let error = approval(&shifting(), &gate("sails").unwrap()).unwrap_err();
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
    fn a_preview_prints_what_the_routes_ask_for() {
        let text = preview(&shifting()).unwrap();
        let value = Preview::of(&shifting(), 3).green;
        assert!(value.len() > 20 && text.contains(&format!("X-Crossfade-Colour: {value}")), "{text}");
        assert!(text.contains(&format!("Cookie: crossfade-erp-r3={value}")), "{text}");
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
            let said = gates.iter().map(|what| approval(&states[state], &gate(what).unwrap()).unwrap().1);
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
            ("undo", "draining", vec![undo::change(&states["draining"]).unwrap().2]),
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
}
