//! `custom_field_added`, `custom_field_changed`: fields that an app installs on DocTypes, often of another app.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::doctype::{ColumnShape, CustomField, DocField, DocType, Snapshot, Storage, table_name};
use crate::plan::operation::{Operation, column};
use crate::plan::site::is_same_type;
use crate::plan::{Change, Verdict, quote};

use super::rows::{self, Said};
use super::{Findings, Side, Versions, column_changed, field_added, pair};

/// A Custom Field that a patch of green makes; what an app also brings as a file is found there.
pub(crate) fn find_one(app: &str, custom: &CustomField, versions: &Versions<'_>, findings: &mut Findings) {
    let name = &custom.field.fieldname;
    let is_found = |change: &Change| {
        change.kind.starts_with("custom_field")
            && change.doctype == custom.doctype
            && change.field.as_ref() == Some(name)
    };
    let is_same = |known: &CustomField| known.doctype == custom.doctype && known.field.fieldname == *name;
    let is_there = versions.site.is_some_and(|site| site.custom_fields.iter().any(is_same));
    if !is_there && !findings.changes.iter().any(is_found) {
        enter(app, custom, None, versions, findings);
    }
}

/// DocType and fieldname -> app that brings it, and the field.
type ByTarget<'a> = BTreeMap<(&'a str, &'a str), (&'a str, &'a CustomField)>;

/// What green's apps install that the site (or, without one, blue's apps) does not have so.
pub(crate) fn find([blue, green]: [&Snapshot; 2], versions: &Versions<'_>, findings: &mut Findings) {
    let (old, new) = (in_blue(blue, versions), of_apps(green));
    for (target, (app, custom)) in &new {
        enter(app, custom, old.get(target).map(|(_, known)| *known), versions, findings);
    }
}

/// Enters a custom field of green's that differs from the one that blue has, if it has one.
fn enter(
    app: &str,
    custom: &CustomField,
    known: Option<&CustomField>,
    versions: &Versions<'_>,
    findings: &mut Findings,
) {
    let Some((_, doctype)) = versions.green.get(custom.doctype.as_str()) else { return };
    let is_same = known.is_some_and(|known| is_alike(&known.field, &custom.field));
    if is_same || doctype.storage() == Storage::Virtual {
        return;
    }
    let Some(shape) = ColumnShape::of(&custom.field, versions.green_frappe) else { return };
    let before = known.and_then(|known| ColumnShape::of(&known.field, versions.green_frappe));
    let place = Place { doctype, custom, shape: &shape, known, before: before.as_ref() };
    let (verdict, Said { text: why, data }) = place.judge(versions, findings);
    let describe = |custom: &CustomField, shape| Side { field: &custom.field, shape }.describe();
    findings.changes.push(Change {
        app: app.to_owned(),
        doctype: doctype.name.clone(),
        kind: if before.is_some() { "custom_field_changed" } else { "custom_field_added" }.to_owned(),
        field: Some(custom.field.fieldname.clone()),
        old: known.map(|known| describe(known, before.clone())),
        new: Some(describe(custom, Some(shape.clone()))).filter(|value: &Value| !value.is_null()),
        storage: doctype.storage().as_str().to_owned(),
        ddl: verdict != Verdict::Neutral && doctype.storage() == Storage::Table,
        cls: if before.is_some() { "none" } else { "additive" }.to_owned(),
        verdict,
        why,
        naive: String::new(),
        data,
        steps: Vec::new(),
    });
}

/// Whether two are one to the database and to both versions; labels are for people.
fn is_alike(a: &DocField, b: &DocField) -> bool {
    let bare = |field: &DocField| DocField { label: None, ..field.clone() };
    bare(a) == bare(b)
}

fn in_blue<'a>(blue: &'a Snapshot, versions: &Versions<'a>) -> ByTarget<'a> {
    let Some(site) = versions.site else { return of_apps(blue) };
    let all = site.custom_fields.iter();
    all.map(|custom| ((custom.doctype.as_str(), custom.field.fieldname.as_str()), ("", custom))).collect()
}

fn of_apps(snapshot: &Snapshot) -> ByTarget<'_> {
    let all = snapshot
        .apps
        .iter()
        .flat_map(|app| app.custom_fields.iter().map(move |field| (app.name.as_str(), field)));
    all.map(|(app, custom)| ((custom.doctype.as_str(), custom.field.fieldname.as_str()), (app, custom)))
        .collect()
}

/// A custom field that is new or another.
struct Place<'a> {
    doctype: &'a DocType,
    custom: &'a CustomField,
    shape: &'a ColumnShape,
    known: Option<&'a CustomField>,
    before: Option<&'a ColumnShape>,
}

impl Place<'_> {
    fn judge(&self, versions: &Versions<'_>, findings: &mut Findings) -> (Verdict, Said) {
        let said = |verdict, why: &str| (verdict, why.to_owned().into());
        if self.doctype.storage() != Storage::Table {
            return said(Verdict::Additive, "a Single keeps it in tabSingles");
        }
        let (name, wanted) = (&self.custom.field.fieldname, &self.shape.column_type);
        let live = versions.live(&self.doctype.name).and_then(|table| table.column(name));
        match (self.before, live) {
            (None, None) => {
                self.add(findings);
                said(Verdict::Additive, "a new column at the end, which blue's view does not show")
            }
            (None, Some(live)) if !is_same_type(live, wanted) => {
                let why = format!(
                    "the site has a column {} already, as {live}: migrate would change it to {wanted} under blue; give the custom field another name",
                    quote::identifier(name)
                );
                (Verdict::Blocking, why.into())
            }
            (None, Some(_)) => said(Verdict::Additive, "the site has this column already: nothing to add"),
            (Some(before), live) => {
                let column_type = live.map_or_else(|| before.column_type.clone(), str::to_owned);
                let old = ColumnShape { column_type, ..before.clone() };
                if is_same_type(&old.column_type, wanted) && old.not_null == self.shape.not_null {
                    self.index(versions, findings)
                } else {
                    self.change(&old, versions, findings)
                }
            }
        }
    }

    fn add(&self, findings: &mut Findings) {
        let (table, engine) = (table_name(&self.doctype.name), self.doctype.engine.clone());
        let side = Side { field: &self.custom.field, shape: None };
        for index in field_added::indexes(&side, self.shape) {
            findings.operations.push(Operation::AddIndex {
                table: table.clone(),
                engine: engine.clone(),
                index,
            });
        }
        let column = column(&self.custom.field.fieldname, self.shape);
        findings.operations.push(Operation::AddColumn { table, engine, column });
    }

    /// The column stays; an index may be new.
    fn index(&self, versions: &Versions<'_>, findings: &mut Findings) -> (Verdict, Said) {
        let name = self.custom.field.fieldname.as_str();
        let side = Side { field: &self.custom.field, shape: None };
        let was = self.known.map(|known| (known.field.unique, known.field.search_index));
        let is_new = was != Some((self.custom.field.unique, self.custom.field.search_index));
        let live = versions.live(&self.doctype.name);
        let mut missing = field_added::indexes(&side, self.shape)
            .into_iter()
            .filter(|index| is_new && live.is_none_or(|live| !live.has_index(&index.columns, index.unique)));
        let Some(index) = missing.next() else {
            return (Verdict::Neutral, "the column stays as it is".to_owned().into());
        };
        let mut said = Said::default();
        if index.unique {
            let place = (self.doctype.name.as_str(), name);
            let table = table_name(&self.doctype.name);
            match rows::becomes_unique(versions, findings, place, self.shape, table) {
                Ok(found) => said = found,
                Err(reason) => return (Verdict::Blocking, reason),
            }
        }
        let (table, engine) = (table_name(&self.doctype.name), self.doctype.engine.clone());
        findings.operations.push(Operation::AddIndex { table, engine, index });
        (Verdict::Additive, said.after("its index is built beside the traffic, without a lock"))
    }

    /// Another column under the same name, like that of any field.
    fn change(&self, old: &ColumnShape, versions: &Versions<'_>, findings: &mut Findings) -> (Verdict, Said) {
        let (table, engine) = (table_name(&self.doctype.name), self.doctype.engine.clone());
        let name = &self.custom.field.fieldname;
        if column_changed::is_instant(old, self.shape) {
            let (column, old, new) = (name.clone(), old.clone(), self.shape.clone());
            findings.operations.push(Operation::ModifyColumn { table, engine, column, old, new });
            let why = "the column becomes longer in an instant";
            return (Verdict::Additive, why.to_owned().into());
        }
        let Some((_, blue)) = versions.blue.get(self.doctype.name.as_str()) else {
            return (Verdict::Neutral, "the DocType is new".to_owned().into());
        };
        let Some(known) = self.known else { return (Verdict::Neutral, Said::default()) };
        let sides = [(old, &known.field), (self.shape, &self.custom.field)];
        let made = pair::retyped_pair(blue, name, sides, pair::columns(blue, versions), versions);
        let carried = made.map_err(Said::from).and_then(|pair| {
            let side = Side { field: &self.custom.field, shape: None };
            let pair = pair.with_indexes(field_added::indexes(&side, self.shape));
            let said = rows::of_pair(versions, findings, &blue.name, &pair, known.field.unique)?;
            pair::enter(table, self.doctype, pair, findings);
            Ok(said)
        });
        match carried {
            Ok(said) => (
                Verdict::Mapped,
                said.after("blue's values move to a column of their own, which its view shows under the old name; triggers cast every write until blue is gone"),
            ),
            Err(reason) => (Verdict::Blocking, reason),
        }
    }
}
