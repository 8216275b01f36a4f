//! One file a kind of change: each looks at a pair of DocTypes (or of fields) and says what it finds.
//!
//! To add a kind: a file with a `find` function, its line in [`of_doctype`] or [`of_field`], a golden script in
//! `plan/testscripts`.

mod autoname;
mod child_table_added;
mod child_table_removed;
mod column_changed;
pub(crate) mod custom_field;
mod default_changed;
mod doctype_added;
mod doctype_name;
mod doctype_removed;
pub(crate) mod doctype_renamed;
mod drift;
mod field_added;
mod field_removed;
mod field_renamed;
mod index_changed;
mod link_target;
mod not_null;
pub(crate) mod on_update;
mod pair;
pub(crate) mod patch_added;
mod patch_ddl;
mod patch_effect;
pub(crate) mod patch_log;
pub(crate) mod patch_rename;
pub(crate) mod patch_rows;
pub(crate) mod platform_type;
mod reqd_changed;
mod rows;
mod select_options;
mod sort_index;
mod table_kind;
mod track_seen;
mod unique_changed;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::doctype::{App, ColumnShape, CustomField, DocField, DocType, FrappeVersion, Storage, table_name};

use super::operation::Operation;
use super::{Change, DataAnswer, DataQuestion, Renames, Site, TableFacts, Verdict, explain};

/// Both versions of a site, as the kinds of change see them.
pub(crate) struct Versions<'a> {
    pub(crate) blue: BTreeMap<&'a str, (&'a App, &'a DocType)>,
    pub(crate) green: BTreeMap<&'a str, (&'a App, &'a DocType)>,
    pub(crate) blue_frappe: FrappeVersion,
    pub(crate) green_frappe: FrappeVersion,
    pub(crate) site: Option<&'a Site>,
    pub(crate) renames: &'a Renames,
}

impl Versions<'_> {
    /// The live table of a DocType.
    pub(crate) fn live(&self, doctype: &str) -> Option<&TableFacts> {
        let tables = &self.site?.tables;
        // The facts stand under green's names.
        let new = || self.renames.doctypes.iter().find(|(_, old)| *old == doctype).map(|(new, _)| new);
        tables.get(&table_name(doctype)).or_else(|| tables.get(&table_name(new()?)))
    }

    /// A Custom Field of the site, by either name of its DocType.
    pub(crate) fn custom_field(&self, doctype: &str, field: &str) -> Option<&CustomField> {
        let site = self.site?;
        let new = || self.renames.doctypes.iter().find(|(_, old)| *old == doctype).map(|(new, _)| new);
        site.custom_field(doctype, field).or_else(|| site.custom_field(new()?, field))
    }

    /// Whether blue calls this DocType by another name.
    pub(crate) fn blue_name<'b>(&'b self, green: &'b str) -> &'b str {
        self.renames.doctypes.get(green).map_or(green, String::as_str)
    }
}

/// One DocType in both versions; at least one of them has it.
pub(crate) struct Pair<'a> {
    /// App that holds it (green's, unless only blue has it).
    pub(crate) app: &'a str,
    /// Blue's DocType, under its old name if it was renamed.
    pub(crate) blue: Option<&'a DocType>,
    /// Green's DocType.
    pub(crate) green: Option<&'a DocType>,
}

/// A field with its column, if it has one.
#[derive(Clone)]
pub(crate) struct Side<'a> {
    pub(crate) field: &'a DocField,
    pub(crate) shape: Option<ColumnShape>,
}

/// One field of a DocType that both versions have; at least one of them has the field.
pub(crate) struct FieldPair<'a> {
    pub(crate) app: &'a str,
    pub(crate) blue_doctype: &'a DocType,
    pub(crate) green_doctype: &'a DocType,
    /// Name of the field in green, or in blue where green has none.
    pub(crate) name: &'a str,
    pub(crate) blue: Option<Side<'a>>,
    pub(crate) green: Option<Side<'a>>,
    /// Blue's column as green's version of Frappe would define it: what differs from it is the field's doing.
    pub(crate) blue_now: Option<ColumnShape>,
}

/// Changes with what they ask of the database.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) changes: Vec<Change>,
    pub(crate) operations: Vec<Operation>,
    /// What the rows of the live site could tell.
    pub(crate) asked: Vec<DataQuestion>,
    /// Changes that ask nothing of the database.
    pub(crate) idle: Idle,
    /// How many operations are those of the changes before.
    taken: usize,
}

/// Changes by DocType, field and kind.
pub(crate) type Idle = BTreeSet<(String, Option<String>, String)>;

/// What the kinds of change differ in; the rest of a [`Change`] follows from its place.
pub(crate) struct Found {
    pub(crate) kind: &'static str,
    pub(crate) cls: &'static str,
    pub(crate) ddl: bool,
    pub(crate) old: Value,
    pub(crate) new: Value,
    pub(crate) verdict: Verdict,
    pub(crate) why: String,
}

impl Findings {
    /// Adds what was found elsewhere.
    pub(crate) fn extend(&mut self, all: Vec<Self>) {
        self.changes.reserve(all.iter().map(|more| more.changes.len()).sum());
        self.operations.reserve(all.iter().map(|more| more.operations.len()).sum());
        for more in all {
            self.changes.extend(more.changes);
            self.operations.extend(more.operations);
            self.asked.extend(more.asked);
            self.idle.extend(more.idle);
        }
    }

    /// Enters a change of a DocType as a whole.
    pub(crate) fn doctype(&mut self, pair: &Pair<'_>, found: Found) {
        let Some(doctype) = pair.green.or(pair.blue) else { return };
        self.enter(pair.app, doctype, None, (found, None));
    }

    /// Enters a change of a field.
    pub(crate) fn field(&mut self, pair: &FieldPair<'_>, found: Found) {
        self.field_with(pair, found, None);
    }

    /// Enters a change of a field with what the rows say to it.
    pub(crate) fn field_with(&mut self, pair: &FieldPair<'_>, found: Found, data: Option<DataAnswer>) {
        self.enter(pair.app, pair.green_doctype, Some(pair.name), (found, data));
    }

    /// What the change entered before asks of the database, the next one needs as well.
    fn shares(&mut self) {
        self.taken = 0;
    }

    fn enter(
        &mut self,
        app: &str,
        doctype: &DocType,
        field: Option<&str>,
        (found, data): (Found, Option<DataAnswer>),
    ) {
        let Found { kind, cls, ddl, old, new, verdict, why } = found;
        let present = |value: Value| Some(value).filter(|value| !value.is_null());
        self.changes.push(Change {
            app: app.to_owned(),
            doctype: doctype.name.clone(),
            kind: kind.to_owned(),
            field: field.map(str::to_owned),
            old: present(old),
            new: present(new),
            storage: doctype.storage().as_str().to_owned(),
            ddl,
            cls: cls.to_owned(),
            verdict,
            why,
            naive: String::new(),
            data,
            steps: Vec::new(),
        });
        // What a change asks of the database is entered before it.
        if self.operations.len() == self.taken {
            self.idle.extend(self.changes.last().map(explain::place));
        }
        self.taken = self.operations.len();
    }
}

/// Everything that differs in one DocType, fields included.
pub(crate) fn of_doctype(pair: &Pair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    doctype_added::find(pair, versions, findings);
    doctype_removed::find(pair, findings);
    let (Some(blue), Some(green)) = (pair.blue, pair.green) else { return };
    table_kind::find(pair, findings);
    if green.storage() == Storage::Virtual || blue.storage() == Storage::Virtual {
        return;
    }
    autoname::find(pair, findings);
    track_seen::find(pair, versions, findings);
    sort_index::find(pair, versions, findings);
    for field in field_pairs(pair.app, blue, green, versions) {
        of_field(&field, versions, findings);
    }
    drift::find(pair, versions, findings);
}

fn of_field(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    field_renamed::find(field, versions, findings);
    field_added::find(field, versions, findings);
    child_table_added::find(field, versions, findings);
    field_removed::find(field, findings);
    child_table_removed::find(field, findings);
    column_changed::find(field, versions, findings);
    default_changed::find(field, findings);
    not_null::find(field, versions, findings);
    reqd_changed::find(field, versions, findings);
    select_options::find(field, versions, findings);
    link_target::find(field, versions, findings);
    unique_changed::find(field, versions, findings);
    index_changed::find(field, versions, findings);
}

/// Green's fields in their order (which is the order of new columns), then those that only blue has. A field that a
/// patch renames stands beside the one it was.
fn field_pairs<'a>(
    app: &'a str,
    blue: &'a DocType,
    green: &'a DocType,
    versions: &Versions<'_>,
) -> Vec<FieldPair<'a>> {
    // Most DocTypes: what is the same to the letter holds no change, whatever the version of Frappe makes of it.
    let has_renames = || versions.renames.fields.keys().any(|(doctype, _)| *doctype == green.name);
    if blue.fields == green.fields && !has_renames() {
        return Vec::new();
    }
    let blue_fields: BTreeMap<&str, &DocField> = by_name(blue);
    let green_fields: BTreeMap<&str, &DocField> = by_name(green);
    let renamed =
        |name: &str| versions.renames.fields.get(&(green.name.clone(), name.to_owned())).map(String::as_str);
    let taken: BTreeSet<&str> = green.fields.iter().filter_map(|field| renamed(&field.fieldname)).collect();
    let pair = |name: &'a str, blue_field, green_field| {
        FieldPair::of((app, blue, green), name, [blue_field, green_field], versions)
    };
    let mut seen = BTreeSet::new();
    let in_green =
        green.fields.iter().map(|field| field.fieldname.as_str()).filter(|name| seen.insert(*name));
    let mut pairs: Vec<_> = in_green
        .filter_map(|name| {
            let old = blue_fields.get(name).or_else(|| blue_fields.get(renamed(name)?)).copied();
            let new = green_fields.get(name).copied();
            // Most fields of the others too.
            (old != new).then(|| pair(name, old, new))
        })
        .collect();
    let only_blue =
        blue_fields.iter().filter(|(name, _)| !green_fields.contains_key(*name) && !taken.contains(*name));
    pairs.extend(only_blue.map(|(name, field)| pair(name, Some(field), None)));
    pairs
}

/// Fields by name; the first of a name counts.
fn by_name(doctype: &DocType) -> BTreeMap<&str, &DocField> {
    doctype.fields.iter().rev().map(|field| (field.fieldname.as_str(), field)).collect()
}

impl Side<'_> {
    /// What a plan says of a field: its column, and what else constrains it.
    fn describe(&self) -> Value {
        let field = self.field;
        let mut summary = Map::new();
        summary.insert("column".to_owned(), json!(self.shape.as_ref().map(|shape| &shape.column_type)));
        if let Some(default) = self.shape.as_ref().and_then(|shape| shape.default.as_ref()) {
            summary.insert("default".to_owned(), json!(default.text()));
        }
        summary.insert("fieldtype".to_owned(), json!(field.fieldtype));
        if let Some(options) = field.options.as_ref().filter(|_| field.has_target()) {
            summary.insert("options".to_owned(), json!(options));
        }
        let not_null = self.shape.as_ref().is_some_and(|shape| shape.not_null);
        let flags = [
            ("not_null", not_null),
            ("reqd", field.reqd),
            ("unique", field.unique),
            ("index", field.search_index),
            ("virtual", field.is_virtual),
        ];
        for (name, _) in flags.into_iter().filter(|(_, set)| *set) {
            summary.insert(name.to_owned(), json!(true));
        }
        Value::Object(summary)
    }
}

impl<'a> FieldPair<'a> {
    /// A field of both versions, or of one.
    fn of(
        (app, blue_doctype, green_doctype): (&'a str, &'a DocType, &'a DocType),
        name: &'a str,
        [blue, green]: [Option<&'a DocField>; 2],
        versions: &Versions<'_>,
    ) -> Self {
        let side = |field: &'a DocField, frappe| Side { field, shape: ColumnShape::of(field, frappe) };
        FieldPair {
            app,
            blue_doctype,
            green_doctype,
            name,
            blue: blue.map(|field| side(field, versions.blue_frappe)),
            green: green.map(|field| side(field, versions.green_frappe)),
            blue_now: blue.and_then(|field| ColumnShape::of(field, versions.green_frappe)),
        }
    }
}

impl FieldPair<'_> {
    /// Both sides, if both versions have the field.
    fn both(&self) -> Option<(&Side<'_>, &Side<'_>)> {
        Some((self.blue.as_ref()?, self.green.as_ref()?))
    }

    /// Both columns as green's version of Frappe defines them, if both versions have a column.
    fn columns(&self) -> Option<(&ColumnShape, &ColumnShape)> {
        Some((self.blue_now.as_ref()?, self.green.as_ref()?.shape.as_ref()?))
    }

    /// Whether both versions have a table of its own for the DocType (and a column is a column).
    fn is_in_table(&self) -> bool {
        self.green_doctype.storage() == Storage::Table && self.blue_doctype.storage() == Storage::Table
    }

    /// Whether green calls it by another name.
    fn is_renamed(&self) -> bool {
        self.blue.as_ref().is_some_and(|blue| self.green.is_some() && blue.field.fieldname != self.name)
    }

    /// Whether green's column is another one than blue's: then its indexes come with it.
    fn is_carried(&self) -> bool {
        let is_other = self.columns().is_some_and(|(old, new)| column_changed::is_carried(old, new));
        self.is_in_table() && (self.is_renamed() || is_other)
    }

    fn table(&self) -> String {
        table_name(&self.green_doctype.name)
    }
}
