//! One command per site at a time: `GET_LOCK` on a connection of its own for the command's life.
//!
//! All DDL runs on this very connection: if the server closes it, the lock and the DDL are gone together, and no
//! second command can be at work beside a first one that has not noticed.

use std::time::Duration;

use sqlx::MySqlConnection;

use super::connection::{self, Database};
use super::question::Question;
use super::{Error, quote};

/// The site's lock; the server lets go of it when the connection ends, also after SIGKILL.
#[derive(Debug)]
pub(crate) struct SiteLock {
    /// The connection that holds the lock and never waits for a metadata lock.
    pub(crate) connection: MySqlConnection,
    name: String,
}

impl SiteLock {
    /// Takes the lock of the site's database, waiting at most `bound`.
    pub(crate) async fn take(database: &Database, bound: Duration) -> Result<Self, Error> {
        let mut connection = database.connect().await?;
        let name = format!("crossfade:{}", quote::short_hash(&[database.name()]));
        let (got,): (Option<i64>,) = Question::fixed("SELECT CAST(GET_LOCK(?, ?) AS SIGNED)")
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
            return Ok(Self { connection, name });
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
        let held: Result<(Option<i64>,), _> =
            Question::fixed("SELECT CAST(IS_USED_LOCK(?) = CONNECTION_ID() AS SIGNED)")
                .with(&self.name)
                .one(&mut self.connection)
                .await;
        match held {
            Ok((Some(1),)) => Ok(()),
            Ok(_) | Err(_) => Err(Error::LockLost),
        }
    }
}
