//! `not_null_on`, `not_null_off`: version 16 lets a field refuse NULL.

use serde_json::json;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found, Versions, pair};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let Some((old, new)) = field.columns().filter(|_| field.is_in_table()) else { return };
    if blue.field.fieldtype != green.field.fieldtype || old.not_null == new.not_null {
        return;
    }
    let (verdict, why) = match pair::retyped(field, versions, findings) {
        Ok(()) => (
            Verdict::Mapped,
            "blue's values move to a column of their own, which takes NULL or not as before; triggers carry every write over".to_owned(),
        ),
        Err(reason) => (Verdict::Blocking, reason),
    };
    let kind = if new.not_null { "not_null_on" } else { "not_null_off" };
    findings.field(
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
    );
}
