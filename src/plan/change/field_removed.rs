//! `field_removed`: green does not know the field; Frappe never drops the column.

use serde_json::Value;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found};

pub(super) fn find(field: &FieldPair<'_>, findings: &mut Findings) {
    let Some(side) = field.blue.as_ref().filter(|side| side.field.is_value()) else { return };
    if field.green.as_ref().is_some_and(|green| green.field.is_value() || green.field.is_table()) {
        return;
    }
    findings.field(
        field,
        Found {
            kind: "field_removed",
            cls: "contract",
            ddl: false,
            old: side.describe(),
            new: Value::Null,
            verdict: Verdict::ContractOnly,
            why: "green's metadata forgets it, the column stays: blue goes on reading and writing it"
                .to_owned(),
        },
    );
}
