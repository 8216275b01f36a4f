//! The end of a release: blue is gone, and what only blue needed goes. There is no way back from here.
//!
//! Green's tables stay as they are. Blue's writes to Singles are in them already, field by field, for all fields
//! that both versions know. What blue wrote to other copies that it could write (its own scheduler's times, its own
//! workspaces) ends with it: green's rows of these tables are the release's content.

use super::expand::run_steps;
use super::inventory::{self, Stage};
use super::ledger::{self, Part};
use super::{Error, Session, account, inspect, mirror, quote};
use crate::plan::Plan;

/// The ledger's name of the whole: once it is there, no rollback may begin.
pub(crate) const STEP: &str = "schema";

/// Removes triggers, blue's schema and its user; runs the plan's contract steps. May be repeated after a kill.
pub async fn run(session: &mut Session<'_>, plan: &Plan) -> Result<(), Error> {
    match inventory::stage(session).await? {
        None | Some(Stage::Settled) => {}
        Some(Stage::Open) => {
            let message = format!("{} was never settled: run expand before contract", session.schema);
            return Err(Error::Refused(message));
        }
        Some(Stage::RolledBack) => {
            let message = format!("the release of {} was rolled back: finish that instead", session.schema);
            return Err(Error::Refused(message));
        }
    }
    refuse_blue(session).await?;
    ledger::create(session).await?;
    ledger::begin(session, Part::Contract, STEP, &plan.hash, "").await?;
    let triggers = mirror::drop_all(session, "").await?;
    session.progress.report("contract", 1, 4, &format!("{triggers} triggers dropped"));
    run_steps(session, Part::Contract, &plan.contract, &plan.hash).await?;
    session.progress.report("contract", 2, 4, "steps done");
    drop_database(session, &session.schema.clone()).await?;
    session.progress.report("contract", 3, 4, "blue's schema dropped");
    account::drop_user(session).await?;
    session.progress.report("contract", 4, 4, "blue's user dropped");
    ledger::end(session, Part::Contract, STEP).await
}

/// Looks, closes the door, looks again: a request that comes between must not lose its tables half-way.
async fn refuse_blue(session: &mut Session<'_>) -> Result<(), Error> {
    account::refuse_if_connected(session).await?;
    account::lock(session, true).await?;
    let refused = account::refuse_if_connected(session).await;
    if refused.is_err() {
        account::lock(session, false).await?;
    }
    refused
}

/// Drops a database of ours.
pub(crate) async fn drop_database(session: &mut Session<'_>, name: &str) -> Result<(), Error> {
    if !inspect::database_exists(&mut session.connection, name).await? {
        return Ok(());
    }
    let sql = format!("DROP DATABASE IF EXISTS {}", quote::identifier(name));
    session.ddl(&format!("drop the database {name}"), &sql).await
}
