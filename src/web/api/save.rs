//! What a save answers.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Saved {
    /// Always `saved`.
    pub kind: SavedKind,
    /// The same in a sentence.
    pub message: String,
    /// Files that were written, moved or removed: `APP/PATH`.
    pub written: Vec<String>,
    /// What is left to do by hand, a sentence each.
    pub left: Vec<String>,
}

/// Marks [`Saved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SavedKind {
    /// Everything is written.
    Saved,
}

/// Files that changed on disk since they were read: nothing was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conflict {
    /// Always `conflict`.
    pub kind: ConflictKind,
    /// The files.
    pub files: Vec<ConflictFile>,
}

/// Marks [`Conflict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConflictKind {
    /// Nothing is written.
    Conflict,
}

/// One file that changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictFile {
    /// The draft's `id`.
    pub id: String,
    /// Path within the app's checkout.
    pub path: String,
    /// Digest of the file as it is now; none if it is gone.
    pub digest: Option<String>,
    /// The document as it is now; none if it is gone or cannot be read.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub document: Option<Map<String, Value>>,
}
