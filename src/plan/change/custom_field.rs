//! `custom_field_added`, `custom_field_changed`: fields that an app installs on DocTypes, often of another app.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::doctype::{ColumnShape, CustomField, DocType, Snapshot, Storage, table_name};
use crate::plan::operation::{Operation, column};
use crate::plan::site::is_same_type;
use crate::plan::{Change, Verdict};

use super::{Findings, Side, Versions, field_added};

type ByTarget<'a> = BTreeMap<(&'a str, &'a str), (&'a str, &'a CustomField)>;

/// Custom fields of all apps in both versions.
pub(crate) fn find(blue: &Snapshot, green: &Snapshot, versions: &Versions<'_>, findings: &mut Findings) {
    let (old, new) = (by_target(blue), by_target(green));
    for (target, (app, custom)) in &new {
        let Some((_, doctype)) = versions.green.get(target.0) else { continue };
        let is_same = old.get(target).is_some_and(|(_, known)| known.field == custom.field);
        if is_same || doctype.storage() == Storage::Virtual {
            continue;
        }
        let Some(shape) = ColumnShape::of(&custom.field, versions.green_frappe) else { continue };
        let before =
            old.get(target).and_then(|(_, known)| ColumnShape::of(&known.field, versions.green_frappe));
        let live = versions.live(target.0).and_then(|table| table.column(target.1));
        let (verdict, why) = judge(doctype, &shape, before.as_ref(), live);
        if verdict == Verdict::Additive && live.is_none() && doctype.storage() == Storage::Table {
            add(doctype, custom, &shape, findings);
        }
        let describe = |custom: &CustomField, shape| Side { field: &custom.field, shape }.describe();
        findings.changes.push(Change {
            app: (*app).to_owned(),
            doctype: doctype.name.clone(),
            kind: if before.is_some() { "custom_field_changed" } else { "custom_field_added" }.to_owned(),
            field: Some(target.1.to_owned()),
            old: old.get(target).map(|(_, known)| describe(known, before.clone())),
            new: Some(describe(custom, Some(shape))).filter(|value: &Value| !value.is_null()),
            storage: doctype.storage().as_str().to_owned(),
            ddl: verdict != Verdict::Neutral && doctype.storage() == Storage::Table,
            cls: if before.is_some() { "none" } else { "additive" }.to_owned(),
            verdict,
            why,
            naive: String::new(),
            steps: Vec::new(),
        });
    }
}

fn by_target(snapshot: &Snapshot) -> ByTarget<'_> {
    let all = snapshot
        .apps
        .iter()
        .flat_map(|app| app.custom_fields.iter().map(move |field| (app.name.as_str(), field)));
    all.map(|(app, custom)| ((custom.doctype.as_str(), custom.field.fieldname.as_str()), (app, custom)))
        .collect()
}

fn judge(
    doctype: &DocType,
    shape: &ColumnShape,
    before: Option<&ColumnShape>,
    live: Option<&str>,
) -> (Verdict, String) {
    let wanted = &shape.column_type;
    let blocking = |from: &str| {
        (
            Verdict::Blocking,
            format!(
                "migrate would change the column from {from} to {wanted} under blue: give the custom field another name, and remove the old one a release later"
            ),
        )
    };
    match (before, live) {
        _ if doctype.storage() != Storage::Table => {
            (Verdict::Additive, "a Single keeps it in tabSingles".to_owned())
        }
        (_, Some(live)) if !is_same_type(live, wanted) => blocking(live),
        (Some(before), None) if before.column_type != *wanted => blocking(&before.column_type),
        (Some(_), _) => (Verdict::Neutral, "the column stays as it is".to_owned()),
        (None, Some(_)) => (Verdict::Additive, "the site has this column already: nothing to add".to_owned()),
        (None, None) => {
            (Verdict::Additive, "a new column at the end, which blue's view does not show".to_owned())
        }
    }
}

fn add(doctype: &DocType, custom: &CustomField, shape: &ColumnShape, findings: &mut Findings) {
    let (table, engine) = (table_name(&doctype.name), doctype.engine.clone());
    let side = Side { field: &custom.field, shape: None };
    for index in field_added::indexes(&side, shape) {
        findings.operations.push(Operation::AddIndex { table: table.clone(), engine: engine.clone(), index });
    }
    let column = column(&custom.field.fieldname, shape);
    findings.operations.push(Operation::AddColumn { table, engine, column });
}
