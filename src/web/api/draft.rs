//! What is edited in the page and not saved yet.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Everything that is edited: what a verdict is asked about, and what a save writes.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
pub struct Drafts {
    /// DocTypes that differ from their files.
    pub drafts: Vec<DraftBody>,
    /// Fields whose values go along to another name.
    #[serde(default)]
    pub renames: Vec<Rename>,
    /// Lines of `patches.txt` that a human has read and found harmless to the running version.
    #[serde(default)]
    pub accepted_patches: Vec<String>,
}

/// One DocType as it is edited.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub struct DraftBody {
    /// Name of the DocType in its file; of a new one the name that it was made with.
    pub id: String,
    /// App that holds it.
    pub app: String,
    /// Digest of the file that was read; none for a new DocType.
    #[serde(default)]
    pub digest: Option<String>,
    /// The whole document; none if the DocType is to be removed. The order of `field_order` counts, as in Frappe's import.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub document: Option<Map<String, Value>>,
    /// The name that it had, if the DocType is renamed: table and rows go along.
    #[serde(default)]
    pub renamed_from: Option<String>,
}

/// A field that keeps its values under another name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Rename {
    /// The DocType, by its name as it is edited.
    pub doctype: String,
    /// Name of the field in the file.
    pub from: String,
    /// Name of the field as it is edited.
    pub to: String,
}
