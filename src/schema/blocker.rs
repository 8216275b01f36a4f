//! Who stands in the way of DDL or of a fill: named with connection, user, query and seconds; ended only if the user
//! allows it.
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
/// Metadata locks that keep writers of a table out (the plugin's names).
const SHUTS_WRITERS_OUT: [&str; 4] =
    ["MDL_SHARED_READ_ONLY", "MDL_SHARED_NO_WRITE", "MDL_SHARED_NO_READ_WRITE", "MDL_EXCLUSIVE"];

/// What was refused its lock: by that it is known who can be in its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused<'a> {
    /// The site's database and blue's schema.
    pub(crate) databases: [&'a str; 2],
    /// What asked for the lock.
    pub(crate) asks: Asks<'a>,
}

/// What asks for a lock.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asks<'a> {
    /// DDL, by its text: every lock on a table that it names is in its way.
    Statement(&'a str),
    /// A fill, by its table: in its way are locked rows, and locks of the table that keep writers out.
    Fill(&'a str),
}

/// A metadata lock that somebody holds on a table.
#[derive(Debug)]
struct TableLock {
    id: i64,
    mode: String,
    table: String,
}

/// How sure it is who is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The server names them as holders of locks.
    Named,
    /// The server tells who holds locks, and nobody holds one that is in the way now; the list is a guess.
    Nobody,
    /// The server does not tell.
    Guessed,
}

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
    /// It was ended, and holds its locks until its transaction is rolled back.
    Ending,
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
            Doing::Ending => write!(
                formatter,
                "connection {id} of user {user} was ended, and its transaction of {seconds} s is rolled back"
            ),
        }
    }
}

impl Asks<'_> {
    /// Whether a lock on a table can be in the way.
    fn meets(self, table: &str) -> bool {
        match self {
            // Text of the program's own: these two kinds do not name the tables whose locks they need.
            Self::Statement(sql) if sql.starts_with("DROP TRIGGER") || sql.contains(" DATABASE ") => true,
            Self::Statement(sql) => {
                sql.to_ascii_lowercase().contains(&quote::identifier(table).to_ascii_lowercase())
            }
            Self::Fill(filled) => filled.eq_ignore_ascii_case(table),
        }
    }
}

/// Who may stand in the way, oldest first.
pub(crate) async fn find(
    connection: &mut MySqlConnection,
    refused: Refused<'_>,
) -> Result<Vec<Blocker>, Error> {
    Ok(look(connection, refused).await?.1)
}

/// Whether those who are in the way will be gone in a second. An age before its beginning is no age: the clock was set back.
pub(crate) async fn are_short(connection: &mut MySqlConnection, refused: Refused<'_>) -> Result<bool, Error> {
    let (known, blockers) = look(connection, refused).await?;
    Ok(known == Known::Nobody || blockers.iter().all(|blocker| (-1..=1).contains(&blocker.seconds)))
}

async fn look(
    connection: &mut MySqlConnection,
    refused: Refused<'_>,
) -> Result<(Known, Vec<Blocker>), Error> {
    let locks = table_locks(connection, refused.databases).await;
    let is_told = locks.is_some();
    let locks: Vec<TableLock> =
        locks.into_iter().flatten().filter(|lock| refused.asks.meets(&lock.table)).collect();
    if !locks.is_empty() {
        let ids: Vec<i64> = locks.iter().map(|lock| lock.id).collect();
        let named = connections(connection, &within(&ids)).await?;
        let shuts_out =
            |id| locks.iter().any(|lock| lock.id == id && SHUTS_WRITERS_OUT.contains(&lock.mode.as_str()));
        // Whom the server names as holder may sleep without a transaction: LOCK TABLES.
        let named = named.into_iter().filter(|(blocker, holds_rows)| match refused.asks {
            Asks::Statement(_) => true,
            Asks::Fill(_) => *holds_rows || shuts_out(blocker.id),
        });
        let named = oldest(named.map(|(blocker, _)| blocker).collect());
        if !named.is_empty() {
            return Ok((Known::Named, named));
        }
    }
    let known = if is_told { Known::Nobody } else { Known::Guessed };
    Ok((known, suspects(connection, refused).await?))
}

fn within(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("p.ID IN ({})", ids.join(", "))
}

fn oldest(mut blockers: Vec<Blocker>) -> Vec<Blocker> {
    blockers.sort_by_key(|blocker| std::cmp::Reverse(blocker.seconds));
    blockers.truncate(NAMED);
    blockers
}

/// Who may be in the way by what the lists of connections and of transactions show.
async fn suspects(connection: &mut MySqlConnection, refused: Refused<'_>) -> Result<Vec<Blocker>, Error> {
    let [base, schema] = refused.databases.map(quote::literal);
    // A transaction without a default database may use any: it is named as well.
    let which = format!("(p.DB IN ({base}, {schema}) OR (p.DB IS NULL AND t.trx_id IS NOT NULL))");
    let all = connections(connection, &which).await?;
    let (sleeping, mut at_work): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(blocker, _)| blocker.doing == Doing::Sleeping);
    if matches!(refused.asks, Asks::Fill(_)) {
        at_work.retain(|(_, holds_rows)| *holds_rows);
    }
    let suspects = if at_work.is_empty() { sleeping } else { at_work };
    Ok(oldest(suspects.into_iter().map(|(blocker, _)| blocker).collect()))
}

/// Metadata locks on tables there; `None` where the server does not tell.
async fn table_locks(connection: &mut MySqlConnection, databases: [&str; 2]) -> Option<Vec<TableLock>> {
    let rows: Vec<(i64, String, String)> = Question::fixed(
        "SELECT CAST(THREAD_ID AS SIGNED), CAST(LOCK_MODE AS CHAR), CAST(TABLE_NAME AS CHAR) \
         FROM information_schema.METADATA_LOCK_INFO \
         WHERE TABLE_SCHEMA IN (?, ?) AND TABLE_NAME <> '' AND THREAD_ID <> CONNECTION_ID()",
    )
    .with(databases[0])
    .with(databases[1])
    .all(connection)
    .await
    .ok()?;
    Some(rows.into_iter().map(|(id, mode, table)| TableLock { id, mode, table }).collect())
}

/// These connections, oldest first.
pub(crate) async fn of_connections(
    connection: &mut MySqlConnection,
    ids: &[i64],
) -> Result<Vec<Blocker>, Error> {
    let found = connections(connection, &within(ids)).await?;
    Ok(oldest(found.into_iter().map(|(blocker, _)| blocker).collect()))
}

/// Connections that are as the condition says, and whether each holds rows.
async fn connections(connection: &mut MySqlConnection, which: &str) -> Result<Vec<(Blocker, bool)>, Error> {
    // InnoDB shows when a transaction began by the server process's own clock (localtime), whatever the session's zone is.
    // Connections of this command's own that sleep hold nothing; replication does not wait for us.
    let sql = format!(
        "SELECT CAST(p.ID AS SIGNED), CAST(p.USER AS CHAR), \
         CAST(COALESCE(TIMESTAMPDIFF(SECOND, CONVERT_TZ(t.trx_started, 'SYSTEM', '+00:00'), UTC_TIMESTAMP()), \
         p.TIME) AS SIGNED), \
         CAST(LEFT(COALESCE(p.INFO, t.trx_query), 120) AS CHAR), \
         CAST(CASE WHEN p.COMMAND = 'Killed' THEN 2 ELSE t.trx_id IS NOT NULL OR p.COMMAND <> 'Sleep' END AS SIGNED), \
         CAST(COALESCE(t.trx_rows_locked + t.trx_rows_modified, 0) > 0 AS SIGNED) \
         FROM information_schema.PROCESSLIST p \
         LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID \
         WHERE p.ID <> CONNECTION_ID() AND {which} \
         AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker') \
         AND NOT (p.COMMAND = 'Sleep' AND t.trx_id IS NULL \
         AND INSTR(CONCAT(p.USER, '@', p.HOST, ':'), CONCAT(USER(), ':')) = 1) \
         ORDER BY 3 DESC LIMIT 100"
    );
    let rows: Vec<(i64, String, i64, Option<String>, i64, i64)> =
        Question::of(sql).all(connection).await.map_err(Error::query("list who holds transactions open"))?;
    let blocker = |(id, user, seconds, query, doing, holds_rows)| {
        let doing = match doing {
            0 => Doing::Sleeping,
            2 => Doing::Ending,
            _ => Doing::Transaction(query),
        };
        (Blocker { id, user, seconds, doing }, holds_rows == 1)
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
    refused: Refused<'_>,
    after: Duration,
    what: &str,
    progress: &dyn Progress,
) -> Result<bool, Error> {
    let (known, blockers) = look(connection, refused).await?;
    let too_long =
        |blocker: &&Blocker| u64::try_from(blocker.seconds).is_ok_and(|age| age >= after.as_secs());
    let may_be_ended = |blocker: &&Blocker| match blocker.doing {
        Doing::Transaction(_) => known != Known::Nobody,
        Doing::Sleeping => known == Known::Named,
        Doing::Ending => false,
    };
    let Some(blocker) = blockers.iter().find(|blocker| too_long(blocker) && may_be_ended(blocker)) else {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_in_the_way_of_ddl_on_a_table_that_it_names() {
        let alter = Asks::Statement("ALTER TABLE `tabOrder` ADD COLUMN `x` int, ALGORITHM=INSTANT");
        assert!(alter.meets("tabOrder") && !alter.meets("tabOrder Item") && !alter.meets("tabOther"));
        assert!(Asks::Statement("RENAME TABLE a.`o``dd` TO b.`c`").meets("o`dd"));
        // What does not name its tables may meet any.
        assert!(Asks::Statement("DROP TRIGGER IF EXISTS `d`.`t`").meets("tabOther"));
        assert!(Asks::Statement("DROP DATABASE IF EXISTS `d`").meets("tabOther"));
        let fill = Asks::Fill("tabOrder");
        assert!(fill.meets("tabOrder") && !fill.meets("tabOther"));
    }
}
