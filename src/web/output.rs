//! The plan of the drafts as text: what `crossfade plan` prints, by the same code.

use crate::api::gate::Planning;
use crate::plan::policy::{Policy, judge};
use crate::plan::{Plan, Site, Verdict};
use crate::report::{Part, Report};

use super::api::{OutputKind, OutputPart};

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    /// As JSON.
    #[error("failed to write the plan: {0}")]
    Json(#[from] serde_json::Error),
    /// As YAML.
    #[error("failed to write the manifest: {0}")]
    Yaml(#[from] serde_yaml::Error),
}

/// The text of a kind.
pub(super) fn text(
    plan: &Plan,
    site: Option<&Site>,
    (kind, part): (OutputKind, OutputPart),
    accepted: Vec<String>,
) -> Result<String, OutputError> {
    let judgement = judge(plan, site, &Policy::default(), &[]);
    let report = Report { plan, judgement: &judgement };
    Ok(match kind {
        // A page has no terminal's colours.
        OutputKind::Plan => anstream::adapter::strip_str(&report.human(None)).to_string(),
        OutputKind::Json => report.json()?,
        OutputKind::Markdown => report.markdown(),
        OutputKind::Sql => report.sql(match part {
            OutputPart::Expand => Part::Expand,
            OutputPart::Undo => Part::Undo,
            OutputPart::Contract => Part::Contract,
        }),
        OutputKind::Release => release(plan, accepted)?,
    })
}

/// What of a `FrappeRelease` this plan needs: the image that has these apps, and what a human has to say for it.
fn release(plan: &Plan, accept_patches: Vec<String>) -> Result<String, OutputError> {
    let is_blocking = plan.verdict == Verdict::Blocking;
    let planning = Planning {
        accept_patches,
        accept_maintenance_window: is_blocking.then(|| plan.hash.clone()),
        ..Planning::default()
    };
    let mut text = format!("# Plan {}: {}, {}\n", plan.hash, plan.verdict.name(), one_line(&plan.summary));
    if is_blocking {
        text.push_str(
            "# Blocking: acceptMaintenanceWindow closes the site while green's migrate runs. Leave it out if that is not meant.\n\
             # The hash is that of the plan which the cluster makes; `kubectl get fr` shows it.\n",
        );
    }
    text.push_str(
        "apiVersion: crossfade.dev/v1alpha1\nkind: FrappeRelease\nmetadata:\n  name: erp # as it is called on the cluster\n\
         spec:\n  image: registry.example.com/erp:next # the image with these apps\n",
    );
    if planning != Planning::default() {
        let yaml = serde_yaml::to_string(&planning)?;
        text.push_str("  planning:\n");
        for line in yaml.lines() {
            text.push_str("    ");
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
