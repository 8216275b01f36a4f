//! `link_target_changed`, `child_table_target_changed`: values name documents of another DocType; `target_renamed`: of
//! the same one under its new name.

use serde_json::json;

use crate::plan::Verdict;

use super::{FieldPair, Findings, Found, Versions};

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
    let (verdict, why) = if follows {
        (Verdict::Neutral, format!("the target's name is new; see what is said of {new}"))
    } else {
        let why = format!(
            "blue writes names of {old}, green expects names of {new}: add a field of another name, fill it by a patch, and remove the old one a release later"
        );
        (Verdict::Blocking, why)
    };
    findings.field(field, Found { kind, cls, ddl: false, old: json!(old), new: json!(new), verdict, why });
}
