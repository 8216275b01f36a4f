//! `index_added`, `index_removed` on a column that both versions have.

use serde_json::json;

use crate::doctype::Index;
use crate::plan::operation::Operation;
use crate::plan::{IndexFacts, Verdict};

use super::{FieldPair, Findings, Found, Versions};

/// Has a rollback build an index again that blue's field asks for and green's migrate drops, if the site has it; what there is
/// to say of it. One of a column that is carried goes with blue's.
pub(super) fn keep(
    field: &FieldPair<'_>,
    unique: bool,
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> &'static str {
    let Some(shape) = field.blue_now.clone().filter(|_| !field.is_carried()) else { return "" };
    let columns = vec![field.name.to_owned()];
    let name = match versions.live(&field.blue_doctype.name) {
        None if unique => field.name.to_owned(),
        None => format!("{}_index", field.name),
        Some(live) => {
            let is_it = |index: &&IndexFacts| index.columns == columns && index.unique == unique;
            let Some(index) = live.indexes.iter().find(is_it) else { return "" };
            index.name.clone()
        }
    };
    findings.operations.push(Operation::KeepIndex {
        table: field.table(),
        engine: field.green_doctype.engine.clone(),
        index: Index { name, columns, unique },
        shape,
    });
    if unique {
        "; a rollback builds it again if no value stands twice"
    } else {
        "; a rollback builds it again"
    }
}

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let Some((_, new)) = field.columns().filter(|_| field.is_in_table()) else { return };
    let (was, is) = (blue.field.search_index, green.field.search_index);
    // A unique column that asks for an index as well got the unique one alone: there is none to drop.
    if was == is || new.is_text() || (was && blue.field.unique && green.field.unique) {
        return;
    }
    let columns = vec![field.name.to_owned()];
    let is_there =
        versions.live(&field.blue_doctype.name).is_some_and(|table| table.has_index(&columns, false));
    if is && !is_there && !field.is_carried() {
        findings.operations.push(Operation::AddIndex {
            table: field.table(),
            engine: field.green_doctype.engine.clone(),
            index: Index { name: format!("{}_index", field.name), columns, unique: false },
        });
    }
    let kept = if was && !blue.field.unique { keep(field, false, versions, findings) } else { "" };
    let (kind, cls, verdict, why) = if is {
        ("index_added", "additive", Verdict::Additive, "built beside the traffic, without a lock")
    } else {
        (
            "index_removed",
            "none",
            Verdict::Neutral,
            "green's migrate drops it online; queries of blue that used it get slower",
        )
    };
    findings.field(
        field,
        Found { kind, cls, ddl: true, old: json!(was), new: json!(is), verdict, why: [why, kept].concat() },
    );
}
