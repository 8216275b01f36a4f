//! `sort_index_added`: lists sorted by creation make newer Frappe index that column.

use serde_json::json;

use crate::doctype::{Index, Storage, table_name};
use crate::plan::Verdict;
use crate::plan::operation::Operation;

use super::{Findings, Found, Pair, Versions};

pub(super) fn find(pair: &Pair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let (Some(blue), Some(green)) = (pair.blue, pair.green) else { return };
    let by_creation = |field: &Option<String>| field.as_deref() == Some("creation");
    let applies = green.storage() == Storage::Table && versions.green_frappe.major == 15;
    if !applies || by_creation(&blue.sort_field) || !by_creation(&green.sort_field) {
        return;
    }
    let columns = vec!["creation".to_owned()];
    if !versions.live(&blue.name).is_some_and(|table| table.has_index(&columns, false)) {
        findings.operations.push(Operation::AddIndex {
            table: table_name(&green.name),
            engine: green.engine.clone(),
            index: Index { name: "creation".to_owned(), columns, unique: false },
        });
    }
    findings.doctype(
        pair,
        Found {
            kind: "sort_index_added",
            cls: "additive",
            ddl: true,
            old: json!(blue.sort_field.as_deref().unwrap_or("modified")),
            new: json!("creation"),
            verdict: Verdict::Additive,
            why: "built beside the traffic, without a lock".to_owned(),
        },
    );
}
