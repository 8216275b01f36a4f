//! `child_table_removed`: green does not load the rows any more; they stay.

use serde_json::Value;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found};

pub(super) fn find(field: &FieldPair<'_>, findings: &mut Findings) {
    let Some(side) = field.blue.as_ref().filter(|side| side.field.is_table()) else { return };
    if field.green.as_ref().is_some_and(|green| green.field.is_value() || green.field.is_table()) {
        return;
    }
    findings.field(
        field,
        Found {
            kind: "child_table_removed",
            cls: "contract",
            ddl: false,
            old: side.describe(),
            new: Value::Null,
            verdict: Verdict::ContractOnly,
            why: "the child rows stay in their table for blue".to_owned(),
        },
    );
}
