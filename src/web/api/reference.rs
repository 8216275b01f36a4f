//! What a rename meets elsewhere, and what stands in the way of a unique index.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Drafts;

/// What is about to be renamed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RenameQuestion {
    /// What is edited already: references are looked for in it first, then in the files.
    #[serde(flatten)]
    pub drafts: Drafts,
    /// The DocType, by its name as it is edited.
    pub doctype: String,
    /// The field; none if the DocType itself is renamed.
    #[serde(default)]
    pub field: Option<String>,
    /// The new name.
    pub to: String,
}

/// One property that names what is renamed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Reference {
    /// DocType that refers.
    pub doctype: String,
    /// Its field; none for a property of the DocType.
    pub field: Option<String>,
    /// The property, e.g. `fetch_from`.
    pub property: String,
    /// Its value as it is edited, or as the file has it; for people.
    pub before: String,
    /// Its value with the new name, for people.
    pub after: String,
    /// The same as it is to be set.
    pub value: serde_json::Value,
}

/// Which values are to be looked for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DuplicatesQuestion {
    /// The DocType.
    pub doctype: String,
    /// The field.
    pub field: String,
    /// Renames that are declared: the live table has the old names.
    #[serde(default)]
    pub renames: Vec<super::Rename>,
    /// Name of the DocType on the site, if it is renamed.
    #[serde(default)]
    pub renamed_from: Option<String>,
}

/// Values that several rows have, as a unique index compares them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Duplicates {
    /// Rows that share their value with another.
    pub rows: u64,
    /// Different values that several rows have.
    pub values: u64,
    /// Rows that were looked at; of a whole table the optimiser's guess.
    pub of: u64,
    /// Whether that is a sample.
    pub sampled: bool,
    /// Why there is no answer, if there is none.
    pub unanswered: Option<String>,
    /// Some of the values.
    pub examples: Vec<DuplicateExample>,
}

/// One value that several rows have.
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateExample {
    /// The value as text, cut; none for NULL.
    pub value: Option<String>,
    /// Rows that have it.
    pub rows: u64,
}
