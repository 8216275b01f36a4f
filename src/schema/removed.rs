//! What green does not know any more: columns and tables that Frappe leaves for ever, dropped by policy alone.
//!
//! The plan says what was removed or renamed away; the site has the last word. A field may have come back as a custom
//! one, a DocType may have moved to an app that the plan did not see: what the metadata still names stays.

use super::backup::Doomed;
use super::expand::run_steps;
use super::inspect::{self, Kind};
use super::ledger::Part;
use super::question::Question;
use super::{Error, Session, quote, rehearsal};
use crate::plan::{Change, Effect, Plan, Step};

/// How columns are dropped: no row is touched.
const HOW: &str = "ALGORITHM=NOCOPY, LOCK=NONE";

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
        if objects.get(&table) != Some(&Kind::Table)
            || !is_there
            || is_field(session, &doctype, &column).await?
        {
            continue;
        }
        match obstacle(session, &table, &column).await? {
            None => {
                doomed.columns.entry(table).or_default().insert(column);
            }
            Some(reason) => {
                session.progress.report("removed", 0, 0, &format!("{column} of {table} stays: {reason}"));
            }
        }
    }
    for doctype in
        plan.changes.iter().filter(|change| change.kind == "doctype_removed").map(|change| &change.doctype)
    {
        let table = format!("tab{doctype}");
        if objects.get(&table) != Some(&Kind::Table) || is_doctype(session, doctype).await? {
            continue;
        }
        doomed.columns.remove(&table);
        if is_referred_to(session, &table).await? {
            let message = format!("{table} stays: a foreign key of another table refers to it");
            session.progress.report("removed", 0, 0, &message);
        } else {
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
            format!("ALTER TABLE {} {}, {HOW}", quote::identifier(table), drops.join(", ")),
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

/// Why a column cannot be dropped without touching a row, or be put back. It is asked before the contract begins:
/// what would be refused after that would hold it up for ever.
async fn obstacle(session: &mut Session<'_>, table: &str, column: &str) -> Result<Option<String>, Error> {
    let asked = [
        (
            "its table is no plain InnoDB table",
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? \
             AND ? <> '' AND (ENGINE <> 'InnoDB' OR ROW_FORMAT = 'Compressed')",
        ),
        (
            "it is part of the primary key, or of an index of several columns",
            "SELECT COUNT(*) FROM (SELECT INDEX_NAME FROM information_schema.STATISTICS \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? GROUP BY INDEX_NAME \
             HAVING SUM(COLUMN_NAME = ?) > 0 AND (INDEX_NAME = 'PRIMARY' OR COUNT(*) > 1)) AS found",
        ),
        (
            "it is computed from other columns",
            "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? \
             AND COLUMN_NAME = ? AND IS_GENERATED <> 'NEVER'",
        ),
        (
            "a foreign key is on it",
            "SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() \
             AND REFERENCED_TABLE_NAME IS NOT NULL \
             AND (?, ?) IN ((TABLE_NAME, COLUMN_NAME), (REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME))",
        ),
    ];
    for (reason, sql) in asked {
        if count(session, sql, [table, column]).await? > 0 {
            return Ok(Some(reason.to_owned()));
        }
    }
    rehearse(session, table, column).await
}

/// What the server says against it, tried on an empty table that is made like this one: a CHECK or a computed column may
/// be in the way, or an index over texts. It is no temporary one, which only a copy could change.
async fn rehearse(session: &mut Session<'_>, table: &str, column: &str) -> Result<Option<String>, Error> {
    let like = quote::qualified(&session.base, table);
    let copy = rehearsal::copy(session);
    let away = format!("DROP TABLE IF EXISTS {copy}");
    let make = [away.clone(), format!("CREATE TABLE {copy} LIKE {like}")];
    session.ddl_all(&format!("try to drop {column} of {table}"), &make).await?;
    let drop = format!("ALTER TABLE {copy} DROP COLUMN {}, {HOW}", quote::identifier(column));
    let tried = session.ddl(&format!("try to drop {column} of {table}"), &drop).await;
    let reason = match tried {
        Ok(()) => None,
        Err(Error::Query { act, source }) => match source.as_database_error() {
            Some(error) => Some(error.message().to_owned()),
            None => return Err(Error::Query { act, source }),
        },
        Err(error) => return Err(error),
    };
    session.ddl("drop a table of ours", &away).await?;
    Ok(reason)
}

/// Whether a foreign key of another table would be left without its table.
async fn is_referred_to(session: &mut Session<'_>, table: &str) -> Result<bool, Error> {
    let sql = "SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS \
               WHERE CONSTRAINT_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = ? AND TABLE_NAME <> ?";
    Ok(count(session, sql, [table, table]).await? > 0)
}

async fn count(session: &mut Session<'_>, sql: &'static str, binds: [&str; 2]) -> Result<i64, Error> {
    let [one, other] = binds.map(str::to_owned);
    let query = Question::fixed(sql).with(one).with(other).scalar(&mut session.connection);
    query.await.map_err(Error::query("see whether something is still used"))
}
