//! A plan as JSON, and the schema of it.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Report;
use crate::plan::Plan;
use crate::plan::policy::Judgement;

/// What `crossfade plan --output json` prints: the plan, and what policy and --fail-on make of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Document<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    /// Not part of the hash: the plan is the same whoever judges it.
    judgement: &'a Judgement,
}

pub(super) fn text(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let document = Document { plan: report.plan, judgement: report.judgement };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// The JSON Schema of the document, as `docs/reference/plan.schema.json` keeps it.
pub fn schema() -> Schema {
    let mut schema = schemars::schema_for!(Document<'_>);
    schema.insert("title".to_owned(), "Plan of a release of Frappe apps".into());
    // A reader checks this first; the field is the version of everything below.
    if let Some(format) = schema.pointer_mut("/properties/format") {
        *format = serde_json::json!({
            "const": Plan::FORMAT,
            "description": "Version of this document's shape.",
        });
    }
    schema
}
