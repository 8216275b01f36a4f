//! Columns and indexes of the live site that are not as both versions' files say: the sync of a changed DocType mends all
//! of its table, not only what changed (`frappe/database/mariadb/schema.py`, `alter`).
//!
//! Such columns are common: a new version of Frappe maps a type to another column, and a table gets it only when the
//! file of its DocType changes, perhaps years later.

use crate::doctype::{ColumnShape, DocField, Storage, Table};
use crate::plan::operation::{Operation, column};
use crate::plan::site::is_same_type;
use crate::plan::{TableFacts, Verdict};

use super::rows::Said;
use super::{FieldPair, Findings, Found, Pair, Side, Versions, column_changed, field_added};

pub(super) fn find(pair: &Pair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let (Some(blue), Some(green)) = (pair.blue, pair.green) else { return };
    let is_synced = blue.digest != green.digest;
    let in_tables = blue.storage() == Storage::Table && green.storage() == Storage::Table;
    let Some(live) = versions.live(&blue.name).filter(|_| is_synced && in_tables) else { return };
    for (field, shape) in Table::fields(green, versions.green_frappe) {
        // What changed itself is told by its own kind, and a Custom Field of the name wins over the file.
        let is_same = blue.field(&field.fieldname) == Some(field);
        let is_custom = versions.custom_field(&blue.name, &field.fieldname).is_some();
        let is_standard = Table::standard_column(&field.fieldname, versions.green_frappe).is_some();
        // A mapping that is new in green's Frappe is told for all fields of its type at once.
        let is_platform = ColumnShape::of(field, versions.blue_frappe)
            .is_none_or(|old| !is_same_type(&old.column_type, &shape.column_type));
        if is_same && !is_custom && !is_standard && !is_platform {
            let sides = [Some(field), Some(field)];
            let place = FieldPair::of((pair.app, blue, green), &field.fieldname, sides, versions);
            of_column(&place, (field, &shape), live, versions, findings);
        }
    }
}

fn of_column(
    place: &FieldPair<'_>,
    (field, shape): (&DocField, &ColumnShape),
    live: &TableFacts,
    versions: &Versions<'_>,
    findings: &mut Findings,
) {
    let side = Side { field, shape: Some(shape.clone()) };
    let engine = || place.green_doctype.engine.clone();
    let Some(live_type) = live.column(&field.fieldname) else {
        let column = column(&field.fieldname, shape);
        findings.operations.push(Operation::AddColumn { table: place.table(), engine: engine(), column });
        for index in field_added::indexes(&side, shape) {
            findings.operations.push(Operation::AddIndex { table: place.table(), engine: engine(), index });
        }
        let why = "both versions have the field and the site lacks its column: added before green";
        enter(place, ("field_added", "additive"), None, (Verdict::Additive, why.to_owned().into()), findings);
        return;
    };
    if is_same_type(live_type, &shape.column_type) {
        indexes(place, (&side, shape), live, findings);
        return;
    }
    let old = ColumnShape { column_type: live_type.to_owned(), ..shape.clone() };
    let (verdict, said) = column_changed::settle(place, (&old, shape), versions, findings);
    let (kind, cls) = column_changed::name(column_changed::fate(&old, shape), true);
    let said = said.after(&format!(
        "the site's column is {live_type}, not {} as both versions say, and the sync of the changed DocType mends that",
        shape.column_type
    ));
    enter(place, (kind, cls), Some(live_type), (verdict, said), findings);
}

/// Indexes that both versions ask for and the site lacks.
fn indexes(
    place: &FieldPair<'_>,
    (side, shape): (&Side<'_>, &ColumnShape),
    live: &TableFacts,
    findings: &mut Findings,
) {
    let missing = field_added::indexes(side, shape).into_iter();
    for index in missing.filter(|index| !index.unique && !live.has_index(&index.columns, false)) {
        let engine = place.green_doctype.engine.clone();
        findings.operations.push(Operation::AddIndex { table: place.table(), engine, index });
        let why =
            "both versions ask for the index and the site lacks it: built beside the traffic, without a lock";
        enter(place, ("index_added", "additive"), None, (Verdict::Additive, why.to_owned().into()), findings);
    }
}

fn enter(
    place: &FieldPair<'_>,
    (kind, cls): (&'static str, &'static str),
    live_type: Option<&str>,
    (verdict, said): (Verdict, Said),
    findings: &mut Findings,
) {
    let describe = |side: &Option<Side<'_>>| side.as_ref().map_or(serde_json::Value::Null, Side::describe);
    let old = match live_type {
        Some(live_type) => serde_json::json!({ "column": live_type }),
        None => serde_json::Value::Null,
    };
    let new = describe(&place.green);
    let found = Found { kind, cls, ddl: true, old, new, verdict, why: said.text };
    findings.field_with(place, found, said.data);
}
