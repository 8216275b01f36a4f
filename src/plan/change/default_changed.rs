//! `default_added`, `default_changed`, `default_removed`: the column's default; `app_default_changed`: Frappe's alone.

use serde_json::{Value, json};

use crate::doctype::DefaultValue;
use crate::plan::Verdict;

use super::{FieldPair, Findings, Found};

pub(super) fn find(field: &FieldPair<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let Some((old_shape, new_shape)) = field.columns() else { return };
    if old_shape.column_type != new_shape.column_type || old_shape.not_null != new_shape.not_null {
        return;
    }
    let text = |default: &Option<DefaultValue>| default.as_ref().map(|default| default.text().to_owned());
    let (old, new) = (text(&old_shape.default), text(&new_shape.default));
    let (written_old, written_new) = (&blue.field.default, &green.field.default);
    let found = |kind, ddl, old: Value, new: Value| Found {
        kind,
        cls: "none",
        ddl,
        old,
        new,
        verdict: Verdict::Neutral,
        why: "blue names every column it knows in its inserts: a default of the column does not reach it"
            .to_owned(),
    };
    // The sync sends nothing for a default that Frappe computes: the column keeps the one that it has
    // (`frappe/database/schema.py`, `DbColumn.build_for_alter_table`).
    let stays = green.field.has_computed_default() && new.is_none();
    if old != new && !stays {
        let kind = match (is_set(old.as_deref()), is_set(new.as_deref())) {
            (false, _) => "default_added",
            (true, false) => "default_removed",
            (true, true) => "default_changed",
        };
        findings.field(field, found(kind, field.is_in_table(), json!(old), json!(new)));
    } else if written_old != written_new && (old.is_none() || stays) {
        findings.field(field, found("app_default_changed", false, json!(written_old), json!(written_new)));
    }
}

/// Every number column has a default; 0 is what it is without one.
fn is_set(default: Option<&str>) -> bool {
    default.is_some_and(|default| !matches!(default, "0" | "0.0"))
}
