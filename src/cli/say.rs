//! What people say to a release: `approve`, `abort`, `retry`, `pause`, `resume`. Each changes one field.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::target::{Target, block_on};
use crate::api::names::{
    ANNOTATION_ABORT, ANNOTATION_APPROVE_CONTRACT, ANNOTATION_APPROVE_PLAN, ANNOTATION_APPROVE_PROMOTE,
    ANNOTATION_APPROVE_WINDOW, ANNOTATION_RETRY,
};
use crate::api::status::PlanStatus;
use crate::api::{FrappeRelease, Phase};
use crate::plan::Verdict;

/// Agree to the next step of a release that waits for it.
#[derive(Debug, Args)]
pub(super) struct Approve {
    #[command(flatten)]
    target: Target,
    /// What is agreed to.
    #[arg(value_enum)]
    what: Gate,
}

/// What can be approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Gate {
    /// The plan as it stands now, by its hash: a plan that changes must be approved again.
    Plan,
    /// A maintenance window for the plan as it stands now, which is Blocking: users are shut out, and there is no way back.
    Window,
    /// The first traffic to green.
    Promote,
    /// The point of no return.
    Contract,
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
        block_on(say(self.target, move |release| approval(release, self.what)))
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
        let value = Timestamp::now().to_string();
        block_on(say(self.target, move |_| {
            Ok(("tries again".to_owned(), annotation(ANNOTATION_RETRY, &value)))
        }))
    }
}

impl Pause {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, |_| Ok(("is paused".to_owned(), json!({"spec": {"paused": true}})))))
    }
}

impl Resume {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        block_on(say(self.target, |_| Ok(("goes on".to_owned(), json!({"spec": {"paused": false}})))))
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

fn approval(release: &FrappeRelease, gate: Gate) -> Saying {
    let (key, value) = match gate {
        Gate::Plan => (ANNOTATION_APPROVE_PLAN, plan(release)?.hash.clone()),
        Gate::Window => {
            let plan = plan(release)?;
            if plan.verdict != Verdict::Blocking.name() {
                return Err(format!("its plan is {}: no maintenance window is needed", plan.verdict));
            }
            (ANNOTATION_APPROVE_WINDOW, plan.hash.clone())
        }
        Gate::Promote => (ANNOTATION_APPROVE_PROMOTE, going(release)?.to_string()),
        Gate::Contract => (ANNOTATION_APPROVE_CONTRACT, going(release)?.to_string()),
    };
    Ok((format!("has its {} approved ({value})", name(gate)), annotation(key, &value)))
}

fn plan(release: &FrappeRelease) -> Result<&PlanStatus, String> {
    let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
    plan.ok_or_else(|| "it has no plan yet: wait until the planning Jobs have ended".to_owned())
}

const fn name(gate: Gate) -> &'static str {
    match gate {
        Gate::Plan => "plan",
        Gate::Window => "maintenance window",
        Gate::Promote => "promotion",
        Gate::Contract => "contraction",
    }
}

fn abort(release: &FrappeRelease) -> Saying {
    let revision = going(release)?;
    Ok((format!("is taken back: revision {revision}"), annotation(ANNOTATION_ABORT, &revision.to_string())))
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
        assert_eq!(approval(&seen, Gate::Plan).unwrap().1, annotation(ANNOTATION_APPROVE_PLAN, "abc"));
        assert_eq!(approval(&seen, Gate::Contract).unwrap().1, annotation(ANNOTATION_APPROVE_CONTRACT, "3"));
        assert!(approval(&seen, Gate::Window).unwrap_err().contains("Additive"));
    }

    #[test]
    fn what_is_not_going_on_cannot_be_aborted_or_approved() {
        let done = release("{phase: Complete, green: {revision: 3, image: 'a:1', ready: 2}}");
        assert!(abort(&done).unwrap_err().contains("Complete"));
        assert!(approval(&release("{}"), Gate::Plan).unwrap_err().contains("no plan yet"));
        assert!(approval(&release("{}"), Gate::Promote).is_err());
    }
}
