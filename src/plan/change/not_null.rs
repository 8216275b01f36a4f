//! `not_null_on`, `not_null_off`: version 16 lets a field refuse NULL.

use serde_json::json;

use crate::plan::Verdict;

use super::rows::Said;
use super::{FieldPair, Findings, Found, Versions, pair};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let Some((old, new)) = field.columns().filter(|_| field.is_in_table()) else { return };
    if blue.field.fieldtype != green.field.fieldtype || old.not_null == new.not_null {
        return;
    }
    let (verdict, Said { text: why, data }) = match pair::retyped(field, versions, findings) {
        Ok(said) => (
            Verdict::Mapped,
            said.after("blue's values move to a column of their own, which takes NULL or not as before; triggers carry every write over"),
        ),
        Err(reason) => (Verdict::Blocking, reason),
    };
    let kind = if new.not_null { "not_null_on" } else { "not_null_off" };
    findings.field_with(
        field,
        Found {
            kind,
            cls: if new.not_null { "narrow" } else { "widen" },
            ddl: true,
            old: json!(old.not_null),
            new: json!(new.not_null),
            verdict,
            why,
        },
        data,
    );
}
