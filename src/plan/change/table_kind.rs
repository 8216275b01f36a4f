//! A DocType changes what it is: Single, table, virtual (`single_to_table`, ...), child table (`istable_on`, ...), engine.

use serde_json::json;

use crate::doctype::Storage;
use crate::plan::Verdict;

use super::{Findings, Found, Pair};

pub(super) fn find(pair: &Pair<'_>, findings: &mut Findings) {
    let (Some(blue), Some(green)) = (pair.blue, pair.green) else { return };
    let (old, new) = (blue.storage(), green.storage());
    let mut enter = |kind, ddl, old, new| {
        findings.doctype(
            pair,
            Found {
                kind,
                cls: "incompatible",
                ddl,
                old,
                new,
                verdict: Verdict::Blocking,
                why: "the two versions keep its documents in different places, and each would not see what the other writes: make a DocType of another name, and move the documents over by a patch".to_owned(),
            },
        );
    };
    if old != new {
        let kind = match (old, new) {
            (Storage::Single, Storage::Table) => "single_to_table",
            (Storage::Table, Storage::Single) => "table_to_single",
            (Storage::Table | Storage::Single | Storage::Virtual, _) => "table_kind_changed",
        };
        enter(kind, new == Storage::Table, json!(old.as_str()), json!(new.as_str()));
        return;
    }
    if old != Storage::Table {
        return;
    }
    if blue.istable != green.istable {
        let kind = if green.istable { "istable_on" } else { "istable_off" };
        enter(kind, false, json!(blue.istable), json!(green.istable));
    }
    let engine = |engine: &Option<String>| engine.clone().unwrap_or_else(|| "InnoDB".to_owned());
    let (old_engine, new_engine) = (engine(&blue.engine), engine(&green.engine));
    if !old_engine.eq_ignore_ascii_case(&new_engine) {
        findings.doctype(
            pair,
            Found {
                kind: "engine_changed",
                cls: "none",
                ddl: false,
                old: json!(old_engine),
                new: json!(new_engine),
                verdict: Verdict::Neutral,
                why: "Frappe's sync leaves the engine of an existing table".to_owned(),
            },
        );
    }
}
