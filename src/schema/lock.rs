//! One command per site at a time: `GET_LOCK` on a connection of its own for the command's life.
//!
//! All DDL runs on this very connection: if the server closes it, the lock and the DDL are gone together, and no
//! second command can be at work beside a first one that has not noticed.

use std::time::Duration;

use sqlx::MySqlConnection;
use tokio::time::{sleep, timeout};

use super::connection::{self, Database};
use super::question::Question;
use super::{Error, quote};

/// How often it is looked whether the server still knows the connections of a command at work.
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
#[derive(Debug, Clone)]
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

    /// Ends when the server does not know the lock's connection any more, nor `worker`, the other one of the command.
    ///
    /// The machine of a server may go away without a word, and whoever waits for an answer then waits for ever: the driver
    /// has no TCP keepalive. So another connection asks.
    pub(crate) async fn lost(self, worker: i64, database: Database) -> Error {
        let mut missed = 0;
        while missed <= MOST_MISSED {
            sleep(LOOK_EVERY).await;
            match timeout(LOOK_EVERY, self.look(worker, &database)).await {
                Ok(Ok(true)) => missed = 0,
                Ok(Ok(false)) => break,
                // A server that says no, such as one that has no connection left, is there.
                Ok(Err(error)) if error.is_of_the_server() => missed = 0,
                Ok(Err(_)) | Err(_) => missed += 1,
            }
        }
        Error::LockLost
    }

    async fn look(&self, worker: i64, database: &Database) -> Result<bool, Error> {
        let mut connection = database.connect().await?;
        let asked = async {
            let connections = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ?";
            let known: i64 =
                Question::fixed(connections).with(worker.to_string()).scalar(&mut connection).await?;
            Ok(known > 0 && self.is_known(&mut connection).await?)
        };
        asked.await.map_err(Error::query("look after the connections of this command"))
    }
}
