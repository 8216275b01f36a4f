//! Texts to take along.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// Statements, as `crossfade plan --output sql`.
    Sql,
    /// The plan for people, as `crossfade plan`.
    Plan,
    /// The plan as JSON, as `crossfade plan --output json`.
    Json,
    /// A comment for a pull request, as `crossfade plan --output markdown`.
    Markdown,
    /// The parts of a FrappeRelease that this plan needs, as YAML.
    Release,
}

/// Which statements of `sql`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputPart {
    /// Those before green.
    #[default]
    Expand,
    /// Those that take them back.
    Undo,
    /// Those once blue is gone.
    Contract,
}

/// What belongs to a text.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OutputQuery {
    /// With `sql`: which statements are there to run; the others are comments. Default: `expand`.
    #[serde(default)]
    #[param(required = false)]
    pub part: OutputPart,
}
