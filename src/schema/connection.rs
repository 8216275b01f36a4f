//! Where the site's database is and how to get in; credentials never leave this file in any text.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::Error;

/// The strictness that all statements and stored triggers of ours run with, whatever the server's default is.
const SQL_MODE: &str =
    "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION";

/// A connection that is not there by then is none: a machine that is gone says nothing at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// A site's database: its address, the administrator's credentials, its name.
#[derive(Clone)]
pub struct Database {
    options: MySqlConnectOptions,
    name: String,
}

// By hand: the options hold the password.
impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Database")
            .field("address", &self.address())
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Reads `mysql://[USER[:PASSWORD]@]HOST[:PORT]/DBNAME`; files `username` and `password` in `credentials` win.
    pub fn new(url: &str, credentials: Option<&Path>) -> Result<Self, Error> {
        if !url.starts_with("mysql://") && !url.starts_with("mariadb://") {
            return Err(Error::Address("it must look like mysql://HOST:PORT/DBNAME".to_owned()));
        }
        let mut options = MySqlConnectOptions::from_str(url)
            .map_err(|_| Error::Address("it must look like mysql://HOST:PORT/DBNAME".to_owned()))?
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .disable_statement_logging();
        let name = options
            .get_database()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Error::Address("it ends without the site's database: add /DBNAME".to_owned()))?
            .to_owned();
        if let Some(directory) = credentials {
            options = options
                .username(&credential(directory, "username")?)
                .password(&credential(directory, "password")?);
        }
        Ok(Self { options, name })
    }

    /// Name of the site's database; by Frappe's rule also the name of its user.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Host and port, for messages.
    pub fn address(&self) -> String {
        format!("{}:{}", self.options.get_host(), self.options.get_port())
    }

    /// The same database at another server, with the same credentials.
    pub(crate) fn at(&self, host: &str, port: u16) -> Self {
        Self { options: self.options.clone().host(host).port(port), name: self.name.clone() }
    }

    /// A new connection with nothing set, for questions to a replica that may lack the database.
    pub(crate) async fn connect_bare(&self) -> Result<MySqlConnection, Error> {
        self.connect_with(self.options.clone().database("information_schema")).await
    }

    /// A new connection whose default database is the site's.
    pub async fn connect(&self) -> Result<MySqlConnection, Error> {
        let mut connection = self.connect_with(self.options.clone()).await?;
        // Long idle times are normal here: the lock's connection says nothing while a Job waits.
        let session = format!(
            "SET SESSION sql_mode = '{SQL_MODE}', wait_timeout = 604800, lock_wait_timeout = 30, \
             innodb_lock_wait_timeout = 10, max_statement_time = 0, sql_safe_updates = 0, time_zone = '+00:00'; SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
        );
        execute(&mut connection, "prepare the session", session).await?;
        Ok(connection)
    }

    async fn connect_with(&self, options: MySqlConnectOptions) -> Result<MySqlConnection, Error> {
        let late = |_| {
            let message = format!("no answer within {} s", CONNECT_WITHIN.as_secs());
            sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, message))
        };
        let connected = tokio::time::timeout(CONNECT_WITHIN, options.connect()).await;
        let failed = |source| Error::Connect { address: self.address(), source: Box::new(source) };
        connected.map_err(late).flatten().map_err(failed)
    }
}

/// Runs one statement by the text protocol and gives the number of rows it changed.
pub(crate) async fn execute(connection: &mut MySqlConnection, act: &str, sql: String) -> Result<u64, Error> {
    run(connection, sql).await.map_err(Error::query(act))
}

/// Like [`execute`], with the driver's own error for those who look at its number.
pub(crate) async fn run(connection: &mut MySqlConnection, sql: String) -> Result<u64, sqlx::Error> {
    Ok(connection.execute(sqlx::raw_sql(safe(sql))).await?.rows_affected())
}

/// The one door through which SQL text goes to the driver: names in it went through `quote`.
pub(crate) fn safe(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

/// MariaDB's number of an error, 0 if the server did not speak.
pub(crate) fn error_number(error: &sqlx::Error) -> u16 {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>())
        .map_or(0, sqlx::mysql::MySqlDatabaseError::number)
}

fn credential(directory: &Path, key: &str) -> Result<String, Error> {
    let path = directory.join(key);
    std::fs::read_to_string(&path)
        .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| Error::Address(format!("no {key} in the credentials ({}): {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_text_and_errors_never_hold_the_password() {
        let database = Database::new("mysql://root:hunter2@db:3307/site", None).unwrap();
        assert_eq!(format!("{database:?}"), "Database { address: \"db:3307\", name: \"site\", .. }");
        let error = Database::new("mysql://root:hunter2@db:notaport/site", None).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn an_address_without_a_database_says_what_to_add() {
        let error = Database::new("mysql://db:3306", None).unwrap_err();
        assert!(error.to_string().contains("/DBNAME"), "{error}");
    }

    #[test]
    fn files_win_over_the_url() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("username"), "admin\n").unwrap();
        std::fs::write(directory.path().join("password"), "p w\n").unwrap();
        let database = Database::new("mysql://x:y@db/site", Some(directory.path())).unwrap();
        assert_eq!(database.options.get_username(), "admin");
    }
}
