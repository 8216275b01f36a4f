//! The way back, in the only order that fails no request: triggers, undo steps, then blue's frozen tables
//! become the base's, each by one `RENAME TABLE`, while blue goes on reading them through stand-by views. Blue's
//! configuration may name the tables again only after that (and after Redis is cleared), and [`finish`] comes last.
//!
//! Rows that green's migrate wrote to the frozen tables go to a trash schema until then. Columns and tables that
//! green added stay, for blue does not know them; child tables are put aside, for blue does not delete their rows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::contract::{self, drop_database};
use super::divergence::{self, Compared};
use super::handover;
use super::inspect::{self, Kind};
use super::inventory::{self, Entry, Stage};
use super::ledger::{self, Part};
use super::view::{self, View};
use super::{Error, OWN_PREFIX, Session, account, isolate, mirror, quote, rehearsal, step, unique};
use crate::plan::{Plan, Work};

/// Gives the tables back to blue, which stays on its schema meanwhile. May be repeated after a kill.
///
/// Green uses the tables' own user and must be gone: nobody of it may be seen for `quiet`, for it is connected only while it
/// answers.
pub async fn tables(session: &mut Session<'_>, plan: &Plan, quiet: Duration) -> Result<(), Error> {
    let stage = inventory::stage(session).await?;
    // Until a schema is settled the ledger has the word of an earlier release of that name, which was contracted.
    if stage != Some(Stage::Open) && ledger::has_begun(session, Part::Contract, contract::STEP).await? {
        let message = format!("the contract of {} has begun: there is no way back from it", session.schema);
        return Err(Error::Refused(message));
    }
    match stage {
        // Nothing was isolated, or all of it is removed already; or this is done.
        None | Some(Stage::RolledBack) => return Ok(()),
        // Base and copies are equal up to here and nothing was changed: blue can go back as it came.
        Some(Stage::Open) => return inventory::set_stage(session, Stage::RolledBack).await,
        Some(Stage::Settled) => isolate::refuse_other_plan(session, plan).await?,
    }
    // A contract that was killed before it began has closed blue's door, and blue goes on.
    account::lock(session, false).await?;
    // Its writes would be lost with the trash.
    let bound = session.settings.connection_wait + quiet;
    handover::run(&session.database, &session.tables_user(), quiet, bound, session.progress).await?;
    ledger::create(session).await?;
    if !ledger::has_begun(session, Part::Rollback, "tables").await? {
        say_what_does_not_fit(session, plan).await?;
    }
    ledger::begin(session, Part::Rollback, "tables", &plan.hash, "").await?;
    let dropped = mirror::drop_all(session).await?;
    session.progress.report("rollback", 1, 4, &format!("{dropped} triggers dropped"));
    undo(session, plan).await?;
    session.progress.report("rollback", 2, 4, "steps taken back");
    let copies = copies(session).await?;
    create_standby_views(session, &copies).await?;
    session.progress.report("rollback", 3, 4, "stand-by views made");
    swap(session, &copies).await?;
    session.progress.report("rollback", 4, 4, &format!("{} tables given back", copies.len()));
    inventory::set_stage(session, Stage::RolledBack).await?;
    ledger::end(session, Part::Rollback, "tables").await
}

/// Removes blue's schema, its user and the trash once nobody was seen there for `quiet`.
///
/// That nobody is connected at this moment is not enough: a Pod that has not read its configuration yet connects again
/// with its next request, as a user that is gone then (error 1045, seen on a busy node).
pub async fn finish(session: &mut Session<'_>, quiet: Duration) -> Result<(), Error> {
    match inventory::stage(session).await? {
        None | Some(Stage::RolledBack) => {}
        Some(Stage::Open | Stage::Settled) => {
            let message = format!("{} still holds blue's tables: run --stage tables first", session.schema);
            return Err(Error::Refused(message));
        }
    }
    let bound = session.settings.connection_wait + quiet;
    handover::run(&session.database, &session.schema, quiet, bound, session.progress).await?;
    ledger::create(session).await?;
    ledger::begin(session, Part::Rollback, "finish", "", "").await?;
    mirror::drop_all(session).await?;
    rehearsal::sweep(session).await?;
    drop_database(session, &session.schema.clone()).await?;
    account::drop_user(session).await?;
    drop_database(session, &session.trash()).await?;
    session.progress.report("rollback", 1, 1, "blue's schema, user and the trash dropped");
    ledger::end(session, Part::Rollback, "finish").await
}

/// Counts green's values that blue's columns cannot hold, as long as both stand there: blue keeps what the rule made of
/// them. Whatever comes out of it, the way back goes on.
async fn say_what_does_not_fit(session: &mut Session<'_>, plan: &Plan) -> Result<(), Error> {
    let Some(last) = plan.expand.last().filter(|_| !plan.in_step.is_empty()) else { return Ok(()) };
    // A release that did not get that far has not both columns of every pair.
    if !ledger::is_done(session, Part::Expand, &last.id).await? {
        return Ok(());
    }
    let said = match divergence::run(session, plan).await {
        Ok(Compared { rows, into_blue, .. }) => vec![format!(
            "{rows} rows compared: {into_blue} values that green wrote do not fit blue's columns, which keep what they became by rule"
        )],
        Err(Error::Diverged(differences)) => differences,
        Err(error) => {
            vec![format!("green's values that do not fit blue's columns were not counted: {error}")]
        }
    };
    for line in said {
        session.progress.report("compare", 1, 1, &line);
    }
    Ok(())
}

/// Takes the steps back, the last one first. What is done is known by the ledger alone: what takes a step back is
/// itself undone by what takes back the one before it.
async fn undo(session: &mut Session<'_>, plan: &Plan) -> Result<(), Error> {
    for step in plan.expand.iter().rev() {
        // What green added does blue no harm, and may hold what users wrote: it stays.
        for (position, undo) in step.undo.iter().enumerate().filter(|(_, undo)| !undo.optional) {
            let name = format!("undo-{position}-{}", step.id);
            if ledger::is_done(session, Part::Rollback, &name).await? {
                continue;
            }
            ledger::begin(session, Part::Rollback, &name, &plan.hash, &undo.sql).await?;
            let begun = ledger::has_begun(session, Part::Expand, &step.id).await?;
            let is_left = begun && !step::holds(session, &undo.effect).await?;
            if is_left && unique::allow(session, &undo.effect).await? {
                let title = format!("take back {}", step.title);
                let is_there = step::run(session, &title, &undo.sql, &undo.work, &undo.effect).await?;
                // What is not filled would go with the column that is dropped next.
                if !is_there && matches!(undo.work, Work::Backfill { .. }) {
                    let missing =
                        format!("{title}: rows of it are still to be filled: start the command again");
                    return Err(Error::Incomplete(vec![missing]));
                }
            }
            ledger::end(session, Part::Rollback, &name).await?;
        }
    }
    Ok(())
}

async fn copies(session: &mut Session<'_>) -> Result<BTreeMap<String, Entry>, Error> {
    let mut entries = inventory::read(session).await?;
    entries.retain(|_, entry| entry.shape.is_copy());
    Ok(entries)
}

/// Views of the base's frozen tables with blue's columns: green's `tabDocType` may have more.
async fn create_standby_views(
    session: &mut Session<'_>,
    copies: &BTreeMap<String, Entry>,
) -> Result<(), Error> {
    let blue = inspect::objects(&mut session.connection, &session.schema).await?;
    let base = inspect::objects(&mut session.connection, &session.base).await?;
    let views: Vec<View<'_>> = copies
        .iter()
        // Where the server stopped within a swap the base's table is in the trash already, and the view is there.
        .filter(|(table, _)| blue.get(*table) == Some(&Kind::Table) && base.contains_key(*table))
        .map(|(table, entry)| View {
            name: standby(table),
            of: table,
            kind: Kind::Table,
            columns: &entry.columns,
            renamed: &view::AS_THEY_ARE,
        })
        .collect();
    view::create(session, &views).await
}

/// A table and its stand-by view change places in one statement, table by table: blue reads the same rows before and after, and
/// nobody else is there. All tables in one statement would have to find all of them free at once; where it queues for one while
/// it holds the others, the server ends users' transactions that hold the one and want another (error 1213, seen on real Frappe).
async fn swap(session: &mut Session<'_>, copies: &BTreeMap<String, Entry>) -> Result<(), Error> {
    let trash = session.trash();
    let create = format!("CREATE DATABASE IF NOT EXISTS {}", quote::identifier(&trash));
    session.ddl("create the trash schema", &create).await?;
    let base = inspect::objects(&mut session.connection, &session.base).await?;
    let blue = inspect::objects(&mut session.connection, &session.schema).await?;
    let parked = inspect::objects(&mut session.connection, &trash).await?;
    let mut swaps = Vec::new();
    for table in copies.keys() {
        let of = |database: &str| quote::qualified(database, table);
        let is_blues = blue.get(table) == Some(&Kind::Table);
        let mut renames = Vec::new();
        if is_blues && base.contains_key(table) {
            if parked.contains_key(table) {
                let broken =
                    format!("{table} is in the base, in blue's schema and in {trash}: move one away by hand");
                return Err(Error::Incomplete(vec![broken]));
            }
            renames.push(format!("{} TO {}", of(&session.base), of(&trash)));
        }
        if is_blues {
            renames.push(format!("{} TO {}", of(&session.schema), of(&session.base)));
        }
        // A crash of the server may have left it alone.
        if blue.contains_key(&standby(table)) {
            renames.push(format!(
                "{} TO {}",
                quote::qualified(&session.schema, &standby(table)),
                of(&session.schema)
            ));
        }
        if !renames.is_empty() {
            swaps.push(format!("RENAME TABLE {}", renames.join(", ")));
        }
    }
    session.ddl_all("give the frozen tables back", &swaps).await
}

fn standby(table: &str) -> String {
    format!("{OWN_PREFIX}_standby_{}", quote::short_hash(&[table]))
}
