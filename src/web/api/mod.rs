//! What the page and the server say to each other: the types of the API, from which `web/openapi.json` is made.

mod draft;
mod output;
mod reference;
mod release;
mod save;
mod verdict;
mod workspace;

use utoipa::OpenApi;

use super::{dashboard, routes};

pub use draft::{DraftBody, Drafts, Rename};
pub use output::{OutputKind, OutputPart, OutputQuery};
pub use reference::{DuplicateExample, Duplicates, DuplicatesQuestion, Reference, RenameQuestion};
pub use release::{
    AnalysisView, AppView, ColourView, ConditionView, EventView, LedgerLine, Measurement, Mood, OfferView,
    Part, PhaseStep, PlanLine, Queue, Release, ReleaseLine, Releases, Said, Say, SitePlan, Standing,
    StepState, StepView, WebhookView, Work,
};
pub use save::{Conflict, ConflictFile, ConflictKind, Saved, SavedKind};
pub use verdict::{
    AppVerdict, Change, DuplicatesOf, Problem, Question, Remedy, RemedyEdit, Severity, Sql, Verdict,
};
pub use workspace::{
    Blue, BlueKind, Changed, DocTypeFile, Fieldtype, FieldtypeKind, FileProblem, Link, Workspace,
    WorkspaceApp, WorkspaceDocType,
};

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Crossfade's page",
        description = "The API of `crossfade editor`, and under /api/releases that of `crossfade dashboard`; its own page uses it, nothing \
                       else may."
    ),
    paths(
        routes::workspace,
        routes::doctype,
        routes::verdict,
        routes::references,
        routes::duplicates,
        routes::save,
        routes::output,
        routes::events,
        dashboard::routes::releases,
        dashboard::routes::release,
        dashboard::routes::plan,
        dashboard::routes::say
    ),
    components(schemas(OutputKind, OutputPart, Releases, Release))
)]
struct Description;

/// The description of the API as `web/openapi.json` keeps it.
///
/// # Errors
/// Fails only if it cannot be written as JSON.
pub fn openapi() -> Result<String, serde_json::Error> {
    let mut document = serde_json::to_value(Description::openapi())?;
    // The program's version says nothing of the API, and would make the file stale with each release.
    if let Some(info) = document.get_mut("info").and_then(serde_json::Value::as_object_mut) {
        info.retain(|key, _| matches!(key.as_str(), "title" | "description"));
        info.insert("version".to_owned(), "1".into());
    }
    serde_json::to_string_pretty(&document).map(|text| format!("{text}\n"))
}
