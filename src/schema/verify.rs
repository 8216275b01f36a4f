//! Asks the database whether a release is really in place: every step's effect, every object of blue's schema, and
//! whether both versions see the same values.

use std::collections::BTreeMap;

use super::divergence::{self, Compared};
use super::inventory::{self, Entry, Shape, Stage};
use super::{Error, Session, connection, inspect, isolate, mirror, quote, singles, step};
use crate::plan::Plan;
use inspect::Kind;

/// What was found in place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Steps and objects of blue's schema.
    pub looked: usize,
    /// Rows of both versions' columns.
    pub compared: Compared,
}

/// Fails with the list of everything that is missing, or with the rows in which the two versions differ.
pub async fn run(session: &mut Session<'_>, plan: &Plan) -> Result<Verified, Error> {
    let stage = inventory::stage(session).await?;
    if stage.is_some() {
        isolate::refuse_other_plan(session, plan).await?;
    }
    let mut missing = Vec::new();
    let mut looked = 0;
    for step in &plan.expand {
        looked += 1;
        if !step::is_done(session, step).await? {
            missing.push(format!("step {} ({}) is not in effect", step.id, step.title));
        }
    }
    match stage {
        None => missing.push(format!("blue's schema {} does not exist", session.schema)),
        Some(Stage::Open | Stage::Settled) => {
            let entries = inventory::read(session).await?;
            looked += schema(session, &entries, &mut missing).await?;
            triggers(session, plan, &entries, &mut missing).await?;
        }
        Some(Stage::RolledBack) => missing.push("the release was rolled back".to_owned()),
    }
    session.progress.report("verify", 1, 1, &format!("{looked} looked at, {} missing", missing.len()));
    if !missing.is_empty() {
        return Err(Error::Incomplete(missing));
    }
    let compared = divergence::run(session, plan).await?;
    session.progress.report("compare", 1, 1, &compared.to_string());
    Ok(Verified { looked, compared })
}

async fn schema(
    session: &mut Session<'_>,
    entries: &BTreeMap<String, Entry>,
    missing: &mut Vec<String>,
) -> Result<usize, Error> {
    let there = inspect::objects(&mut session.connection, &session.schema).await?;
    let columns = inspect::columns(&mut session.connection, &session.schema).await?;
    for (name, entry) in entries {
        let kind = match entry.shape {
            Shape::View => Kind::View,
            Shape::Copy | Shape::ReadOnlyCopy => Kind::Table,
            Shape::Sequence => Kind::Sequence,
        };
        if there.get(name) != Some(&kind) {
            missing.push(format!("{name} is not in blue's schema as a {kind:?}"));
        } else if kind == Kind::View && !is_readable(session, name, &entry.columns).await {
            missing.push(format!("blue's view of {name} cannot be read any more"));
        } else if kind != Kind::Sequence && columns.get(name) != Some(&entry.columns) {
            missing.push(format!("{name} has other columns in blue's schema than at isolation"));
        } else if !entry.filled {
            missing.push(format!("blue's copy of {name} was not finished"));
        }
    }
    Ok(entries.len())
}

/// What keeps rows of copies in step: settings, and users' own documents.
async fn triggers(
    session: &mut Session<'_>,
    plan: &Plan,
    entries: &BTreeMap<String, Entry>,
    missing: &mut Vec<String>,
) -> Result<(), Error> {
    let mut wanted = BTreeMap::new();
    if entries.get(singles::TABLE).is_some_and(|entry| entry.shape.is_copy()) {
        wanted.extend(singles::trigger_names().map(|trigger| (trigger, singles::TABLE)));
    }
    for frozen in plan.frozen.iter().filter(|frozen| frozen.shared.is_some()) {
        if entries.get(&frozen.table).is_some_and(|entry| entry.shape == Shape::Copy) {
            wanted.extend(mirror::names(&frozen.table).map(|trigger| (trigger, frozen.table.as_str())));
        }
    }
    for database in [session.base.clone(), session.schema.clone()] {
        let live = inspect::triggers(&mut session.connection, &database).await?;
        for (trigger, table) in &wanted {
            if !live.iter().any(|(name, _)| name == trigger) {
                missing
                    .push(format!("the trigger {trigger} that keeps {table} in step is not in {database}"));
            }
        }
    }
    Ok(())
}

/// A view whose table lost a column is still listed; only a read tells.
async fn is_readable(session: &mut Session<'_>, name: &str, columns: &[String]) -> bool {
    let sql = format!(
        "SELECT {} FROM {} LIMIT 0",
        quote::columns(columns, ""),
        quote::qualified(&session.schema, name)
    );
    connection::run(&mut session.connection, sql).await.is_ok()
}
