//! `field_added`: a new column, or a new field of a Single.

use serde_json::Value;

use crate::doctype::{ColumnShape, Index};
use crate::plan::operation::{Operation, column};
use crate::plan::site::is_same_type;
use crate::plan::{Verdict, quote};

use super::{FieldPair, Findings, Found, Side, Versions};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some(side) = field.green.as_ref().filter(|side| side.field.is_value()) else { return };
    let was_value = field.blue.as_ref().is_some_and(|blue| blue.field.is_value());
    if was_value {
        return;
    }
    let Some(shape) = side.shape.as_ref() else {
        enter(field, side, (Verdict::Neutral, "it is computed and has no column".to_owned()), findings);
        return;
    };
    if crate::doctype::Table::standard_column(field.name, versions.green_frappe).is_some()
        && field.is_in_table()
    {
        // The column is there already; what becomes of it is for `column_changed` to say.
        return;
    }
    let (verdict, why) = judge(field, side, shape, versions);
    if field.is_in_table() && verdict == Verdict::Additive {
        add_column(field, side, shape, versions, findings);
    }
    enter(field, side, (verdict, why), findings);
}

fn enter(field: &FieldPair<'_>, side: &Side<'_>, (verdict, why): (Verdict, String), findings: &mut Findings) {
    findings.field(
        field,
        Found {
            kind: "field_added",
            cls: "additive",
            ddl: field.is_in_table() && side.shape.is_some(),
            old: Value::Null,
            new: side.describe(),
            verdict,
            why,
        },
    );
}

fn judge(
    field: &FieldPair<'_>,
    side: &Side<'_>,
    shape: &ColumnShape,
    versions: &Versions<'_>,
) -> (Verdict, String) {
    if !field.is_in_table() {
        return (Verdict::Additive, "a Single keeps it in tabSingles, which blue has as a copy".to_owned());
    }
    if let Some(live) = versions.live(&field.blue_doctype.name).and_then(|table| table.column(field.name)) {
        if !is_same_type(live, &shape.column_type) {
            let wanted = &shape.column_type;
            let why = format!(
                "the site has a column {} already ({}), as {live}: migrate would change it to {wanted} and block blue; remove or change that field first",
                quote::identifier(field.name),
                origin(versions, field),
            );
            return (Verdict::Blocking, why);
        }
        return (
            Verdict::Additive,
            format!("the site has this column already ({}): nothing to add", origin(versions, field)),
        );
    }
    if side.field.unique && !shape.is_text() && shape.default.is_some() {
        let why =
            "it is unique and has a default: the second row that blue writes would be a duplicate".to_owned();
        return (Verdict::Blocking, why);
    }
    if side.field.reqd && side.field.default.is_none() {
        return (
            Verdict::Additive,
            "mandatory in green alone: rows that blue writes leave it empty".to_owned(),
        );
    }
    (Verdict::Additive, "a new column at the end, which blue's view does not show".to_owned())
}

/// Where a column comes from that no DocType of blue has.
fn origin(versions: &Versions<'_>, field: &FieldPair<'_>) -> &'static str {
    let custom = versions.custom_field(&field.blue_doctype.name, field.name);
    if custom.is_some() { "a Custom Field of the site" } else { "left by an earlier version" }
}

/// The column and its indexes, as far as the live site lacks them.
fn add_column(
    field: &FieldPair<'_>,
    side: &Side<'_>,
    shape: &ColumnShape,
    versions: &Versions<'_>,
    findings: &mut Findings,
) {
    let live = versions.live(&field.blue_doctype.name);
    let engine = || field.green_doctype.engine.clone();
    if live.is_none_or(|table| table.column(field.name).is_none()) {
        let column = column(field.name, shape);
        findings.operations.push(Operation::AddColumn { table: field.table(), engine: engine(), column });
    }
    let is_missing = |index: &Index| live.is_none_or(|table| !table.has_index(&index.columns, index.unique));
    for index in indexes(side, shape).into_iter().filter(is_missing) {
        findings.operations.push(Operation::AddIndex { table: field.table(), engine: engine(), index });
    }
}

/// The indexes that Frappe's sync gives a column that it adds: a unique one is named like the field.
pub(super) fn indexes(side: &Side<'_>, shape: &ColumnShape) -> Vec<Index> {
    if shape.is_text() {
        return Vec::new();
    }
    let name = &side.field.fieldname;
    let index = |name: String, unique| Index { name, columns: vec![side.field.fieldname.clone()], unique };
    let unique = side.field.unique.then(|| index(name.clone(), true));
    let plain =
        (side.field.search_index && !side.field.unique).then(|| index(format!("{name}_index"), false));
    unique.into_iter().chain(plain).collect()
}
