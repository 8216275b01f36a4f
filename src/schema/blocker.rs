//! Who stands in the way of DDL: named with connection, user, query and seconds; ended only if the user allows it.
//!
//! MariaDB shows who holds a metadata lock only where its plugin `metadata_lock_info` is loaded. Without it open
//! transactions and running statements on the site's databases are the suspects, and a connection that sleeps with
//! none may hold `LOCK TABLES`: it is named, and never ended on that suspicion alone.

use std::time::Duration;

use sqlx::MySqlConnection;

use super::progress::Progress;
use super::question::Question;
use super::{Error, connection, quote};

/// So many are named at most.
const NAMED: usize = 10;

/// A connection that holds up DDL, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blocker {
    /// Connection id.
    pub(crate) id: i64,
    user: String,
    /// Seconds since its transaction began, or its state.
    pub(crate) seconds: i64,
    doing: Doing,
}

/// What makes a connection a blocker.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    /// A transaction or a statement is open, with the query if one runs.
    Transaction(Option<String>),
    /// It sleeps without a transaction.
    Sleeping,
}

impl std::fmt::Display for Blocker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, user, seconds, doing } = self;
        match doing {
            Doing::Transaction(query) => {
                let query = query.as_deref().unwrap_or("idle in transaction");
                write!(
                    formatter,
                    "connection {id} of user {user} has a transaction open for {seconds} s: {query}"
                )
            }
            Doing::Sleeping => write!(
                formatter,
                "connection {id} of user {user} sleeps for {seconds} s without a transaction; it may hold LOCK TABLES"
            ),
        }
    }
}

/// Who may stand in the way on these databases, oldest first.
pub(crate) async fn find(
    connection: &mut MySqlConnection,
    databases: [&str; 2],
) -> Result<Vec<Blocker>, Error> {
    Ok(look(connection, databases).await?.1)
}

/// The same, with whether the server named them as holders of locks.
async fn look(connection: &mut MySqlConnection, databases: [&str; 2]) -> Result<(bool, Vec<Blocker>), Error> {
    let holders = lock_holders(connection, databases).await;
    let known = holders.is_some();
    let all = connections(connection, databases, &holders.unwrap_or_default()).await?;
    let (at_work, sleeping): (Vec<Blocker>, Vec<Blocker>) =
        all.into_iter().partition(|one| matches!(one.doing, Doing::Transaction(_)));
    // Whom the server names as holder may sleep without a transaction: LOCK TABLES.
    let mut blockers = if known || at_work.is_empty() { [at_work, sleeping].concat() } else { at_work };
    blockers.sort_by_key(|blocker| std::cmp::Reverse(blocker.seconds));
    blockers.truncate(NAMED);
    Ok((known, blockers))
}

/// Ids of those who hold metadata locks there; `None` where the server does not tell.
async fn lock_holders(connection: &mut MySqlConnection, databases: [&str; 2]) -> Option<Vec<i64>> {
    Question::fixed(
        "SELECT DISTINCT CAST(THREAD_ID AS SIGNED) FROM information_schema.METADATA_LOCK_INFO \
         WHERE TABLE_SCHEMA IN (?, ?) AND THREAD_ID <> CONNECTION_ID()",
    )
    .with(databases[0])
    .with(databases[1])
    .scalars(connection)
    .await
    .ok()
}

async fn connections(
    connection: &mut MySqlConnection,
    databases: [&str; 2],
    holders: &[i64],
) -> Result<Vec<Blocker>, Error> {
    let ids: Vec<String> = holders.iter().map(ToString::to_string).collect();
    // A transaction without a default database may use any: it is named as well. Replication does not wait for us.
    let which = if ids.is_empty() {
        let [base, schema] = databases.map(quote::literal);
        format!("(p.DB IN ({base}, {schema}) OR (p.DB IS NULL AND t.trx_id IS NOT NULL))")
    } else {
        format!("p.ID IN ({})", ids.join(", "))
    };
    // InnoDB shows when a transaction began by the server process's own clock (localtime), whatever the session's zone is.
    let sql = format!(
        "SELECT CAST(p.ID AS SIGNED), CAST(p.USER AS CHAR), \
         CAST(COALESCE(TIMESTAMPDIFF(SECOND, CONVERT_TZ(t.trx_started, 'SYSTEM', '+00:00'), UTC_TIMESTAMP()), \
         p.TIME) AS SIGNED), \
         CAST(LEFT(COALESCE(p.INFO, t.trx_query), 120) AS CHAR), \
         CAST(t.trx_id IS NOT NULL OR p.COMMAND <> 'Sleep' AS SIGNED) \
         FROM information_schema.PROCESSLIST p \
         LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID \
         WHERE p.ID <> CONNECTION_ID() AND {which} \
         AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker') \
         ORDER BY 3 DESC LIMIT 100"
    );
    let rows: Vec<(i64, String, i64, Option<String>, i64)> =
        Question::of(sql).all(connection).await.map_err(Error::query("list who holds transactions open"))?;
    let blocker = |(id, user, seconds, query, is_at_work): (i64, String, i64, Option<String>, i64)| {
        let doing = if is_at_work == 1 { Doing::Transaction(query) } else { Doing::Sleeping };
        Blocker { id, user, seconds, doing }
    };
    Ok(rows.into_iter().map(blocker).collect())
}

/// All in sentences.
pub(crate) fn describe(blockers: &[Blocker]) -> String {
    if blockers.is_empty() {
        return "No open transaction is left now: try again".to_owned();
    }
    blockers.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Ends the oldest one that has been in the way of `what` for so long, and says so; gives whether there was one.
pub(crate) async fn end_oldest(
    connection: &mut MySqlConnection,
    databases: [&str; 2],
    after: Duration,
    what: &str,
    progress: &dyn Progress,
) -> Result<bool, Error> {
    let (is_named, blockers) = look(connection, databases).await?;
    let too_long =
        |blocker: &&Blocker| u64::try_from(blocker.seconds).is_ok_and(|age| age >= after.as_secs());
    let is_sure = |blocker: &&Blocker| is_named || matches!(blocker.doing, Doing::Transaction(_));
    let Some(blocker) = blockers.iter().find(|blocker| too_long(blocker) && is_sure(blocker)) else {
        return Ok(false);
    };
    match connection::run(connection, format!("KILL CONNECTION {}", blocker.id)).await {
        Ok(_) => {
            let message = format!("ended a connection that was in the way of {what}: {blocker}");
            progress.report("kill", 1, 1, &message);
            Ok(true)
        }
        // 1094: it ended by itself.
        Err(error) if connection::error_number(&error) == 1094 => Ok(false),
        Err(error) => Err(Error::query(format!("end connection {}", blocker.id))(error)),
    }
}
