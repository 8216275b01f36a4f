//! What green does not know any more: columns and tables that Frappe leaves for ever, dropped by policy alone.
//!
//! The plan says what was removed or renamed away; the site has the last word. A field may have come back as a custom
//! one, a DocType may have moved to an app that the plan did not see: what the metadata still names stays.

use std::collections::BTreeSet;

use super::backup::Doomed;
use super::expand::run_steps;
use super::inspect::{self, Kind};
use super::ledger::Part;
use super::question::Question;
use super::{Error, Session, quote};
use crate::plan::{Change, Effect, Plan, Step};

/// A column that may go: DocType, table, column.
type Candidate = (String, String, String);

/// What can be dropped of what the plan removes.
pub(crate) async fn find(session: &mut Session<'_>, plan: &Plan) -> Result<Doomed, Error> {
    let base = session.base.clone();
    let objects = inspect::objects(&mut session.connection, &base).await?;
    let columns = inspect::columns(&mut session.connection, &base).await?;
    let mut doomed = Doomed::default();
    for (doctype, table, column) in plan.changes.iter().filter_map(column) {
        let is_there = columns.get(&table).is_some_and(|names| names.contains(&column));
        if objects.get(&table) == Some(&Kind::Table)
            && is_there
            && !is_field(session, &doctype, &column).await?
            && can_be_dropped(session, &table, &column).await?
        {
            doomed.columns.entry(table).or_default().insert(column);
        }
    }
    for doctype in
        plan.changes.iter().filter(|change| change.kind == "doctype_removed").map(|change| &change.doctype)
    {
        let table = format!("tab{doctype}");
        if objects.get(&table) == Some(&Kind::Table) && !is_doctype(session, doctype).await? {
            doomed.columns.remove(&table);
            doomed.tables.insert(table);
        }
    }
    Ok(doomed)
}

/// Drops it, by the ledger.
pub(crate) async fn drop(session: &mut Session<'_>, doomed: &Doomed, plan_hash: &str) -> Result<(), Error> {
    let columns = doomed.columns.iter().map(|(table, columns)| {
        let drops: Vec<String> = columns
            .iter()
            .map(|column| format!("DROP COLUMN IF EXISTS {}", quote::identifier(column)))
            .collect();
        Step::statement(
            format!("removed-columns-{table}"),
            format!("drop {} of {table}", columns.iter().cloned().collect::<Vec<_>>().join(", ")),
            format!(
                "ALTER TABLE {} {}, ALGORITHM=NOCOPY, LOCK=NONE",
                quote::identifier(table),
                drops.join(", ")
            ),
            Effect::ColumnsAbsent { table: table.clone(), columns: columns.iter().cloned().collect() },
        )
    });
    let tables = doomed.tables.iter().map(|table| {
        Step::statement(
            format!("removed-table-{table}"),
            format!("drop {table}"),
            format!("DROP TABLE IF EXISTS {}", quote::identifier(table)),
            Effect::TableAbsent { table: table.clone() },
        )
    });
    let steps: Vec<Step> = columns.chain(tables).collect();
    run_steps(session, Part::Contract, &steps, plan_hash).await.map(std::mem::drop)
}

/// The column that a change leaves behind.
fn column(change: &Change) -> Option<Candidate> {
    let field = match change.kind.as_str() {
        "field_removed" => change.field.clone()?,
        "field_renamed" => change.old.as_ref()?.as_str()?.to_owned(),
        _ => return None,
    };
    let is_in_table = matches!(change.storage.as_str(), "table" | "child");
    is_in_table.then(|| (change.doctype.clone(), format!("tab{}", change.doctype), field))
}

/// Whether the metadata that green left names the field.
async fn is_field(session: &mut Session<'_>, doctype: &str, field: &str) -> Result<bool, Error> {
    let by_file = "SELECT COUNT(*) FROM `tabDocField` WHERE parent = ? AND fieldname = ?";
    let by_hand = "SELECT COUNT(*) FROM `tabCustom Field` WHERE dt = ? AND fieldname = ?";
    Ok(count(session, by_file, [doctype, field]).await? + count(session, by_hand, [doctype, field]).await?
        > 0)
}

async fn is_doctype(session: &mut Session<'_>, doctype: &str) -> Result<bool, Error> {
    let sql = "SELECT COUNT(*) FROM `tabDocType` WHERE name = ? AND name = ?";
    Ok(count(session, sql, [doctype, doctype]).await? > 0)
}

/// Without touching a row: no key of several columns, no primary key, `InnoDB` that is not compressed.
async fn can_be_dropped(session: &mut Session<'_>, table: &str, column: &str) -> Result<bool, Error> {
    let base = session.base.clone();
    let sql = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? \
               AND (ENGINE <> 'InnoDB' OR ROW_FORMAT = ?)";
    if count(session, sql, [table, "Compressed"]).await? > 0 {
        return Ok(false);
    }
    let key = inspect::primary_key(&mut session.connection, &base, table).await?;
    let indexes = "SELECT COUNT(*) FROM information_schema.STATISTICS s JOIN information_schema.STATISTICS o \
                   ON o.TABLE_SCHEMA = s.TABLE_SCHEMA AND o.TABLE_NAME = s.TABLE_NAME AND o.INDEX_NAME = s.INDEX_NAME \
                   AND o.COLUMN_NAME <> s.COLUMN_NAME \
                   WHERE s.TABLE_SCHEMA = DATABASE() AND s.TABLE_NAME = ? AND s.COLUMN_NAME = ?";
    let known: BTreeSet<String> = key.into_iter().collect();
    Ok(!known.contains(column) && count(session, indexes, [table, column]).await? == 0)
}

async fn count(session: &mut Session<'_>, sql: &'static str, binds: [&str; 2]) -> Result<i64, Error> {
    let [one, other] = binds.map(str::to_owned);
    let query = Question::fixed(sql).with(one).with(other).scalar(&mut session.connection);
    query.await.map_err(Error::query("see whether something is still used"))
}
