//! DDL that never waits: `lock_wait_timeout=0` and retries. A waiting `ALTER` makes every new reader wait, fails
//! `FOR UPDATE NOWAIT`, and can be part of a deadlock that MariaDB does not see (metadata lock against row lock).

use std::time::{Duration, Instant};

use rand::Rng;
use sqlx::MySqlConnection;

use super::{Error, connection};

/// 1205 is a lock that is taken, 1213 a deadlock among metadata locks: both are over when tried again.
const RETRIED: [u16; 2] = [1205, 1213];
const PAUSE_MILLISECONDS: std::ops::RangeInclusive<u64> = 5..=40;
/// How often a statement that finds no gap looks whether waiting for one would be short.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the statements after one that had to queue try without waiting.
const NEXT_PATIENCE: Duration = Duration::from_millis(500);

/// What DDL is for, how long it may take, and whose transactions may be in its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// What is being done, for messages.
    pub(crate) act: &'a str,
    /// How long each statement may find its table busy.
    pub(crate) budget: Duration,
    /// The databases whose transactions are named when it is over.
    pub(crate) databases: [&'a str; 2],
}

/// Runs statements one after the other, each as often as it needs within the budget; then names who holds
/// transactions open.
///
/// On a table that many short transactions follow each other on without a gap, no-wait never gets in. From a sixth
/// of the budget on, and only if no transaction is older than a second, a statement may stand in the queue for one
/// second at most: then it is in when those at work are done. Those after it need not find that out again.
pub(crate) async fn run(
    connection: &mut MySqlConnection,
    attempt: Attempt<'_>,
    statements: &[String],
) -> Result<(), Error> {
    let mut patience = attempt.budget / 6;
    for sql in statements {
        patience = run_one(connection, attempt, sql, patience).await?;
    }
    Ok(())
}

/// Runs one statement that may queue after `patience`; gives the patience for the next one.
async fn run_one(
    connection: &mut MySqlConnection,
    Attempt { act, budget, databases }: Attempt<'_>,
    sql: &str,
    mut patience: Duration,
) -> Result<Duration, Error> {
    let begun = Instant::now();
    let (mut tries, mut looked) = (0, None::<Instant>);
    loop {
        tries += 1;
        let mut statement = sql.to_owned();
        if begun.elapsed() >= patience && looked.is_none_or(|at| at.elapsed() > LOOK_EVERY) {
            looked = Some(Instant::now());
            if blockers(connection, databases).await?.iter().all(|blocker| blocker.seconds <= 1) {
                statement = format!("SET STATEMENT lock_wait_timeout = 1 FOR {sql}");
                patience = patience.min(NEXT_PATIENCE);
            }
        }
        let Err(error) = connection::run(connection, statement).await else { return Ok(patience) };
        if !RETRIED.contains(&connection::error_number(&error)) {
            return Err(Error::query(act)(error));
        }
        if begun.elapsed() >= budget {
            let blockers = describe(&blockers(connection, databases).await?);
            return Err(Error::Busy {
                act: act.to_owned(),
                seconds: begun.elapsed().as_secs(),
                tries,
                blockers,
            });
        }
        let pause = rand::rng().random_range(PAUSE_MILLISECONDS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// A connection that may hold a metadata lock.
struct Blocker {
    id: i64,
    user: String,
    seconds: i64,
    query: Option<String>,
}

/// Open transactions and running statements on the two databases, oldest first.
async fn blockers(connection: &mut MySqlConnection, databases: [&str; 2]) -> Result<Vec<Blocker>, Error> {
    let rows: Vec<(i64, String, i64, Option<String>)> = sqlx::query_as(
        "SELECT CAST(p.ID AS SIGNED), CAST(p.USER AS CHAR), \
         CAST(COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.TIME) AS SIGNED) AS age, \
         CAST(LEFT(COALESCE(p.INFO, t.trx_query), 120) AS CHAR) \
         FROM information_schema.PROCESSLIST p \
         LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID \
         WHERE p.ID <> CONNECTION_ID() AND p.DB IN (?, ?) AND (t.trx_id IS NOT NULL OR p.COMMAND <> 'Sleep') \
         ORDER BY age DESC LIMIT 10",
    )
    .bind(databases[0])
    .bind(databases[1])
    .fetch_all(connection)
    .await
    .map_err(Error::query("list who holds transactions open"))?;
    Ok(rows.into_iter().map(|(id, user, seconds, query)| Blocker { id, user, seconds, query }).collect())
}

fn describe(blockers: &[Blocker]) -> String {
    if blockers.is_empty() {
        return "No open transaction is left now: try again".to_owned();
    }
    let sentences: Vec<String> = blockers
        .iter()
        .map(|Blocker { id, user, seconds, query }| {
            let query = query.as_deref().unwrap_or("idle in transaction");
            format!("connection {id} of user {user} has a transaction open for {seconds} s: {query}")
        })
        .collect();
    sentences.join("; ")
}
