//! `field_renamed`: a patch copies the values of one field into another.

use serde_json::json;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found, UNSUPPORTED};

pub(super) fn find(field: &FieldPair<'_>, findings: &mut Findings) {
    let Some((blue, side)) = field.both() else { return };
    let old = &blue.field.fieldname;
    if old == field.name {
        return;
    }
    findings.field(
        field,
        Found {
            kind: "field_renamed",
            cls: "incompatible",
            ddl: field.is_in_table() && side.shape.is_some(),
            old: json!(old),
            new: json!(field.name),
            verdict: Verdict::Blocking,
            why: format!("both versions write a column of their own; {UNSUPPORTED}"),
        },
    );
}
