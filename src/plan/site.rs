//! What the live site says: facts read from its database by `schema`, without which a plan is made from files alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::doctype::table_name;

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
    /// Link fields whose values are names of DocTypes, those that only the site has too: DocType -> fields.
    pub doctype_links: BTreeMap<String, BTreeSet<String>>,
    /// Child DocTypes of the site's DocTypes, those of Custom Fields too: DocType -> child DocTypes.
    pub child_doctypes: BTreeMap<String, BTreeSet<String>>,
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

impl Site {
    /// The same facts under the names that green gives to DocTypes (`new -> old`), as if the tables were renamed already.
    pub(crate) fn under_new_names(&self, doctypes: &BTreeMap<String, String>) -> Self {
        let mut site = self.clone();
        for (new, old) in doctypes {
            let (from, to) = (table_name(old), table_name(new));
            if !site.tables.contains_key(&to)
                && let Some(facts) = site.tables.remove(&from)
            {
                site.tables.insert(to, facts);
            }
            for by_doctype in [&mut site.custom_fields, &mut site.doctype_links, &mut site.child_doctypes] {
                if let Some(entry) = by_doctype.remove(old) {
                    by_doctype.entry(new.clone()).or_default().extend(entry);
                }
            }
            for children in site.child_doctypes.values_mut() {
                if children.remove(old) {
                    children.insert(new.clone());
                }
            }
        }
        site
    }
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
