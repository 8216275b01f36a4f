//! `platform_type_changed`: a new version of Frappe maps a fieldtype to another column.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::json;

use crate::doctype::{ColumnShape, DocField, DocType, Storage, table_name};
use crate::plan::operation::{Operation, SyncPair};
use crate::plan::{Change, FrozenTable, Verdict};

use super::{Findings, Side, Versions, field_added, pair};

/// How often one mapping applies: fieldtype, old column, new column -> fields, by app.
type Tally<'a> = BTreeMap<(&'a str, &'a str, String, String), Columns>;

/// Columns that one mapping applies to.
#[derive(Default)]
struct Columns {
    all: Vec<String>,
    /// Of DocTypes whose file changed (the sync does not touch the others) and that both versions use: table, engine, what is to be kept in step.
    synced: Vec<(String, Option<String>, Result<SyncPair, String>)>,
}

/// Columns of all DocTypes that both versions have.
pub(crate) fn find(versions: &Versions<'_>, frozen: &[FrozenTable], findings: &mut Findings) {
    let mut tally = Tally::new();
    for (name, (app, green)) in &versions.green {
        let Some((_, blue)) = versions.blue.get(versions.blue_name(name)) else { continue };
        if green.storage() == Storage::Table && blue.storage() == Storage::Table {
            // Of a table of which blue has a copy green's migrate changes the columns itself.
            let table = table_name(name);
            let is_synced = blue.digest != green.digest && frozen.iter().all(|entry| entry.table != table);
            count(&app.name, [blue, green], is_synced, versions, &mut tally);
        }
    }
    for ((app, fieldtype, old, new), Columns { all, synced }) in tally {
        let (verdict, act) = if is_display_width(&old, &new) {
            (Verdict::Neutral, "the display width is all that changes".to_owned())
        } else if synced.is_empty() {
            (Verdict::Neutral, "none is in a table that both versions use and whose DocType's file changed, so none is carried over".to_owned())
        } else {
            carry(synced, findings)
        };
        let first: Vec<&str> = all.iter().take(3).map(String::as_str).collect();
        findings.changes.push(Change {
            app: app.to_owned(),
            doctype: "*".to_owned(),
            kind: "platform_type_changed".to_owned(),
            field: Some(fieldtype.to_owned()),
            old: Some(json!(old)),
            new: Some(json!(new)),
            storage: Storage::Table.as_str().to_owned(),
            ddl: true,
            cls: if old.starts_with("decimal") { "widen" } else { "none" }.to_owned(),
            verdict,
            why: format!("{} columns, first {}; {act}", all.len(), first.join(", ")),
            naive: String::new(),
            data: None,
            steps: Vec::new(),
        });
    }
}

fn count<'a>(
    app: &'a str,
    [blue, green]: [&'a DocType; 2],
    is_synced: bool,
    versions: &Versions<'_>,
    tally: &mut Tally<'a>,
) {
    let known = LazyCell::new(|| pair::columns(blue, versions));
    // The first of a name counts, as everywhere.
    let of_blue: HashMap<&str, &DocField> =
        blue.fields.iter().rev().map(|field| (field.fieldname.as_str(), field)).collect();
    for field in &green.fields {
        let old = of_blue.get(field.fieldname.as_str()).filter(|old| old.fieldtype == field.fieldtype);
        let Some(&old) = old else { continue };
        let shape = |frappe| ColumnShape::of(old, frappe);
        let (Some(was), Some(is)) = (shape(versions.blue_frappe), shape(versions.green_frappe)) else {
            continue;
        };
        // Without widths `bigint(20)` and `bigint` are one type; `int` is named, for it comes with every table.
        if was.column_type != is.column_type && !was.column_type.starts_with("bigint") {
            let key = (app, field.fieldtype.as_str(), was.column_type.clone(), is.column_type.clone());
            let columns = tally.entry(key).or_default();
            columns.all.push(format!("{}.{}", green.name, field.fieldname));
            if is_synced {
                let sides = [(&was, old), (&is, field)];
                let pair = pair::retyped_pair(blue, &field.fieldname, sides, Arc::clone(&known), versions);
                let pair = pair.map(|pair| SyncPair {
                    indexes: field_added::indexes(&Side { field, shape: None }, &is),
                    ..pair
                });
                columns.synced.push((table_name(&green.name), green.engine.clone(), pair));
            }
        }
    }
}

/// Each of them is kept in step like a field that changes its type.
fn carry(
    synced: Vec<(String, Option<String>, Result<SyncPair, String>)>,
    findings: &mut Findings,
) -> (Verdict, String) {
    let count = synced.len();
    for (table, engine, pair) in synced {
        match pair {
            Ok(pair) => {
                findings.operations.push(Operation::Sync { table, engine, pair: Box::new(pair) });
            }
            Err(reason) => return (Verdict::Blocking, reason),
        }
    }
    (Verdict::Mapped, format!("the sync changes {count} of them: blue's values move to columns of their own"))
}

/// `int(11)` and `int` are one type to MariaDB; `int(1)` and `tinyint` are not.
fn is_display_width(old: &str, new: &str) -> bool {
    let name = |column_type: &str| column_type.split('(').next().map(str::to_owned);
    let is_integer = old.starts_with("int") || old.starts_with("bigint");
    is_integer && name(old) == name(new)
}
