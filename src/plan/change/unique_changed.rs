//! `unique_added`, `unique_removed` on a column that both versions have.

use serde_json::json;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found, UNSUPPORTED};

pub(super) fn find(field: &FieldPair<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let Some((_, new)) = field.columns().filter(|_| field.is_in_table()) else { return };
    if blue.field.unique == green.field.unique || new.is_text() {
        return;
    }
    let (kind, cls, why) = if green.field.unique {
        (
            "unique_added",
            "narrow",
            "blue goes on writing duplicates, and those that are there stop the migrate",
        )
    } else {
        ("unique_removed", "widen", "green may write duplicates that blue does not expect")
    };
    findings.field(
        field,
        Found {
            kind,
            cls,
            ddl: true,
            old: json!(blue.field.unique),
            new: json!(green.field.unique),
            verdict: Verdict::Blocking,
            why: format!("{why}; {UNSUPPORTED}"),
        },
    );
}
