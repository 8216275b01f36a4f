//! What the live site says: facts read from its database by `schema`, without which a plan is made from files alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Facts of one site's database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Site {
    /// Base tables by name.
    pub tables: BTreeMap<String, TableFacts>,
    /// Names of sequences.
    pub sequences: BTreeSet<String>,
    /// Patches that ran (whole lines), from `tabPatch Log`; `None` if it could not be read.
    pub patches: Option<BTreeSet<String>>,
    /// Apps installed on the site in order; empty if unknown (then all of the bench count).
    pub installed_apps: Vec<String>,
    /// Custom Fields by DocType: names of fields.
    pub custom_fields: BTreeMap<String, BTreeSet<String>>,
}

/// Facts of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableFacts {
    /// Storage engine, e.g. `InnoDB`.
    pub engine: String,
    /// Row format, e.g. `Dynamic`.
    pub row_format: String,
    /// Number of rows as the optimiser guesses it.
    pub rows: u64,
    /// Columns: name -> `COLUMN_TYPE`.
    pub columns: BTreeMap<String, String>,
    /// Indexes but the primary key.
    pub indexes: Vec<IndexFacts>,
}

/// One index of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexFacts {
    /// Name.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<String>,
    /// Whether it is unique.
    pub unique: bool,
}

impl TableFacts {
    /// The live type of a column; names are compared as MariaDB does, without case.
    pub fn column(&self, name: &str) -> Option<&str> {
        let found = self.columns.iter().find(|(column, _)| column.eq_ignore_ascii_case(name));
        found.map(|(_, column_type)| column_type.as_str())
    }

    /// Whether an index over exactly these columns is there.
    pub fn has_index(&self, columns: &[String], unique: bool) -> bool {
        self.indexes.iter().any(|index| index.columns == columns && (index.unique || !unique))
    }
}

/// Whether MariaDB reports this live type for a column defined so (`json` is longtext, widths of integers are display).
pub(crate) fn is_same_type(live: &str, defined: &str) -> bool {
    let normal = |column_type: &str| {
        let column_type = column_type.trim().to_ascii_lowercase();
        match column_type.as_str() {
            "json" => "longtext".to_owned(),
            "int" => "int(11)".to_owned(),
            "bigint" => "bigint(20)".to_owned(),
            "tinyint" => "tinyint(4)".to_owned(),
            _ => column_type,
        }
    };
    normal(live) == normal(defined)
}
