//! What every command on a site works with: a connection, the site's lock, the names, the bounds.

use std::time::Duration;

use sqlx::MySqlConnection;

use super::connection::{self, Database};
use super::lock::SiteLock;
use super::progress::Progress;
use super::question::Question;
use super::throttle::Throttle;
use super::{Error, ddl};

/// The bounds of a command.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long one DDL statement may find its table busy.
    pub ddl_budget: Duration,
    /// After how long in the way of a statement a connection is ended; never, if not given.
    pub kill_after: Option<Duration>,
    /// How backfills make room for the users.
    pub throttle: Throttle,
    /// How long to wait for another command on the same site.
    pub lock_wait: Duration,
    /// How long to wait for connections that should be gone.
    pub connection_wait: Duration,
    /// The tables' own user where it is not named like the database (Frappe 16's `db_user`).
    pub user: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ddl_budget: Duration::from_mins(1),
            kill_after: None,
            throttle: Throttle::default(),
            lock_wait: Duration::from_mins(1),
            connection_wait: Duration::from_mins(1),
            user: None,
        }
    }
}

/// A command at work on one site: it holds the site's lock.
pub struct Session<'a> {
    /// The connection that everything but DDL goes through; its default database is the site's.
    pub(crate) connection: MySqlConnection,
    /// What the server calls that connection.
    id: i64,
    /// The site's database: the tables.
    pub(crate) base: String,
    /// Blue's schema of this release.
    pub(crate) schema: String,
    /// The bounds.
    pub(crate) settings: Settings,
    /// Where progress goes.
    pub(crate) progress: &'a dyn Progress,
    /// The server, for connections of helpers.
    pub(crate) database: Database,
    /// What DDL has waited for locks so far.
    pub(crate) waited: ddl::Waited,
    /// Whether a table or an index may be there that is newer than some transaction; an earlier run may have made one.
    pub(crate) made_anew: bool,
    lock: SiteLock,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Session")
            .field("base", &self.base)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl<'a> Session<'a> {
    /// Connects and takes the site's lock.
    pub async fn begin(
        database: &Database,
        schema: &str,
        settings: Settings,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        check_schema_name(database.name(), schema)?;
        progress.report("lock", 0, 1, &format!("locking {} at {}", database.name(), database.address()));
        let lock = SiteLock::take(database, settings.lock_wait).await?;
        let mut connection = database.connect().await?;
        let id = Question::fixed("SELECT CAST(CONNECTION_ID() AS SIGNED)").scalar(&mut connection).await;
        Ok(Self {
            connection,
            id: id.map_err(Error::query("ask for the connection's id"))?,
            base: database.name().to_owned(),
            schema: schema.to_owned(),
            settings,
            progress,
            database: database.clone(),
            waited: ddl::Waited::default(),
            made_anew: true,
            lock,
        })
    }

    /// Ends when the server no longer knows the connections of this command, which then waits for answers that never come.
    pub fn lost(&self) -> impl Future<Output = Error> + use<> {
        self.lock.held.clone().lost(self.id, self.database.clone())
    }

    /// Runs DML or a question without a result.
    pub(crate) async fn execute(&mut self, act: &str, sql: String) -> Result<u64, Error> {
        connection::execute(&mut self.connection, act, sql).await
    }

    /// Fails if the site's lock was lost.
    pub(crate) async fn check_lock(&mut self) -> Result<(), Error> {
        self.lock.check().await
    }

    /// Runs DDL that never waits for a lock, on the connection that holds the site's.
    pub(crate) async fn ddl(&mut self, act: &str, sql: &str) -> Result<(), Error> {
        self.ddl_all(act, &[sql.to_owned()]).await
    }

    /// Runs several statements like [`Self::ddl`], one after the other: on a busy table a batch that has to find a
    /// gap for each of its statements and starts again at every one that is missed would never come through.
    pub(crate) async fn ddl_all(&mut self, act: &str, statements: &[String]) -> Result<(), Error> {
        let databases = [self.base.as_str(), self.schema.as_str()];
        let attempt = ddl::Attempt {
            act,
            budget: self.settings.ddl_budget,
            kill_after: self.settings.kill_after,
            databases,
            progress: self.progress,
        };
        self.waited.add(ddl::run(&mut self.lock.connection, attempt, statements).await?);
        Ok(())
    }

    /// What DDL has waited for locks so far, for the last sentence of a command.
    pub fn waited(&self) -> ddl::Waited {
        self.waited
    }

    /// The tables' own user: blue before the hand-over, green after it.
    pub(crate) fn tables_user(&self) -> String {
        self.settings.user.clone().unwrap_or_else(|| self.base.clone())
    }

    /// Where the tables go that a rollback takes from the base.
    pub(crate) fn trash(&self) -> String {
        format!("{}__trash", self.schema)
    }
}

/// Blue's schema is also its user and its Redis prefix: the name must be its own and leave room for the trash's.
fn check_schema_name(base: &str, schema: &str) -> Result<(), Error> {
    let plain = schema.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if schema.is_empty() || schema.len() > 57 || !plain {
        return Err(Error::Refused(format!(
            "the schema name {schema:?} must have 1 to 57 letters, digits and underscores"
        )));
    }
    if schema.eq_ignore_ascii_case(base) {
        return Err(Error::Refused(format!(
            "the schema {schema} is the site's own database: give another name"
        )));
    }
    Ok(())
}
