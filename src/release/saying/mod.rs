//! What people say to a release, and how it is written: one field or annotation a word. The command line and the dashboard say
//! it through here alone.

mod offers;
mod undo;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::names::{
    ANNOTATION_ABORT, ANNOTATION_APPROVE_CONTRACT, ANNOTATION_APPROVE_PLAN, ANNOTATION_APPROVE_PROMOTE,
    ANNOTATION_APPROVE_STEP, ANNOTATION_APPROVE_WINDOW, ANNOTATION_RETRY, KEY_PAUSED, author_annotation,
    promotion_annotation,
};
use crate::api::status::PlanStatus;
use crate::api::{FrappeRelease, Phase};
use crate::plan::Verdict;

pub use offers::{Offer, offers};
pub use undo::{Undone, undo};

/// What can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Agree to what the release waits for.
    Approve(Gate),
    /// Let traffic go on that stands at a pause without an end.
    Promote {
        /// Only this app; all that pause if there is none.
        app: Option<String>,
        /// To 100 % without any pause.
        full: bool,
    },
    /// Hold the release where it is.
    Pause,
    /// Let it go on.
    Resume,
    /// Take it back to blue.
    Abort,
    /// Run failed Jobs again, or release again what was taken back.
    Retry,
    /// Bring the version before back.
    Undo,
}

/// What can be approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// The plan as it stands now.
    Plan,
    /// A maintenance window for the plan as it stands now, which is Blocking: users are shut out, and there is no way back.
    Window,
    /// The first traffic to green.
    Promote,
    /// The point of no return.
    Contract,
    /// An `approve` step of `spec.traffic.apps`.
    Step(String),
}

/// A gate by the name that people give it.
impl From<&str> for Gate {
    fn from(name: &str) -> Self {
        match name {
            "plan" => Self::Plan,
            "promote" => Self::Promote,
            "window" => Self::Window,
            "contract" => Self::Contract,
            step => Self::Step(step.to_owned()),
        }
    }
}

/// The word as it is typed on the command line, without the release's name.
impl std::fmt::Display for Word {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Approve(gate) => write!(formatter, "approve {gate}"),
            Self::Promote { app, full } => {
                formatter.write_str("promote")?;
                if let Some(app) = app {
                    write!(formatter, " --app '{app}'")?;
                }
                formatter.write_str(if *full { " --full" } else { "" })
            }
            Self::Pause => formatter.write_str("pause"),
            Self::Resume => formatter.write_str("resume"),
            Self::Abort => formatter.write_str("abort"),
            Self::Retry => formatter.write_str("retry"),
            Self::Undo => formatter.write_str("undo"),
        }
    }
}

impl std::fmt::Display for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plan => "plan",
            Self::Window => "window",
            Self::Promote => "promote",
            Self::Contract => "contract",
            Self::Step(name) => name,
        })
    }
}

/// What is said in a sentence that begins with the release's name, and the fields to be merged into it.
pub type Saying = Result<(String, Value), String>;

impl Word {
    /// How this is said to a release now.
    ///
    /// # Errors
    /// In words, if it makes no sense as the release stands.
    pub fn to(&self, release: &FrappeRelease, now: Timestamp) -> Saying {
        match self {
            Self::Approve(gate) => approval(release, gate),
            Self::Promote { app, full } => promotion(release, app.as_deref(), *full),
            Self::Pause => Ok(("is paused".to_owned(), paused(true))),
            Self::Resume => Ok(("goes on".to_owned(), paused(false))),
            Self::Abort => abort(release),
            Self::Retry => Ok(("tries again".to_owned(), retry(&now.to_string()))),
            Self::Undo => undo(release).map(|undone| {
                (format!("is taken back from revision {} to {}", undone.revision, undone.blue), undone.fields)
            }),
        }
    }
}

/// The fields of a word with the user who says it beside each. Without a user nobody's name stays there.
pub fn signed(fields: &Value, user: Option<&str>) -> Value {
    let mut signed = fields.clone();
    let mut sign = |key: &str, value: &str| {
        let by = user.map_or(Value::Null, |user| format!("{value} {user}").into());
        signed["metadata"]["annotations"][author_annotation(key)] = by;
    };
    for (key, value) in fields["metadata"]["annotations"].as_object().into_iter().flatten() {
        sign(key, value.as_str().unwrap_or_default());
    }
    if let Some(is_paused) = fields["spec"]["paused"].as_bool() {
        sign(KEY_PAUSED, &is_paused.to_string());
    }
    signed
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
///
/// # Errors
/// In words, if none is.
pub fn going(release: &FrappeRelease) -> Result<u32, String> {
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
mod tests;
