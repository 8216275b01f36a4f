//! What a patch does to the database, as far as its code says: read from Python that is never run (`crate::patch`).

use serde::{Deserialize, Serialize};

use super::CustomField;

/// One thing that a patch does, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// File within the app that holds the call, e.g. `crm/patches/v1_0/rename.py`.
    pub file: String,
    /// Line in it, from 1.
    pub line: u32,
    /// Whether it always happens.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
}

/// Whether an effect happens. The order is how little is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Whenever the patch runs.
    #[default]
    Always,
    /// If a DocType, table or field is there: what the planner knows as well.
    Schema,
    /// Under a condition on data, settings or anything else.
    Conditional,
}

impl When {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_always(&self) -> bool {
        *self == Self::Always
    }
}

/// What is done to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// New rows.
    Insert,
    /// Other values in rows.
    Update,
    /// Rows that go.
    Delete,
}

/// Which rows a statement touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// One at a time, by its name.
    Named,
    /// Those of a condition.
    Some,
    /// All of the table: there is no WHERE.
    All,
}

/// What a patch does. Reads, prints and commits are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
pub enum Action {
    /// `rename_field`: copies a column, or renames rows of a child table or of `tabSingles`.
    RenameField {
        /// DocType of the field.
        doctype: String,
        /// Name before.
        old: String,
        /// Name after.
        new: String,
    },
    /// `db.rename_column`: the same by DDL.
    RenameColumn {
        /// DocType of the column.
        doctype: String,
        /// Name before.
        old: String,
        /// Name after.
        new: String,
    },
    /// `rename_doc`: another name for a document; for a DocType, for its table.
    RenameDocument {
        /// DocType of the document, often `DocType`.
        doctype: String,
        /// Name before.
        old: String,
        /// Name after.
        new: String,
    },
    /// `delete_doc`.
    DeleteDocument {
        /// DocType of the document.
        doctype: String,
        /// Its name, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Loads from files what migrate's sync loads anyhow.
    Reload,
    /// Rows of a table are written by a statement.
    WriteRows {
        /// What is done.
        verb: Verb,
        /// Table name without its database.
        table: String,
        /// Columns that are set; empty for a delete or if they are not known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        columns: Vec<String>,
        /// Which rows.
        rows: Rows,
    },
    /// Values of a Single.
    WriteSingle {
        /// The Single.
        doctype: String,
        /// Its fields; empty if they are not known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
    },
    /// A document is written through its class.
    WriteDocument {
        /// DocType of the document, or of its parent.
        doctype: String,
        /// Field of the parent that holds the row, for a row of a child table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        /// What is done.
        verb: Verb,
        /// Fields that are set, if only they are (`db_set`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
        /// Whether the hooks of its class run (`save`, `insert`), which may write anything.
        hooks: bool,
    },
    /// A Custom Field is made.
    CustomField {
        /// The field and its DocType.
        field: Box<CustomField>,
    },
    /// A Property Setter is made.
    PropertySetter {
        /// DocType that it is for.
        doctype: String,
        /// Property that it sets.
        property: String,
    },
    /// An index is added.
    AddIndex {
        /// Table name without its database.
        table: String,
        /// Name of the index.
        name: String,
        /// Its columns.
        columns: Vec<String>,
        /// Whether it is unique.
        unique: bool,
    },
    /// DDL of the patch's own.
    Ddl {
        /// Table name without its database.
        table: String,
        /// What it does, e.g. `DROP COLUMN`.
        verb: String,
        /// The statement, shortened.
        text: String,
    },
    /// A call that could not be resolved.
    Unknown {
        /// The source text of the call, shortened.
        text: String,
        /// Why.
        why: String,
    },
}
