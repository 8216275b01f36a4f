//! Transactions that are older than what was just made.
//!
//! `InnoDB` keeps no history of a table or an index that came after a transaction's snapshot: to that transaction it is error
//! 1412, "Table definition has changed" (`row_merge_is_index_usable` in `row0merge.cc`), as soon as a statement looks into
//! it, or a trigger that the statement fires. So what users meet without knowing it, a trigger, blue's view over a column
//! with a new index, comes when they have ended.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::question::Question;
use super::{Error, Session, blocker, quote};

/// The list of transactions is made anew only when nobody has read it for a tenth of a second (`trx0i_s.cc`).
const LOOK_EVERY: Duration = Duration::from_millis(130);

/// A transaction: its connection, and all by which it is told from the next one of that connection.
type Transaction = (i64, String);

/// Waits until every transaction on the site that is open now has ended, within the budget for locks. Those that are left
/// then are named, and it goes on: a dump that reads for hours meets none of it.
pub(crate) async fn outlast(session: &mut Session<'_>, what: &str) -> Result<(), Error> {
    session.made_anew = false;
    let begun = Instant::now();
    tokio::time::sleep(LOOK_EVERY).await;
    let mut older = open(session).await?;
    while !older.is_empty() {
        if begun.elapsed() >= session.settings.ddl_budget {
            let ids: Vec<i64> = older.iter().map(|(id, _)| *id).collect();
            let named = blocker::of_connections(&mut session.connection, &ids).await?;
            let message = format!(
                "{what} is newer than {} transactions, to which it is error 1412; goes on: {}",
                older.len(),
                blocker::describe(&named)
            );
            session.progress.report("older", 0, 1, &message);
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
        let still = open(session).await?;
        older.retain(|one| still.contains(one));
    }
    Ok(())
}

/// The transactions of connections whose default database is the site's, or none.
async fn open(session: &mut Session<'_>) -> Result<BTreeSet<Transaction>, Error> {
    let databases = [&session.base, &session.schema].map(|name| quote::literal(name)).join(", ");
    let sql = format!(
        "SELECT CAST(p.ID AS SIGNED), CAST(CONCAT_WS(' ', t.trx_id, t.trx_started) AS CHAR) \
         FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
         WHERE p.ID <> CONNECTION_ID() AND (p.DB IS NULL OR p.DB IN ({databases}))"
    );
    let rows: Vec<Transaction> = Question::of(sql)
        .all(&mut session.connection)
        .await
        .map_err(Error::query("list the transactions that are open"))?;
    Ok(rows.into_iter().collect())
}
