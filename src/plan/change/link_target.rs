//! `link_target_changed`, `child_table_target_changed`: values name documents of another DocType; `target_renamed`: of
//! the same one under its new name.

use serde_json::json;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found, UNSUPPORTED, Versions};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let is_table = blue.field.is_table() && green.field.is_table();
    let is_link = blue.field.fieldtype == "Link" && green.field.fieldtype == "Link";
    if !(is_table || is_link) || blue.field.options == green.field.options {
        return;
    }
    let target = |side: &super::Side<'_>| side.field.options.clone().unwrap_or_default();
    let (old, new) = (target(blue), target(green));
    let follows = versions.blue_name(&new) == old;
    let (kind, cls) = match (follows, is_table) {
        (true, _) => ("target_renamed", "none"),
        (false, true) => ("child_table_target_changed", "incompatible"),
        (false, false) => ("link_target_changed", "incompatible"),
    };
    findings.field(
        field,
        Found {
            kind,
            cls,
            ddl: false,
            old: json!(old),
            new: json!(new),
            verdict: Verdict::Blocking,
            why: format!("blue writes names of {old}, green expects names of {new}; {UNSUPPORTED}"),
        },
    );
}
