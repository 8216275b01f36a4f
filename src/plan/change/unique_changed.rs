//! `unique_added`, `unique_removed` on a column that both versions have.

use serde_json::json;

use crate::doctype::{ColumnShape, Index};
use crate::plan::Verdict;
use crate::plan::operation::Operation;

use super::rows::{self, Said};
use super::{FieldPair, Findings, Found, Versions, index_changed};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let Some((_, new)) = field.columns().filter(|_| field.is_in_table()) else { return };
    if blue.field.unique == green.field.unique || new.is_text() {
        return;
    }
    let (kind, cls, verdict, Said { text: why, data }) = if green.field.unique {
        match add(field, new, versions, findings) {
            Ok(said) => ("unique_added", "narrow", Verdict::Additive, said),
            Err(reason) => ("unique_added", "narrow", Verdict::Blocking, reason),
        }
    } else {
        let kept = index_changed::keep(field, true, versions, findings);
        let why = "green's migrate drops the index in an instant; from then on blue's users can save a duplicate as well";
        ("unique_removed", "widen", Verdict::Neutral, [why, kept].concat().into())
    };
    findings.field_with(
        field,
        Found {
            kind,
            cls,
            ddl: true,
            old: json!(blue.field.unique),
            new: json!(green.field.unique),
            verdict,
            why,
        },
        data,
    );
}

/// Frappe names a unique index like its field, and sends nothing where an index of that name is there.
fn add(
    field: &FieldPair<'_>,
    shape: &ColumnShape,
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> Result<Said, Said> {
    let live = versions.live(&field.blue_doctype.name);
    let columns = vec![field.name.to_owned()];
    let by_name =
        live.and_then(|live| live.indexes.iter().find(|index| index.name.eq_ignore_ascii_case(field.name)));
    if by_name.is_some_and(|index| !index.unique) {
        let why = "the table has a plain index of this name, so Frappe's sync adds none: the values are not made unique";
        return Ok(why.to_owned().into());
    }
    let why = "built beside the traffic, without a lock; from then on blue's users too are told that a duplicate is refused";
    // A column of its own brings its index along, and its change says what the rows hold.
    if field.is_carried() || live.is_some_and(|live| live.has_index(&columns, true)) {
        return Ok(why.to_owned().into());
    }
    let place = (field.blue_doctype.name.as_str(), field.name);
    let said = rows::becomes_unique(versions, findings, place, shape, field.table())?;
    findings.operations.push(Operation::AddIndex {
        table: field.table(),
        engine: field.green_doctype.engine.clone(),
        index: Index { name: field.name.to_owned(), columns, unique: true },
    });
    Ok(said.after(why))
}
