//! Refuses to run a plan on a site that is not the one it was made of any more.

use super::ledger::{self, Part};
use super::{Error, Session, facts};
use crate::plan::Plan;

/// Compares the live schema with what the plan was made of; what the plan's own steps do is no difference.
///
/// A release whose steps are all done has nothing to run on a moved site: green has migrated since.
pub(crate) async fn check(session: &mut Session<'_>, plan: &Plan) -> Result<(), Error> {
    if plan.basis.site.is_none() {
        return Ok(());
    }
    let begun = ledger::steps(session, Part::Expand).await?;
    let is_done = plan.expand.iter().all(|step| begun.get(&step.id) == Some(&true));
    let is_settled = ledger::is_done(session, Part::Isolate, "settle").await?;
    if is_done && is_settled {
        return Ok(());
    }
    let live = facts::read(&mut session.connection).await.map_err(|error| match error {
        facts::FactsError::Database(error) => error,
        facts::FactsError::Query { what, source } => Error::query(format!("read {what}"))(source),
        many @ facts::FactsError::TooMany { .. } => Error::Refused(many.to_string()),
    })?;
    let moved = plan.moved(&live, !begun.is_empty());
    if moved.is_empty() {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "the site is not as it was when the plan {:.12} was made: {}; make a new plan",
        plan.hash,
        moved.join("; ")
    )))
}
