//! Statements as they reach the server through the module in the images of both versions: a NOWAIT that finds its row taken
//! is sent again.

use std::time::{Duration, Instant};

use rand::Rng;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

/// As `src/entry/sitecustomize.py` has it: how long a NOWAIT is sent again, and the pause between, in milliseconds.
const NOWAIT_FOR: Duration = Duration::from_secs(2);
const NOWAIT_PAUSE: std::ops::RangeInclusive<u64> = 5..=30;
/// The lock is taken.
const LOCKED: u16 = 1205;

/// Sends a statement; `sent_again` grows by how often it was refused before.
pub(crate) async fn send(
    connection: &mut MySqlConnection,
    sql: String,
    sent_again: &mut u64,
) -> Result<(), sqlx::Error> {
    let begun = Instant::now();
    loop {
        let Err(error) = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone()))).await else {
            return Ok(());
        };
        let is_locked = error
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
            .is_some_and(|error| error.number() == LOCKED);
        if !is_locked || !sql.ends_with("NOWAIT") || begun.elapsed() > NOWAIT_FOR {
            return Err(error);
        }
        *sent_again += 1;
        let pause = rand::rng().random_range(NOWAIT_PAUSE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
