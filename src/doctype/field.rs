//! One field of a DocType.

use serde::{Deserialize, Serialize};

use super::file::{FieldEntry, Whole};
use super::json::Object;
use super::{ColumnShape, FrappeVersion};

/// Fieldtypes whose options are the name of a DocType.
pub const TARGET_TYPES: [&str; 3] = ["Link", "Table", "Table MultiSelect"];
/// Fieldtypes whose rows live in a child table.
pub(super) const TABLE_TYPES: [&str; 2] = ["Table", "Table MultiSelect"];

/// A DocField, with what matters to the database and to both versions living together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of Frappe's own DocField")]
pub struct DocField {
    /// Column name, and the key in documents.
    pub fieldname: String,
    /// Frappe's name of the type, e.g. `Small Text`.
    pub fieldtype: String,
    /// What users see; counts for telling a rename from a field that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Link target, Select options (one a line), child DocType: as the type wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
    /// Default as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Length as written; 0 if none is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub length: u32,
    /// Decimals as written; counts for decimals before 13.12 alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub precision: u32,
    /// Whether a document without it is refused (the database does not know).
    #[serde(default, skip_serializing_if = "is_false")]
    pub reqd: bool,
    /// Whether its column has a unique index.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Whether its column has an index.
    #[serde(default, skip_serializing_if = "is_false")]
    pub search_index: bool,
    /// Whether it is computed and has no column.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_virtual: bool,
    /// Whether its column refuses NULL (version 16).
    #[serde(default, skip_serializing_if = "is_false")]
    pub not_nullable: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(set: &bool) -> bool {
    !*set
}

impl DocField {
    /// Reads one entry of `fields` as a file or a row of `tabDocField` has it; `None` for an entry without a name
    /// (layout fields may lack one).
    ///
    /// # Errors
    /// The reason, if the name cannot be one of a column.
    pub fn read(object: &Object) -> Result<Option<Self>, String> {
        let entry = FieldEntry::deserialize(object).map_err(|error| error.to_string())?;
        Self::from_entry(entry)
    }

    /// The same of an entry that was read without a tree of its JSON.
    ///
    /// # Errors
    /// The reason, if the name cannot be one of a column.
    pub(super) fn from_entry(entry: FieldEntry) -> Result<Option<Self>, String> {
        let Some(fieldname) = entry.fieldname.0 else { return Ok(None) };
        check_name(&fieldname)?;
        let unsigned = |number: &Whole| u32::try_from(number.0).unwrap_or(0);
        Ok(Some(Self {
            fieldname,
            fieldtype: entry.fieldtype.0.unwrap_or_else(|| "Data".to_owned()),
            label: entry.label.0,
            options: entry.options.0,
            default: entry.default.0,
            length: unsigned(&entry.length),
            precision: unsigned(&entry.precision),
            reqd: entry.reqd.is_set(),
            unique: entry.unique.is_set(),
            search_index: entry.search_index.is_set(),
            is_virtual: entry.is_virtual.is_set(),
            not_nullable: entry.not_nullable.is_set(),
        }))
    }

    /// Whether its options are the name of a DocType.
    pub fn has_target(&self) -> bool {
        TARGET_TYPES.contains(&self.fieldtype.as_str())
    }

    /// Whether its values are rows of a child table.
    pub fn is_table(&self) -> bool {
        TABLE_TYPES.contains(&self.fieldtype.as_str()) && !self.is_virtual
    }

    /// Whether it holds a value of the document itself, kept in a column or a row of `tabSingles`, or computed.
    pub fn is_value(&self) -> bool {
        // Which version is asked does not matter: all of them give the same fieldtypes a column.
        ColumnShape::is_type(&self.fieldtype, FrappeVersion::ASSUMED)
    }

    /// Whether its value is kept in the database with the document.
    pub fn is_stored(&self) -> bool {
        self.is_value() && !self.is_virtual
    }

    /// Whether its default is made by Frappe at each insert, such as `Today`, and never one of the column.
    pub fn has_computed_default(&self) -> bool {
        self.default.as_deref().is_some_and(super::column::is_computed)
    }

    /// The child DocType of a table field.
    pub fn child(&self) -> Option<&str> {
        self.options.as_deref().filter(|_| self.is_table())
    }
}

/// MariaDB takes at most 64 characters and no NUL; everything else is a matter of quoting.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    if length > 64 {
        return Err(format!(
            "the fieldname {:?}... has {length} characters, a column may have 64",
            &cut(name)
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("the fieldname {name:?} has control characters"));
    }
    Ok(())
}

fn cut(name: &str) -> String {
    name.chars().take(20).collect()
}
