//! `autoname_changed`, `autoincrement_on`, `autoincrement_off`: how new documents get their names.

use serde_json::json;

use crate::doctype::Storage;
use crate::plan::Verdict;

use super::{Findings, Found, Pair};

pub(super) fn find(pair: &Pair<'_>, findings: &mut Findings) {
    let (Some(blue), Some(green)) = (pair.blue, pair.green) else { return };
    if blue.autoname == green.autoname || green.storage() != Storage::Table {
        return;
    }
    let (kind, cls, verdict, why) = match (blue.is_autoincrement(), green.is_autoincrement()) {
        (false, true) => (
            "autoincrement_on",
            "incompatible",
            Verdict::Blocking,
            "green wants numbers as names and a sequence, and migrate makes neither on a table that is there: keep the naming, or make a DocType of another name".to_owned(),
        ),
        (true, false) => (
            "autoincrement_off",
            "incompatible",
            Verdict::Blocking,
            "green wants text as names, and migrate leaves the column of numbers: keep the naming, or make a DocType of another name".to_owned(),
        ),
        (false, false) | (true, true) => (
            "autoname_changed",
            "none",
            Verdict::Neutral,
            "existing names stay; each version names what it creates".to_owned(),
        ),
    };
    let name = |autoname: &Option<String>| json!(autoname.as_deref().unwrap_or(""));
    findings.doctype(
        pair,
        Found { kind, cls, ddl: false, old: name(&blue.autoname), new: name(&green.autoname), verdict, why },
    );
}
