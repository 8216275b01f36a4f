//! `doctype_removed`: green has no such DocType in any of its apps; Frappe leaves the table.

use serde_json::Value;

use crate::doctype::Storage;
use crate::plan::Verdict;

use super::{Findings, Found, Pair, doctype_added};

pub(super) fn find(pair: &Pair<'_>, findings: &mut Findings) {
    let (Some(doctype), None) = (pair.blue, pair.green) else { return };
    let why = match doctype.storage() {
        Storage::Table => {
            "migrate deletes the DocType from green's metadata; the table and its rows stay for blue"
        }
        Storage::Single => {
            "migrate deletes the DocType from green's metadata; its rows of tabSingles stay for blue"
        }
        Storage::Virtual => "it has no storage",
    };
    findings.doctype(
        pair,
        Found {
            kind: "doctype_removed",
            cls: "contract",
            ddl: false,
            old: doctype_added::summary(doctype),
            new: Value::Null,
            verdict: Verdict::ContractOnly,
            why: why.to_owned(),
        },
    );
}
