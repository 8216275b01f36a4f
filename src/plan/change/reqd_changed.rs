//! `reqd_added`, `reqd_removed`: mandatory is a matter of metadata, and blue has its own.

use serde_json::json;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found};

pub(super) fn find(field: &FieldPair<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let holds_values = |side: &super::Side<'_>| side.field.is_value() || side.field.is_table();
    if blue.field.reqd == green.field.reqd || !holds_values(blue) || !holds_values(green) {
        return;
    }
    let (kind, cls, why) = if green.field.reqd {
        (
            "reqd_added",
            "contract",
            "mandatory in green alone: rows that blue leaves empty cannot be saved in green until filled",
        )
    } else {
        (
            "reqd_removed",
            "none",
            "optional in green alone: blue cannot save a row that green left empty until it is filled",
        )
    };
    findings.field(
        field,
        Found {
            kind,
            cls,
            ddl: false,
            old: json!(blue.field.reqd),
            new: json!(green.field.reqd),
            verdict: Verdict::Neutral,
            why: why.to_owned(),
        },
    );
}
