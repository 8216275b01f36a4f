//! One command per site at a time: `GET_LOCK` on a connection of its own for the command's life.
//!
//! All DDL runs on this very connection: if the server closes it, the lock and the DDL are gone together, and no
//! second command can be at work beside a first one that has not noticed.

use std::pin::pin;
use std::time::Duration;

use sqlx::MySqlConnection;
use tokio::time::timeout;

use super::connection::{self, Database};
use super::question::Question;
use super::{Error, quote};

/// How often it is looked, while a statement runs, whether the server still knows its connection.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// After so many looks in a row at a server that cannot be reached it counts as gone: some minutes.
const MOST_MISSED: u32 = 10;

/// The site's lock; the server lets go of it when the connection ends, also after SIGKILL.
#[derive(Debug)]
pub(crate) struct SiteLock {
    /// The connection that holds the lock and never waits for a metadata lock.
    pub(crate) connection: MySqlConnection,
    /// What the server knows of it.
    pub(crate) held: Held,
}

/// A lock by its name and the id of the connection that holds it.
#[derive(Debug)]
pub(crate) struct Held {
    name: String,
    id: i64,
}

impl SiteLock {
    /// Takes the lock of the site's database, waiting at most `bound`.
    pub(crate) async fn take(database: &Database, bound: Duration) -> Result<Self, Error> {
        let mut connection = database.connect().await?;
        let name = format!("crossfade:{}", quote::short_hash(&[database.name()]));
        let asked = "SELECT CAST(GET_LOCK(?, ?) AS SIGNED), CAST(CONNECTION_ID() AS SIGNED)";
        let (got, id): (Option<i64>, i64) = Question::fixed(asked)
            .with(&name)
            .with(bound.as_secs().to_string())
            .one(&mut connection)
            .await
            .map_err(Error::query("lock the site"))?;
        if got == Some(1) {
            connection::execute(
                &mut connection,
                "prepare for DDL",
                "SET SESSION lock_wait_timeout = 0".to_owned(),
            )
            .await?;
            return Ok(Self { connection, held: Held { name, id } });
        }
        let (holder,): (Option<i64>,) = Question::fixed("SELECT CAST(IS_USED_LOCK(?) AS SIGNED)")
            .with(&name)
            .one(&mut connection)
            .await
            .map_err(Error::query("see who holds the site's lock"))?;
        Err(Error::Locked { holder: holder.unwrap_or(0), waited: bound.as_secs() })
    }

    /// Fails if the server has dropped the lock: to be asked before writing on another connection.
    pub(crate) async fn check(&mut self) -> Result<(), Error> {
        match self.held.is_known(&mut self.connection).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Error::LockLost),
        }
    }
}

impl Held {
    /// Whether the server knows the connection that holds the lock.
    async fn is_known(&self, connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let question =
            Question::fixed("SELECT CAST(COALESCE(IS_USED_LOCK(?), 0) AS SIGNED)").with(&self.name);
        Ok(question.scalar::<i64>(connection).await? == self.id)
    }

    /// Does work on the connection that holds the lock, as long as the server knows it.
    ///
    /// The machine of a server may go away without a word, and whoever waits for an answer then waits for ever: the driver
    /// has no TCP keepalive. So another connection asks.
    pub(crate) async fn during<T>(
        &self,
        database: &Database,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut work = pin!(work);
        let mut missed = 0;
        loop {
            if let Ok(done) = timeout(LOOK_EVERY, &mut work).await {
                return done;
            }
            let look = async { self.is_known(&mut database.connect().await.ok()?).await.ok() };
            match timeout(LOOK_EVERY, look).await.ok().flatten() {
                Some(true) => missed = 0,
                Some(false) => return Err(Error::LockLost),
                None if missed == MOST_MISSED => return Err(Error::LockLost),
                None => missed += 1,
            }
        }
    }
}
