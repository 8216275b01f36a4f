//! One step of a plan: is it done, and do it.

use super::inventory;
use super::ledger::{self, Part};
use super::view::{self, View};
use super::{Error, Session, backfill, inspect, older, rename, sequence};
use crate::plan::{BLUE, Effect, Step, Work};

/// How often a table is filled for one step. Each time only those rows are left that came to stand behind the time before.
const FILLS: usize = 4;

/// Whether a step has nothing left to do: its effect is there, or a later step has gone beyond it.
///
/// A fill that was finished is never begun again: from then on the triggers keep the column, and a value of green's
/// that blue's type cannot hold would be taken for one that is missing, and lost.
pub(crate) async fn is_done(session: &mut Session<'_>, step: &Step) -> Result<bool, Error> {
    if matches!(step.work, Work::Backfill { .. }) && ledger::is_done(session, Part::Expand, &step.id).await? {
        return Ok(true);
    }
    if let Some(past) = &step.past
        && holds(session, past).await?
    {
        return Ok(true);
    }
    holds(session, &step.effect).await
}

/// Whether an effect is there.
pub(crate) async fn holds(session: &mut Session<'_>, effect: &Effect) -> Result<bool, Error> {
    let databases = [session.base.as_str(), session.schema.as_str()];
    inspect::holds(&mut session.connection, databases, effect).await
}

/// Does the work of a step, or of what takes one back; gives whether its effect is there then.
///
/// What leads users to a new table or index (a trigger, blue's view, the end of its being ignored) comes when no transaction is older than that is.
///
/// A document that gets another name while its table is filled may come to stand where the fill has been already, or beyond
/// the row that was the last one: no trigger has anything to do then, and the next fill finds it.
pub(crate) async fn run(
    session: &mut Session<'_>,
    title: &str,
    sql: &str,
    work: &Work,
    effect: &Effect,
) -> Result<bool, Error> {
    let shows = |part: &Effect| matches!(part, Effect::TriggerExists { .. } | Effect::IndexUsed { .. });
    let leads_there = matches!(work, Work::BlueView { .. }) || effect.parts().iter().any(shows);
    if leads_there && session.made_anew {
        older::outlast(session, title).await?;
    }
    let base = session.base.clone();
    if let Effect::SequenceExists { sequence: name } = effect
        && inspect::kind_of(&mut session.connection, &base, name).await? == Some(inspect::Kind::Sequence)
    {
        sequence::drop_half_made(session, &base, name).await?;
    }
    let makes = |part: &Effect| matches!(part, Effect::TableExists { .. } | Effect::IndexExists { .. });
    session.made_anew |= effect.parts().iter().any(makes);
    let times = if matches!(work, Work::Backfill { .. }) { FILLS } else { 1 };
    for _ in 0..times {
        once(session, title, sql, work).await?;
        if holds(session, effect).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn once(session: &mut Session<'_>, title: &str, sql: &str, work: &Work) -> Result<(), Error> {
    match work {
        Work::Statement => session.ddl(title, &sql.replace(BLUE, &session.schema)).await,
        Work::Backfill { table, columns, condition } => {
            let fill = backfill::Fill { table, columns, condition };
            backfill::run(session, &fill).await
        }
        Work::BlueView { table, of, columns } => {
            let entries = inventory::read(session).await?;
            let Some(entry) = entries.get(table) else {
                return Err(Error::Refused(format!(
                    "blue's schema has no {table}: was it isolated by this plan?"
                )));
            };
            // A plan of an earlier version may ask for it where blue has a copy: that stays as it is, and so the way back is open.
            if entry.shape.is_copy() {
                return Ok(());
            }
            let changed = View {
                name: table.clone(),
                of: of.as_ref().unwrap_or(table),
                kind: inspect::Kind::Table,
                columns: &entry.columns,
                renamed: columns,
            };
            view::create(session, &[changed]).await
        }
        Work::RenameTable { from, to, view } => {
            let names = rename::Names { from, to, view };
            rename::run(session, title, &sql.replace(BLUE, &session.schema), &names).await
        }
    }
}
