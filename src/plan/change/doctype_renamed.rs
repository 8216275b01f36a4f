//! `doctype_renamed`: a patch renames the DocType, and with it the table under blue.

use serde_json::json;

use crate::doctype::Storage;
use crate::plan::Verdict;

use super::{Findings, Found, Pair};

pub(super) fn find(pair: &Pair<'_>, findings: &mut Findings) {
    let (Some(blue), Some(green)) = (pair.blue, pair.green) else { return };
    if blue.name == green.name {
        return;
    }
    findings.doctype(
        pair,
        Found {
            kind: "doctype_renamed",
            cls: "incompatible",
            ddl: green.storage() == Storage::Table,
            old: json!(blue.name),
            new: json!(green.name),
            verdict: Verdict::Blocking,
            why: format!(
                "the name {} stands in rows that both versions read (parents of child rows, links, comments, files, versions), and green's rename rewrites all of them under blue: release it in a maintenance window, or add the new DocType beside the old one and move the documents over",
                blue.name
            ),
        },
    );
}
