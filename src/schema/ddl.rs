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

/// Runs one statement as often as it needs within `budget`; then names who holds transactions on `databases`.
///
/// On a table that many short transactions follow each other on without a gap, no-wait never gets in. From a sixth
/// of the budget on, and only if no transaction is older than a second, it may stand in the queue for one second at
/// most: then it is in when those at work are done.
pub(crate) async fn run(
    connection: &mut MySqlConnection,
    act: &str,
    sql: &str,
    budget: Duration,
    databases: [&str; 2],
) -> Result<(), Error> {
    let begun = Instant::now();
    let (mut tries, mut looked) = (0, begun);
    loop {
        tries += 1;
        let mut statement = sql.to_owned();
        if begun.elapsed() > budget / 6 && looked.elapsed() > LOOK_EVERY {
            looked = Instant::now();
            if blockers(connection, databases).await?.iter().all(|blocker| blocker.seconds <= 1) {
                statement = format!("SET STATEMENT lock_wait_timeout = 1 FOR {sql}");
            }
        }
        let Err(error) = connection::run(connection, statement).await else { return Ok(()) };
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
