//! `doctype_added`: green brings a new DocType; its table is created before green.

use serde_json::{Map, Value, json};

use crate::doctype::{DocType, Storage, Table};
use crate::plan::Verdict;
use crate::plan::operation::Operation;

use super::{Findings, Found, Pair, Versions};

pub(super) fn find(pair: &Pair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let (None, Some(doctype)) = (pair.blue, pair.green) else { return };
    let is_stored = doctype.storage() == Storage::Table;
    if is_stored {
        let table = Table::of(doctype, versions.green_frappe);
        findings.operations.push(Operation::CreateTable { table, is_child: doctype.istable });
    }
    let why = match doctype.storage() {
        Storage::Table => "blue does not know the new table",
        Storage::Single => "a new Single has no rows that blue could lose",
        Storage::Virtual => "a virtual DocType has no storage",
    };
    findings.doctype(
        pair,
        Found {
            kind: "doctype_added",
            cls: "additive",
            ddl: is_stored,
            old: Value::Null,
            new: summary(doctype),
            verdict: Verdict::Additive,
            why: why.to_owned(),
        },
    );
}

/// What a plan says of a DocType.
pub(super) fn summary(doctype: &DocType) -> Value {
    let mut summary = Map::new();
    let fields = doctype.fields.iter().filter(|field| field.is_value() || field.is_table()).count();
    summary.insert("fields".to_owned(), json!(fields));
    summary.insert("module".to_owned(), json!(doctype.module));
    let flags = [
        ("autoincrement", doctype.is_autoincrement()),
        ("is_submittable", doctype.is_submittable),
        ("is_tree", doctype.is_tree),
        ("is_virtual", doctype.is_virtual),
        ("issingle", doctype.issingle),
        ("istable", doctype.istable),
    ];
    for (name, _) in flags.into_iter().filter(|(_, set)| *set) {
        summary.insert(name.to_owned(), json!(true));
    }
    Value::Object(summary)
}
