//! What the live site says: facts read from its database by `schema`, without which a plan is made from files alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DataAnswer, DataQuestion};
use crate::doctype::{CustomField, DocType, PropertySetter, table_name};

/// The oldest MariaDB that the steps of a plan run on.
const LEAST_SERVER: (u32, u32) = (10, 6);

/// Facts of one site's database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Site {
    /// What the server says of itself, e.g. `10.11.19-MariaDB`; empty if it was not asked.
    pub server: String,
    /// Base tables by name.
    pub tables: BTreeMap<String, TableFacts>,
    /// Names of sequences.
    pub sequences: BTreeSet<String>,
    /// Patches that ran (whole lines), from `tabPatch Log`; `None` if it could not be read.
    pub patches: Option<BTreeSet<String>>,
    /// Apps installed on the site in order; empty if unknown (then all of the bench count).
    pub installed_apps: Vec<String>,
    /// Link fields whose values are names of DocTypes, those that only the site has too: DocType -> fields.
    pub doctype_links: BTreeMap<String, BTreeSet<String>>,
    /// Child DocTypes of the site's DocTypes, those of Custom Fields too: DocType -> child DocTypes.
    pub child_doctypes: BTreeMap<String, BTreeSet<String>>,
    /// Versions of the apps as the last migrate entered them, by app.
    pub app_versions: BTreeMap<String, String>,
    /// Custom Fields, by `DocType` and name.
    pub custom_fields: Vec<CustomField>,
    /// Property Setters that matter to the database, by their place.
    pub property_setters: Vec<PropertySetter>,
    /// `DocTypes` that live in this database alone, with their fields.
    pub custom_doctypes: Vec<DocType>,
    /// What the rows say to the questions of a plan.
    pub answers: Vec<(DataQuestion, DataAnswer)>,
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
    /// Bytes of rows and indexes, as the server says.
    pub bytes: u64,
    /// Columns in their order.
    pub columns: Vec<ColumnFacts>,
    /// Indexes but the primary key.
    pub indexes: Vec<IndexFacts>,
}

/// One column of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnFacts {
    /// Name.
    pub name: String,
    /// `COLUMN_TYPE`, e.g. `varchar(140)`.
    pub column_type: String,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// Default as `information_schema` shows it.
    pub default: Option<String>,
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
    /// Whether it is on a part of a value: the first characters, words (FULLTEXT), a hash.
    pub partial: bool,
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
            for custom in site.custom_fields.iter_mut().filter(|custom| custom.doctype == *old) {
                custom.doctype.clone_from(new);
            }
            for setter in site.property_setters.iter_mut().filter(|setter| setter.doctype == *old) {
                setter.doctype.clone_from(new);
            }
            for by_doctype in [&mut site.doctype_links, &mut site.child_doctypes] {
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

    /// Why the steps of a plan cannot run on this server; `None` if they can, or if it was not asked.
    pub(crate) fn server_obstacle(&self) -> Option<String> {
        let needed = format!("MariaDB {}.{} or newer is needed", LEAST_SERVER.0, LEAST_SERVER.1);
        if self.server.is_empty() {
            return None;
        }
        if !self.server.contains("MariaDB") {
            return Some(format!("the site's server is {:.40}: {needed}", self.server));
        }
        // Old clients are told 5.5.5 first (`5.5.5-10.6.18-MariaDB`).
        let version = self.server.trim_start_matches("5.5.5-");
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        (version < LEAST_SERVER).then(|| format!("the site's server is {:.40}: {needed}", self.server))
    }

    /// A Custom Field of the site.
    pub(crate) fn custom_field(&self, doctype: &str, field: &str) -> Option<&CustomField> {
        self.custom_fields.iter().find(|custom| custom.doctype == doctype && custom.field.fieldname == field)
    }

    /// What the rows say to a question, if it was asked.
    pub(crate) fn answer(&self, question: &DataQuestion) -> Option<&DataAnswer> {
        self.answers.iter().find(|(asked, _)| asked == question).map(|(_, answer)| answer)
    }
}

impl TableFacts {
    /// The live type of a column; names are compared as MariaDB does, without case.
    pub fn column(&self, name: &str) -> Option<&str> {
        let found = self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        found.map(|column| column.column_type.as_str())
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
