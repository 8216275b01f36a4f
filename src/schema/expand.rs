//! The pre-migrate steps: blue's schema is settled, then the plan's statements run on the tables.

use std::time::Instant;

use super::handover;
use super::inventory::{self, Shape, Stage};
use super::ledger::{self, Part};
use super::{Error, Session, basis, inspect, isolate, mirror, rehearsal, shared_rows, singles, step};
use crate::plan::{Plan, Step, Work};

/// What an expand did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expanded {
    /// Steps that ran.
    pub ran: usize,
    /// Steps whose effect was there already.
    pub found: usize,
}

/// Settles blue's schema (once) and runs the steps that are not in effect yet.
pub async fn run(session: &mut Session<'_>, plan: &Plan) -> Result<Expanded, Error> {
    match inventory::stage(session).await? {
        None => {
            let message = format!("blue's schema {} does not exist: run isolate first", session.schema);
            return Err(Error::Refused(message));
        }
        Some(stage @ (Stage::Open | Stage::Settled)) => {
            isolate::refuse_other_plan(session, plan).await?;
            basis::check(session, plan).await?;
            // One that was killed or gave up while it settled goes on with it. An open one may have the word of an earlier release.
            if stage == Stage::Open || !ledger::is_done(session, Part::Isolate, "settle").await? {
                settle(session, plan).await?;
            }
        }
        Some(Stage::RolledBack) => {
            let message = format!("the release of {} was rolled back: finish that first", session.schema);
            return Err(Error::Refused(message));
        }
    }
    // Fields may have been added since the isolation: what no longer fits is refused before the first step.
    let refused = rehearsal::run(session, &plan.expand).await?;
    if !refused.is_empty() {
        return Err(Error::Refused(refused.join("; ")));
    }
    run_steps(session, Part::Expand, &plan.expand, &plan.hash).await
}

/// Runs steps by the ledger: the row, the statement, done; nothing whose effect holds.
pub(crate) async fn run_steps(
    session: &mut Session<'_>,
    part: Part,
    steps: &[Step],
    plan_hash: &str,
) -> Result<Expanded, Error> {
    ledger::create(session).await?;
    let mut expanded = Expanded::default();
    let total = steps.len() as u64;
    for (done, step) in (0_u64..).zip(steps) {
        let begun = Instant::now();
        let is_done = step::is_done(session, step).await?;
        if is_done && ledger::is_done(session, part, &step.id).await? {
            expanded.found += 1;
            continue;
        }
        ledger::begin(session, part, &step.id, plan_hash, &step.sql).await?;
        if is_done {
            expanded.found += 1;
        } else {
            if !step::run(session, &step.title, &step.sql, &step.work, &step.effect).await? {
                let missing = format!("step {} ran, but its effect is not there: {:?}", step.id, step.effect);
                return Err(Error::Incomplete(vec![missing]));
            }
            expanded.ran += 1;
        }
        ledger::end(session, part, &step.id).await?;
        let message = format!("{} ({} ms)", step.title, begun.elapsed().as_millis());
        session.progress.report("steps", done + 1, total, &message);
    }
    Ok(expanded)
}

/// Blue is on its schema alone now: the copies stop following the tables, and the views take their last shape.
///
/// Blue may have added a custom field or a DocType since it was isolated, through the tables' own user.
async fn settle(session: &mut Session<'_>, plan: &Plan) -> Result<(), Error> {
    // Nobody may write to the tables behind the back of the copies.
    handover::wait_until_gone(session, &session.tables_user()).await?;
    ledger::create(session).await?;
    ledger::begin_anew(session).await?;
    ledger::begin(session, Part::Isolate, "settle", &plan.hash, "").await?;
    refuse_if_copy_is_behind(session).await?;
    let objects = isolate::site_objects(session).await?;
    let wanted = isolate::reconcile(session, &objects, &plan.frozen).await?;
    // The entry of green's migrate reads which tables blue sees itself: those are never copied.
    let shown = wanted.iter().filter(|(_, entry)| entry.shape == Shape::View).map(|(name, _)| name);
    let renamed = plan.expand.iter().filter_map(|step| match &step.work {
        Work::RenameTable { to, .. } => Some(to),
        Work::Statement | Work::Backfill { .. } | Work::BlueView { .. } => None,
    });
    let views: Vec<&String> = shown.chain(renamed).collect();
    let text = serde_json::json!({ "views": views }).to_string();
    ledger::note(session, Part::Isolate, "settle", &text).await?;
    // Before the first trigger goes: from then on blue's writes to its copies are in the copies alone, and a way back that
    // takes base and copies for equal would drop them.
    inventory::set_stage(session, Stage::Settled).await?;
    let shared = shared_rows::narrow(session, &plan.frozen).await?;
    let dropped = mirror::drop_but(session, &shared).await?;
    let message = format!(
        "{dropped} mirror triggers dropped, users' documents of {} tables stay in step, the shape is final",
        shared.len()
    );
    session.progress.report("settle", 1, 1, &message);
    let copies_singles =
        inventory::read(session).await?.get(singles::TABLE).is_some_and(|entry| entry.shape.is_copy());
    if copies_singles {
        singles::narrow(session, &plan.singles).await?;
    }
    ledger::end(session, Part::Isolate, "settle").await
}

/// A copy cannot be made again under blue: requests would find it missing or empty.
async fn refuse_if_copy_is_behind(session: &mut Session<'_>) -> Result<(), Error> {
    let live = inspect::columns(&mut session.connection, &session.base).await?;
    let behind: Vec<String> = inventory::read(session)
        .await?
        .into_iter()
        .filter(|(name, entry)| {
            entry.shape.is_copy() && live.get(name).is_some_and(|columns| columns != &entry.columns)
        })
        .map(|(name, _)| name)
        .collect();
    if behind.is_empty() {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "{} got other columns after blue was isolated (a customisation?): abort this release and start it again",
        behind.join(", ")
    )))
}
