//! The end of a release: blue is gone, and what only blue needed goes. There is no way back from here.
//!
//! Green's tables stay as they are. Blue's writes to Singles are in them already, field by field, for all fields
//! that both versions know, and so are users' own documents. What blue wrote to other copies that it could write (its
//! own scheduler's times, the apps' workspaces) ends with it: green's rows of these are the release's content.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backup::{self, Doomed};
use super::expand::run_steps;
use super::inventory::{self, Stage};
use super::ledger::{self, Part};
use super::{
    Error, Session, account, divergence, handover, inspect, isolate, mirror, quote, rehearsal, removed,
};
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
    /// How long nobody of blue may have been seen: it is connected only while it answers.
    pub quiet: Duration,
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
    ledger::create(session).await?;
    // What the command lacks is said before blue's door is shut.
    let keep = to_keep(session, plan, options).await?;
    refuse_blue(session, options.quiet).await?;
    refuse_divergence(session, plan).await?;
    let removed = match take(session, plan, keep).await {
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
    rehearsal::sweep(session).await?;
    session.progress.report("contract", 2, 4, "steps done");
    drop_database(session, &session.schema.clone()).await?;
    session.progress.report("contract", 3, 4, "blue's schema dropped");
    account::drop_user(session).await?;
    session.progress.report("contract", 4, 4, "blue's user dropped");
    ledger::end(session, Part::Contract, STEP).await
}

/// What is to be dropped by policy, and what has to be kept before.
struct ToKeep {
    removed: Doomed,
    /// What no backup has yet, and its file; none where nothing is to be kept.
    missing: Option<(Doomed, PathBuf)>,
    /// How many backups of this contract there are, and the newest.
    before: (usize, Option<String>),
}

/// What is to be kept of what is dropped, unless an earlier run has.
///
/// That may be more than an earlier run found: the policy was changed, a Custom Field was deleted. What no backup keeps
/// is kept in one more, beside those that are there: what they keep may be dropped already.
async fn to_keep(session: &mut Session<'_>, plan: &Plan, options: Options<'_>) -> Result<ToKeep, Error> {
    let removed = if options.drop_removed { removed::find(session, plan).await? } else { Doomed::default() };
    let doomed = with_blues_columns(session, plan, removed.clone()).await?;
    let has_begun = ledger::has_begun(session, Part::Contract, STEP).await?;
    let noted = noted(session).await?;
    // Until the contract has begun nothing is dropped, and each try keeps all of it.
    let (kept, free): (Vec<_>, Vec<_>) = noted.into_iter().partition(|(_, is_done)| has_begun && *is_done);
    let missing = kept.iter().fold(doomed, |doomed, (one, _)| doomed.without(&one.kept));
    let before = (kept.len(), kept.last().map(|(one, _)| one.file.clone()));
    if missing.is_empty() && !kept.is_empty() {
        return Ok(ToKeep { removed, missing: None, before });
    }
    let Some(path) = options.backup else {
        if missing.is_empty() || options.without_backup {
            return Ok(ToKeep { removed, missing: None, before });
        }
        return Err(Error::Refused(format!(
            "{} would be dropped: give --backup FILE, or say --without-backup",
            missing.describe()
        )));
    };
    let is_free = |file: &Path| free.iter().any(|(one, _)| one.file == file.display().to_string());
    let file = backup::unused(path, is_free);
    Ok(ToKeep { removed, missing: Some((missing, file)), before })
}

/// Keeps it; gives what is to be dropped by policy.
async fn take(session: &mut Session<'_>, plan: &Plan, keep: ToKeep) -> Result<Doomed, Error> {
    let ToKeep { removed, missing, before: (kept, newest) } = keep;
    let Some((missing, file)) = missing else { return Ok(removed) };
    let name = if kept == 0 { "backup".to_owned() } else { format!("backup-{}", kept + 1) };
    let note = Noted { file: file.display().to_string(), kept: missing };
    let text = serde_json::json!(note).to_string();
    ledger::begin(session, Part::Contract, &name, &plan.hash, &text).await?;
    let parts = backup::parts(session, &note.kept, kept == 0).await?;
    let written = backup::take(session, &parts, &plan.hash, &file).await?;
    let mut message = format!("{} rows of {} tables kept in {}", written.rows, written.parts, file.display());
    if let Some(newest) = newest {
        message = format!("{message}; restore it before {newest}");
    }
    session.progress.report("backup", 1, 1, &message);
    ledger::end(session, Part::Contract, &name).await?;
    Ok(removed)
}

/// A backup of this contract, as the ledger has it.
#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    file: String,
    kept: Doomed,
}

/// The backups of this contract, the oldest first, and whether each is complete.
async fn noted(session: &mut Session<'_>) -> Result<Vec<(Noted, bool)>, Error> {
    let texts = ledger::texts(session, Part::Contract, "backup").await?;
    Ok(texts.iter().filter_map(|(text, done)| Some((serde_json::from_str(text).ok()?, *done))).collect())
}

/// Adds what the plan's own steps are going to drop and have not yet.
async fn with_blues_columns(
    session: &mut Session<'_>,
    plan: &Plan,
    mut doomed: Doomed,
) -> Result<Doomed, Error> {
    let there = inspect::columns(&mut session.connection, &session.base).await?;
    for step in &plan.contract {
        if let Effect::ColumnsAbsent { table, columns } = &step.effect {
            let live = there.get(table).into_iter().flatten();
            let gone: BTreeSet<String> = live.filter(|name| columns.contains(name)).cloned().collect();
            // Where the whole table is kept its columns are.
            if !gone.is_empty() && !doomed.tables.contains(table) {
                doomed.columns.entry(table.clone()).or_default().extend(gone);
            }
        }
    }
    Ok(doomed)
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
async fn refuse_blue(session: &mut Session<'_>, quiet: Duration) -> Result<(), Error> {
    let mut refused = account::refuse_if_connected(session).await;
    if refused.is_ok() {
        refused = refuse_if_seen(session, quiet).await;
    }
    if refused.is_ok() {
        account::lock(session, true).await?;
        refused = account::refuse_if_connected(session).await;
    }
    if refused.is_err() {
        let_blue_in(session).await?;
    }
    refused
}

/// Refuses if somebody of blue comes by meanwhile.
async fn refuse_if_seen(session: &mut Session<'_>, quiet: Duration) -> Result<(), Error> {
    let bound = quiet + Duration::from_secs(1);
    match handover::run(&session.database, &session.schema, quiet, bound, session.progress).await {
        Err(Error::Waited(seen)) => Err(Error::Refused(format!(
            "blue still serves: stop its web, workers and scheduler first: {seen}"
        ))),
        other => other.map(drop),
    }
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
