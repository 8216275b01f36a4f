//! `child_table_added`: a document gets rows of a child DocType; blue must not leave them behind when it deletes it.

use serde_json::Value;

use crate::doctype::Storage;
use crate::plan::Verdict;
use crate::plan::operation::Operation;

use super::{FieldPair, Findings, Found, Versions};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some(side) = field.green.as_ref().filter(|side| side.field.is_table()) else { return };
    let Some(child) = side.field.child() else { return };
    if field.blue.as_ref().is_some_and(|blue| blue.field.is_table() || blue.field.is_value()) {
        return;
    }
    // Frappe deletes by parent and parenttype: a child table that blue knows under another field is cleared by it too.
    let in_blue = versions.blue_name(child);
    let blue_deletes = field.blue_doctype.fields.iter().any(|known| known.child() == Some(in_blue));
    let is_stored = versions.green.get(child).is_none_or(|(_, child)| child.storage() == Storage::Table);
    let needs_guard = field.is_in_table() && is_stored && !blue_deletes;
    if needs_guard {
        findings.operations.push(Operation::GuardChildren {
            parent: field.green_doctype.name.clone(),
            field: field.name.to_owned(),
            child: child.to_owned(),
            numeric_names: field.blue_doctype.is_autoincrement(),
        });
    }
    let why = if needs_guard {
        "blue neither loads nor saves the rows; triggers have them follow a document that blue deletes, renames, submits or cancels"
    } else {
        "blue neither loads nor saves the rows"
    };
    findings.field(
        field,
        Found {
            kind: "child_table_added",
            cls: "additive",
            ddl: false,
            old: Value::Null,
            new: side.describe(),
            verdict: Verdict::Additive,
            why: why.to_owned(),
        },
    );
}
