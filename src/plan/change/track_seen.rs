//! `track_seen_on`: the table gets the column `_seen`.

use serde_json::{Value, json};

use crate::doctype::{ColumnShape, Storage, table_name};
use crate::plan::Verdict;
use crate::plan::operation::{Operation, column};

use super::{Findings, Found, Pair, Versions};

pub(super) fn find(pair: &Pair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let (Some(blue), Some(green)) = (pair.blue, pair.green) else { return };
    if green.storage() != Storage::Table || green.istable || blue.track_seen || !green.track_seen {
        return;
    }
    if versions.live(&blue.name).is_none_or(|table| table.column("_seen").is_none()) {
        findings.operations.push(Operation::AddColumn {
            table: table_name(&green.name),
            engine: green.engine.clone(),
            column: column("_seen", &ColumnShape::nullable("text")),
        });
    }
    findings.doctype(
        pair,
        Found {
            kind: "track_seen_on",
            cls: "additive",
            ddl: true,
            old: Value::Null,
            new: json!(true),
            verdict: Verdict::Additive,
            why: "a new column at the end, which blue's view does not show".to_owned(),
        },
    );
}
