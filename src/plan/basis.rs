//! What a plan was made of, so that it is not run on anything else: the apps of both versions and the live schema.
//!
//! Rows may come and go. Columns, indexes, Custom Fields, Property Setters, patches that ran and versions of apps may
//! not: each can make another plan necessary. What the plan's own steps do is no move: a release that was killed goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Plan, Site, Step, TableFacts};
use crate::doctype::{self, Snapshot};

/// How many moves are named at most.
const MOST_MOVES: usize = 12;
/// What tables of Crossfade itself begin with: its own, and those that a rollback put aside.
const OWN: [&str; 2] = ["__crossfade", "crossfade_parked_"];

/// What a plan was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Basis {
    /// Hash of blue's snapshot.
    pub blue_apps: String,
    /// Hash of green's snapshot.
    pub green_apps: String,
    /// The live site; none for a plan that was made from files alone.
    pub site: Option<SiteBasis>,
}

/// The live schema that a plan was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SiteBasis {
    /// What the server said of itself.
    pub server: String,
    /// Apps installed on the site, in order.
    pub installed_apps: Vec<String>,
    /// Versions of the apps as the last migrate entered them.
    pub app_versions: BTreeMap<String, String>,
    /// Beginning of the BLAKE3 of the patches that had run; none if they could not be read.
    pub patches: Option<String>,
    /// Custom Fields, Property Setters and custom DocTypes by name, with the beginning of the BLAKE3 of what they say.
    pub customisations: BTreeMap<String, String>,
    /// Tables by name.
    pub tables: BTreeMap<String, TableBasis>,
}

/// One table that a plan was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TableBasis {
    /// Beginning of the BLAKE3 over columns and indexes.
    pub digest: String,
    /// Columns with type, NULL and default: of the tables that the plan's steps touch.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// Indexes with their columns: of the same tables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<String, String>,
}

impl Basis {
    /// The basis of a plan whose steps are these.
    ///
    /// # Errors
    /// Fails only if a snapshot cannot be written.
    pub(crate) fn of([blue, green]: [&Snapshot; 2], site: Option<&Site>, steps: &[Step]) -> io::Result<Self> {
        let site = site.map(|site| {
            let own = Own::of(steps);
            SiteBasis::of(site, |table| own.tables.contains_key(table))
        });
        let (blue_apps, green_apps) = rayon::join(|| blue.digest(), || green.digest());
        Ok(Self { blue_apps: blue_apps?, green_apps: green_apps?, site })
    }
}

impl SiteBasis {
    fn of(site: &Site, is_touched: impl Fn(&str) -> bool) -> Self {
        let tables = site.tables.iter().filter(|(name, _)| !is_own(name));
        let tables = tables.map(|(name, table)| {
            let (columns, indexes) = (columns(table), indexes(table));
            let digest = digest(&(&columns, &indexes));
            let basis = if is_touched(name) {
                TableBasis { digest, columns, indexes }
            } else {
                TableBasis { digest, ..TableBasis::default() }
            };
            (name.clone(), basis)
        });
        Self {
            server: site.server.clone(),
            installed_apps: site.installed_apps.clone(),
            app_versions: site.app_versions.clone(),
            patches: site.patches.as_ref().map(digest),
            customisations: customisations(site),
            tables: tables.collect(),
        }
    }
}

impl Plan {
    /// What has moved on the site since the plan was made, a sentence each; nothing for a plan without a site.
    ///
    /// `is_begun` says that the plan's steps have begun to run: then what they name is their own doing, and so is what
    /// they enter in metadata.
    pub fn moved(&self, site: &Site, is_begun: bool) -> Vec<String> {
        let Some(basis) = &self.basis.site else { return Vec::new() };
        let own = if is_begun { Own::of(&self.expand) } else { Own::default() };
        let now = SiteBasis::of(site, |table| {
            basis.tables.get(table).is_some_and(|known| !known.columns.is_empty())
        });
        let mut moves = Vec::new();
        for (name, table) in &now.tables {
            match basis.tables.get(name) {
                Some(known) => table_moves(name, known, table, own.tables.get(name), &mut moves),
                None if own.created.contains(name) => {}
                None => moves.push(format!("the table {name} is new")),
            }
        }
        let gone = basis.tables.keys().filter(|name| !now.tables.contains_key(*name));
        let gone = gone.filter(|name| !own.renamed.contains(*name));
        moves.extend(gone.map(|name| format!("the table {name} is gone")));
        if !is_begun {
            entry_moves(&basis.customisations, &now.customisations, &mut moves);
            self.patch_moves(basis, &now, site, &mut moves);
            if basis.installed_apps != now.installed_apps {
                moves.push(format!("the site has the apps {}", now.installed_apps.join(", ")));
            }
            for (app, version) in &now.app_versions {
                let known = basis.app_versions.get(app).map_or("not there", String::as_str);
                if known != version {
                    moves.push(format!("{app} was {known} and is {version}: somebody has migrated the site"));
                }
            }
        }
        let more = moves.len().saturating_sub(MOST_MOVES);
        moves.truncate(MOST_MOVES);
        if more > 0 {
            moves.push(format!("and {more} more"));
        }
        moves
    }

    fn patch_moves(&self, basis: &SiteBasis, now: &SiteBasis, site: &Site, moves: &mut Vec<String>) {
        if basis.patches == now.patches {
            return;
        }
        let log = site.patches.iter().flatten().collect::<BTreeSet<_>>();
        let ran: Vec<String> = self.patches.iter().filter(|patch| log.contains(patch)).cloned().collect();
        moves.push(if ran.is_empty() {
            "other patches ran than those in the Patch Log before".to_owned()
        } else {
            format!("patches of green have run: {}", ran.join(", "))
        });
    }
}

/// What a plan's own steps name.
#[derive(Default)]
struct Own {
    created: BTreeSet<String>,
    /// Tables that get another name.
    renamed: BTreeSet<String>,
    /// Table -> columns, in lower case.
    tables: BTreeMap<String, BTreeSet<String>>,
}

impl Own {
    fn of(steps: &[Step]) -> Self {
        let mut own = Self::default();
        for step in steps {
            let undone = step.undo.iter().map(|undo| &undo.effect);
            for effect in std::iter::once(&step.effect).chain(undone) {
                effect.parts().iter().for_each(|part| own.enter(part));
            }
        }
        own
    }

    fn enter(&mut self, effect: &Effect) {
        let mut name = |table: &str, columns: &mut dyn Iterator<Item = &String>| {
            let known = self.tables.entry(table.to_owned()).or_default();
            known.extend(columns.map(|column| column.to_lowercase()));
        };
        match effect {
            Effect::TableExists { table } => {
                self.created.insert(table.clone());
            }
            Effect::TableRenamed { from, to, .. } => {
                self.created.extend([from.clone(), to.clone()]);
                self.renamed.insert(from.clone());
            }
            Effect::ColumnsExist { table, columns }
            | Effect::ColumnsAbsent { table, columns }
            | Effect::IndexExists { table, columns, .. }
            | Effect::IndexUsed { table, columns, .. }
            | Effect::IndexAbsent { table, columns, .. } => name(table, &mut columns.iter()),
            Effect::ColumnsAre { table, columns } => name(table, &mut columns.keys()),
            Effect::TableAbsent { table } => {
                self.renamed.insert(table.clone());
            }
            Effect::NoRows { table, .. } | Effect::RowExists { table, .. } => {
                name(table, &mut std::iter::empty());
            }
            Effect::TriggerExists { .. }
            | Effect::TriggerAbsent { .. }
            | Effect::TriggerSays { .. }
            | Effect::BlueShows { .. }
            | Effect::SequenceExists { .. }
            | Effect::SequenceAbsent { .. }
            | Effect::All { .. } => {}
        }
    }
}

fn table_moves(
    name: &str,
    known: &TableBasis,
    now: &TableBasis,
    own: Option<&BTreeSet<String>>,
    moves: &mut Vec<String>,
) {
    if known.digest == now.digest {
        return;
    }
    if known.columns.is_empty() {
        moves.push(format!("{name} has other columns or indexes"));
        return;
    }
    let is_own = |column: &str| own.is_some_and(|own| own.contains(&column.to_lowercase()));
    for (column, shape) in &now.columns {
        match known.columns.get(column) {
            _ if is_own(column) => {}
            Some(before) if before == shape => {}
            Some(before) => moves.push(format!("the column {column} of {name} was {before} and is {shape}")),
            None => moves.push(format!("the column {column} of {name} is new")),
        }
    }
    let gone = known.columns.keys().filter(|column| !now.columns.contains_key(*column) && !is_own(column));
    moves.extend(gone.map(|column| format!("the column {column} of {name} is gone")));
    let of_own =
        |columns: &str| columns.split(' ').next_back().is_some_and(|list| list.split(',').any(is_own));
    for (index, columns) in &now.indexes {
        if known.indexes.get(index) != Some(columns) && !of_own(columns) {
            moves.push(format!("the index {index} of {name} is new or another"));
        }
    }
    let gone =
        known.indexes.iter().filter(|(index, columns)| !now.indexes.contains_key(*index) && !of_own(columns));
    moves.extend(gone.map(|(index, _)| format!("the index {index} of {name} is gone")));
}

fn entry_moves(known: &BTreeMap<String, String>, now: &BTreeMap<String, String>, moves: &mut Vec<String>) {
    for (name, digest) in now {
        match known.get(name) {
            Some(before) if before == digest => {}
            Some(_) => moves.push(format!("the {name} is another")),
            None => moves.push(format!("the {name} is new")),
        }
    }
    moves.extend(
        known.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("the {name} is gone")),
    );
}

fn customisations(site: &Site) -> BTreeMap<String, String> {
    let fields = site.custom_fields.iter().map(|custom| {
        (format!("Custom Field {}.{}", custom.doctype, custom.field.fieldname), digest(&custom.field))
    });
    let setters = site.property_setters.iter().map(|setter| {
        let field = setter.field.as_ref().map_or(String::new(), |field| format!(".{field}"));
        let name = format!("Property Setter {}{field} of {}", setter.doctype, setter.property);
        (name, digest(&setter.value))
    });
    let doctypes = site.custom_doctypes.iter();
    let doctypes = doctypes.map(|doctype| (format!("custom DocType {}", doctype.name), digest(doctype)));
    fields.chain(setters).chain(doctypes).collect()
}

fn columns(table: &TableFacts) -> BTreeMap<String, String> {
    let columns = table.columns.iter().map(|column| {
        let null = if column.nullable { "" } else { " NOT NULL" };
        // MariaDB says NULL for a column that takes it and has no other default.
        let default = column.default.as_ref().filter(|default| *default != "NULL");
        let default = default.map_or(String::new(), |default| format!(" DEFAULT {default}"));
        (column.name.clone(), format!("{}{null}{default}", column.column_type))
    });
    columns.collect()
}

fn indexes(table: &TableFacts) -> BTreeMap<String, String> {
    let indexes = table.indexes.iter().map(|index| {
        let word = if index.unique { "unique " } else { "" };
        (index.name.clone(), format!("{word}{}", index.columns.join(",")))
    });
    indexes.collect()
}

fn is_own(table: &str) -> bool {
    OWN.iter().any(|prefix| table.starts_with(prefix))
}

/// Enough of a hash to tell whether something is another.
fn digest(value: &impl Serialize) -> String {
    let mut hash = doctype::digest::of_value(value).unwrap_or_default();
    hash.truncate(16);
    hash
}
