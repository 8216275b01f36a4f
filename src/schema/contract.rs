//! The end of a release: blue is gone, and what only blue needed goes. There is no way back from here.
//!
//! Green's tables stay as they are. Blue's writes to Singles are in them already, field by field, for all fields
//! that both versions know, and so are users' own documents. What blue wrote to other copies that it could write (its
//! own scheduler's times, the apps' workspaces) ends with it: green's rows of these are the release's content.

use std::collections::BTreeSet;
use std::path::Path;

use super::backup::{self, Doomed};
use super::expand::run_steps;
use super::inventory::{self, Stage};
use super::ledger::{self, Part};
use super::{Error, Session, account, divergence, inspect, isolate, mirror, quote, removed};
use crate::plan::{Effect, Plan};

/// The ledger's name of the whole: once it is there, no rollback may begin.
pub(crate) const STEP: &str = "schema";

/// What a contract drops beside blue's schema, and where that is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// File for a backup of all that is dropped.
    pub backup: Option<&'a Path>,
    /// Whether something of the site may be dropped without one.
    pub without_backup: bool,
    /// Whether columns and tables go that green does not know any more.
    pub drop_removed: bool,
}

/// Removes triggers, blue's schema and its user; runs the plan's contract steps. May be repeated after a kill.
pub async fn run(session: &mut Session<'_>, plan: &Plan, options: Options<'_>) -> Result<(), Error> {
    let never_settled = format!("{} was never settled: run expand before contract", session.schema);
    match inventory::stage(session).await? {
        None => ledger::refuse_other_plan(session, Part::Contract, STEP, &plan.hash).await?,
        Some(Stage::Settled) if ledger::is_done(session, Part::Isolate, "settle").await? => {
            isolate::refuse_other_plan(session, plan).await?;
        }
        Some(Stage::Open | Stage::Settled) => return Err(Error::Refused(never_settled)),
        Some(Stage::RolledBack) => {
            let message = format!("the release of {} was rolled back: finish that instead", session.schema);
            return Err(Error::Refused(message));
        }
    }
    refuse_blue(session).await?;
    refuse_divergence(session, plan).await?;
    ledger::create(session).await?;
    let removed = match keep(session, plan, options).await {
        Ok(removed) => removed,
        Err(error) => {
            let_blue_in(session).await?;
            return Err(error);
        }
    };
    ledger::begin(session, Part::Contract, STEP, &plan.hash, "").await?;
    let triggers = mirror::drop_all(session).await?;
    session.progress.report("contract", 1, 4, &format!("{triggers} triggers dropped"));
    run_steps(session, Part::Contract, &plan.contract, &plan.hash).await?;
    removed::drop(session, &removed, &plan.hash).await?;
    session.progress.report("contract", 2, 4, "steps done");
    drop_database(session, &session.schema.clone()).await?;
    session.progress.report("contract", 3, 4, "blue's schema dropped");
    account::drop_user(session).await?;
    session.progress.report("contract", 4, 4, "blue's user dropped");
    ledger::end(session, Part::Contract, STEP).await
}

/// Writes the backup, unless an earlier run has; gives what is to be dropped by policy.
async fn keep(session: &mut Session<'_>, plan: &Plan, options: Options<'_>) -> Result<Doomed, Error> {
    let removed = if options.drop_removed { removed::find(session, plan).await? } else { Doomed::default() };
    let mut doomed = removed.clone();
    for step in &plan.contract {
        if let Effect::ColumnsAbsent { table, columns } = &step.effect {
            let there = inspect::columns(&mut session.connection, &session.base).await?;
            let live = there.get(table).into_iter().flatten();
            let gone: BTreeSet<String> = live.filter(|name| columns.contains(name)).cloned().collect();
            if !gone.is_empty() {
                doomed.columns.entry(table.clone()).or_default().extend(gone);
            }
        }
    }
    let name = if options.drop_removed { "backup-removed" } else { "backup" };
    let has_begun = ledger::has_begun(session, Part::Contract, STEP).await?;
    if has_begun && ledger::is_done(session, Part::Contract, name).await? {
        return Ok(removed);
    }
    let Some(path) = options.backup else {
        if doomed.is_empty() || options.without_backup {
            return Ok(removed);
        }
        return Err(Error::Refused(format!(
            "{} would be dropped: give --backup FILE, or say --without-backup",
            doomed.describe()
        )));
    };
    ledger::begin(session, Part::Contract, name, &plan.hash, &path.display().to_string()).await?;
    let kept = backup::take(session, &doomed, &plan.hash, path).await?;
    let message = format!("{} rows of {} tables kept in {}", kept.rows, kept.parts, path.display());
    session.progress.report("backup", 1, 1, &message);
    ledger::end(session, Part::Contract, name).await?;
    Ok(removed)
}

/// What blue wrote must be in green's columns before blue's are dropped. A contract that began before is past that.
async fn refuse_divergence(session: &mut Session<'_>, plan: &Plan) -> Result<(), Error> {
    if ledger::has_begun(session, Part::Contract, STEP).await? {
        return Ok(());
    }
    match divergence::run(session, plan).await {
        Ok(compared) => {
            session.progress.report("compare", 1, 1, &compared.to_string());
            Ok(())
        }
        Err(error) => {
            let_blue_in(session).await?;
            Err(error)
        }
    }
}

/// Looks, closes the door, looks again: a request that comes between must not lose its tables half-way. The door is open
/// again if somebody is there; one that was killed may have left it closed.
async fn refuse_blue(session: &mut Session<'_>) -> Result<(), Error> {
    let mut refused = account::refuse_if_connected(session).await;
    if refused.is_ok() {
        account::lock(session, true).await?;
        refused = account::refuse_if_connected(session).await;
    }
    if refused.is_err() {
        let_blue_in(session).await?;
    }
    refused
}

/// Opens blue's door again while nothing is dropped. Once the contract has begun the triggers are gone: what blue would
/// write nobody carries over.
async fn let_blue_in(session: &mut Session<'_>) -> Result<(), Error> {
    if ledger::has_begun(session, Part::Contract, STEP).await? {
        return Ok(());
    }
    account::lock(session, false).await
}

/// Drops a database of ours.
pub(crate) async fn drop_database(session: &mut Session<'_>, name: &str) -> Result<(), Error> {
    if !inspect::database_exists(&mut session.connection, name).await? {
        return Ok(());
    }
    let sql = format!("DROP DATABASE IF EXISTS {}", quote::identifier(name));
    session.ddl(&format!("drop the database {name}"), &sql).await
}
