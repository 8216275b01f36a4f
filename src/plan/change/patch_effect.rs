//! One effect of a patch, judged: does it change what blue sees?

use serde_json::json;

use crate::doctype::{Action, Effect, Index, Rows, Verb, When, table_name};
use crate::plan::operation::Operation;
use crate::plan::{BLUE, Change, Verdict};

use super::patch_rows::{Standing, Tables, Written};
use super::{Findings, custom_field, patch_ddl, patch_rename};

/// How far an effect reaches. The order is the severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// It does nothing that would be missed if it did not run.
    Nothing,
    /// The plan makes it beforehand, and it finds it made.
    Planned,
    /// A rename that the plan does instead.
    Renames,
    /// It has to run, and blue sees nothing of it.
    Unseen,
    /// Both versions see it: a human decides.
    Seen,
    /// Blue fails from then on.
    Breaks,
}

/// An effect with what it means, as a part of a sentence.
pub(crate) struct Judged {
    pub(crate) level: Level,
    pub(crate) what: String,
}

impl Judged {
    pub(crate) fn new(level: Level, what: impl Into<String>) -> Self {
        Self { level, what: what.into() }
    }
}

/// What an effect means for blue. Tables that a patch rewrites and that can be frozen for blue are noted on the way.
pub(crate) fn judge(effect: &Effect, tables: &mut Tables<'_>) -> Judged {
    let place = format!("{}:{}", effect.file, effect.line);
    let judged = match &effect.action {
        Action::Reload => Judged::new(Level::Nothing, "it loads what migrate's sync loads anyhow"),
        Action::RenameField { doctype, old, new } => {
            patch_rename::field(doctype, old, new, effect.when, tables)
        }
        Action::RenameColumn { doctype, old, new } => {
            patch_rename::column(doctype, old, new, effect.when, tables)
        }
        Action::RenameDocument { doctype, old, new } => {
            patch_rename::document(doctype, old, new, effect.when, tables)
        }
        Action::DeleteDocument { doctype, name } => deleted(doctype, name.as_deref(), &place, tables),
        Action::WriteRows { verb, table, columns, rows } => {
            tables.write(&Written { verb: *verb, table, columns, rows: *rows, place: &place })
        }
        Action::WriteSingle { doctype, fields } => tables.write_single(doctype, fields),
        Action::WriteDocument { doctype, field, verb, fields, hooks } => {
            let saved = Saved { doctype, field: field.as_deref(), verb: *verb, fields, hooks: *hooks };
            document(&saved, &place, tables)
        }
        Action::CustomField { field } => custom(field, tables),
        Action::PropertySetter { doctype, property } => property_setter(doctype, property),
        Action::AddIndex { table, name, columns, unique } => {
            patch_ddl::index(table, name, columns, *unique, tables)
        }
        Action::Ddl { table, verb, text } => patch_ddl::ddl(table, verb, text, effect.when, tables),
        Action::Unknown { text, why } if text.is_empty() => Judged::new(Level::Seen, why.clone()),
        Action::Unknown { text, why } => Judged::new(Level::Seen, format!("{why}: {text}")),
    };
    let is_conditional = effect.when == When::Conditional && judged.level > Level::Nothing;
    if is_conditional {
        Judged { what: format!("{}, if its condition holds", judged.what), ..judged }
    } else {
        judged
    }
}

/// Custom Fields and indexes of a patch that will run: what the plan makes beforehand.
pub(crate) fn plan(app: &str, judged: &[(&Effect, Judged)], tables: &Tables<'_>, findings: &mut Findings) {
    for (effect, judged) in judged {
        match &effect.action {
            Action::CustomField { field } => custom_field::find_one(app, field, tables.versions, findings),
            Action::AddIndex { table, name, columns, unique } if judged.level == Level::Planned => {
                let index = Index { name: name.clone(), columns: columns.clone(), unique: *unique };
                findings.changes.push(index_change(app, table, &index));
                findings.operations.push(Operation::AddIndex { table: table.clone(), engine: None, index });
            }
            Action::AddIndex { .. }
            | Action::Reload
            | Action::RenameField { .. }
            | Action::RenameColumn { .. }
            | Action::RenameDocument { .. }
            | Action::DeleteDocument { .. }
            | Action::WriteRows { .. }
            | Action::WriteSingle { .. }
            | Action::WriteDocument { .. }
            | Action::PropertySetter { .. }
            | Action::Ddl { .. }
            | Action::Unknown { .. } => {}
        }
    }
}

/// The change that an index of a patch is: it stands in no DocType.
pub(super) fn index_change(app: &str, table: &str, index: &Index) -> Change {
    let (kind, cls) = if index.unique { ("unique_added", "narrow") } else { ("index_added", "additive") };
    Change {
        app: app.to_owned(),
        doctype: table.strip_prefix("tab").unwrap_or(table).to_owned(),
        kind: kind.to_owned(),
        field: index.columns.first().cloned(),
        old: None,
        new: Some(json!(index.columns)),
        storage: "table".to_owned(),
        ddl: true,
        cls: cls.to_owned(),
        verdict: Verdict::Additive,
        why: format!("a patch asks for {}: built beside the traffic, without a lock", index.name),
        naive: String::new(),
        data: None,
        steps: Vec::new(),
    }
}

fn deleted(doctype: &str, name: Option<&str>, place: &str, tables: &mut Tables<'_>) -> Judged {
    let which = name.map_or_else(|| format!("documents of {doctype}"), |name| format!("{doctype} {name}"));
    if doctype == "DocType" {
        let what =
            format!("it removes {which} from green's metadata, of which blue has a copy; the table stays");
        return Judged::new(Level::Unseen, what);
    }
    let table = table_name(doctype);
    let rows = Rows::Named;
    let written = Written { verb: Verb::Delete, table: &table, columns: &[], rows, place };
    let judged = tables.write(&written);
    Judged { what: format!("it deletes {which}: {}", judged.what), ..judged }
}

/// What is written through the class of a DocType.
struct Saved<'a> {
    doctype: &'a str,
    field: Option<&'a str>,
    verb: Verb,
    fields: &'a [String],
    hooks: bool,
}

/// A document that is written through its class: its own rows, and those of its child tables.
fn document(saved: &Saved<'_>, place: &str, tables: &mut Tables<'_>) -> Judged {
    let Saved { doctype, field, verb, fields, hooks } = *saved;
    if hooks && matches!(doctype, "DocType" | "DocField" | "Custom Field") && field.is_none() {
        let what = format!("it saves a {doctype}, whose class changes tables");
        return Judged::new(Level::Seen, what);
    }
    let Some(target) = (match field {
        Some(field) => tables.child(doctype, field),
        None => Some(doctype.to_owned()),
    }) else {
        let field = field.unwrap_or_default();
        return Judged::new(Level::Seen, format!("it writes rows of {doctype}.{field}, which no app has"));
    };
    // Which fields of a new document hold what is not the point: it is a row that was not there.
    let (own, rows) = tables.parts(&target, fields);
    let mut judged = if tables.is_single(&target) {
        if own.is_empty() && !fields.is_empty() {
            Judged::new(Level::Nothing, String::new())
        } else {
            tables.write_single(&target, &own)
        }
    } else {
        let table = table_name(&target);
        let stamps = ["modified".to_owned(), "modified_by".to_owned()];
        let columns: Vec<String> =
            if fields.is_empty() { Vec::new() } else { own.into_iter().chain(stamps).collect() };
        tables.write(&Written { verb, table: &table, columns: &columns, rows: Rows::Named, place })
    };
    // A save rewrites the rows of the child tables that code has changed; of a document that is new or goes, all.
    for child in rows {
        let table = table_name(&child);
        let of_child = tables.write(&Written { verb, table: &table, columns: &[], rows: Rows::Named, place });
        if of_child.level > judged.level {
            judged = of_child;
        }
    }
    if hooks {
        judged.what = format!("{} (by saving {doctype}, whose hooks run and are not read)", judged.what);
    }
    judged
}

fn custom(field: &crate::doctype::CustomField, tables: &Tables<'_>) -> Judged {
    let (doctype, name) = (&field.doctype, &field.field.fieldname);
    if name.contains(BLUE) || doctype.contains(BLUE) {
        return Judged::new(Level::Seen, format!("the name {name:?} cannot be planned"));
    }
    let what = format!("it makes the Custom Field {doctype}.{name}");
    // Of a DocType that no app of the plan has nothing is known, its table least of all.
    if tables.standing(&table_name(doctype)) == Standing::Elsewhere {
        return Judged::new(Level::Seen, format!("{what} of a DocType that no app has"));
    }
    Judged::new(Level::Planned, format!("{what}, which is planned"))
}

/// Properties of a field that the schema sync makes a column of.
const OF_COLUMNS: [&str; 8] =
    ["fieldtype", "length", "precision", "unique", "search_index", "default", "not_nullable", "options"];

fn property_setter(doctype: &str, property: &str) -> Judged {
    let what = format!("it sets the property {property} of {doctype} in green's metadata");
    if OF_COLUMNS.contains(&property) {
        Judged::new(Level::Seen, format!("{what}, and with it perhaps a column"))
    } else {
        Judged::new(Level::Unseen, format!("{what}, of which blue has a copy"))
    }
}

/// The words for rows that are written.
pub(crate) fn words(verb: Verb, table: &str, columns: &[String]) -> String {
    let columns: Vec<&str> = columns
        .iter()
        .map(String::as_str)
        .filter(|column| !super::patch_rows::STAMPS.contains(column))
        .collect();
    match verb {
        Verb::Insert => format!("it adds rows to {table}"),
        Verb::Delete => format!("it deletes rows of {table}"),
        Verb::Update if columns.is_empty() => format!("it writes rows of {table}"),
        Verb::Update => format!("it writes {} of {table}", columns.join(", ")),
    }
}
