//! What must hold before the first statement: rights, server settings, and features of the database that blue's
//! schema cannot stand for. All of it is found at once and said with what to do.
//!
//! The administrator needs PROCESS and CREATE USER on `*.*`, and on the site's database, on blue's schema and on the
//! trash (`<db>`, `<db>__%` in Kubernetes) with GRANT OPTION: SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER,
//! INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, CREATE TEMPORARY TABLES, LOCK TABLES. It owns the views and
//! triggers (`DEFINER`), so it must live as long as the release. With the binary log on, triggers also need
//! `log_bin_trust_function_creators` or SUPER.

use std::collections::BTreeMap;

use sqlx::MySqlConnection;

use super::inspect::{self, Kind};
use super::{Error, Session, account, inventory, singles};
use crate::plan::FrozenTable;

/// Rights that reach further than a schema; the server tells the others well by itself.
const GLOBAL_RIGHTS: [(&str, &str); 2] =
    [("PROCESS", "to see who is connected"), ("CREATE USER", "to make and drop blue's user")];

/// Fails with a refusal that lists every obstacle.
pub(crate) async fn check(
    session: &mut Session<'_>,
    objects: &BTreeMap<String, Kind>,
    frozen: &[FrozenTable],
) -> Result<(), Error> {
    let mut obstacles = server(&mut session.connection).await?;
    obstacles.extend(strangers(session).await?);
    obstacles.extend(routines(session).await?);
    let tables: Vec<&str> = frozen
        .iter()
        .map(|frozen| frozen.table.as_str())
        .filter(|table| objects.get(*table) == Some(&Kind::Table))
        .collect();
    obstacles.extend(frozen_tables(session, &tables).await?);
    if obstacles.is_empty() { Ok(()) } else { Err(Error::Refused(obstacles.join("; "))) }
}

async fn server(connection: &mut MySqlConnection) -> Result<Vec<String>, Error> {
    let (version, log_bin, trusted, format, read_only): (String, i64, i64, String, i64) = sqlx::query_as(
        "SELECT CAST(VERSION() AS CHAR), CAST(@@log_bin AS SIGNED), \
         CAST(@@log_bin_trust_function_creators AS SIGNED), CAST(@@binlog_format AS CHAR), CAST(@@read_only AS SIGNED)",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(Error::query("read the server's settings"))?;
    let rights: Vec<(String,)> = sqlx::query_as(
        "SELECT CAST(PRIVILEGE_TYPE AS CHAR) FROM information_schema.USER_PRIVILEGES \
         WHERE GRANTEE = CONCAT('\\'', REPLACE(CURRENT_USER(), '@', '\\'@\\''), '\\'')",
    )
    .fetch_all(connection)
    .await
    .map_err(Error::query("read the administrator's rights"))?;
    let has = |right: &str| rights.iter().any(|(name,)| name == right);
    let mut obstacles = Vec::new();
    if !version.contains("MariaDB") {
        obstacles.push(format!("the server is {version}: only MariaDB 10.6 or newer is supported"));
    }
    for (right, purpose) in GLOBAL_RIGHTS {
        if !has(right) {
            obstacles.push(format!("the administrator lacks {right} {purpose}: GRANT {right} ON *.* TO it"));
        }
    }
    if log_bin == 1 && trusted == 0 && !has("SUPER") {
        obstacles.push(
            "triggers need SUPER while the binary log is on: SET GLOBAL log_bin_trust_function_creators = 1 \
             (and in the server's configuration)"
                .to_owned(),
        );
    }
    if log_bin == 1 && format == "STATEMENT" {
        obstacles.push(
            "binlog_format is STATEMENT, which replays triggers wrongly: set it to ROW or MIXED".to_owned(),
        );
    }
    if read_only == 1 {
        obstacles.push("the server is read-only (a replica?): give the address of the primary".to_owned());
    }
    Ok(obstacles)
}

/// A schema or user of that name that is not ours is never touched.
async fn strangers(session: &mut Session<'_>) -> Result<Vec<String>, Error> {
    if inventory::stage(session).await?.is_some() {
        return Ok(Vec::new());
    }
    let mut obstacles = Vec::new();
    if !inspect::objects(&mut session.connection, &session.schema).await?.is_empty() {
        obstacles.push(format!(
            "a database {} exists that is not Crossfade's: drop it or choose another schema name",
            session.schema
        ));
    }
    if account::exists(session).await? {
        obstacles.push(format!(
            "a user {} exists that is not Crossfade's: drop it or choose another schema name",
            session.schema
        ));
    }
    Ok(obstacles)
}

async fn routines(session: &mut Session<'_>) -> Result<Vec<String>, Error> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT CAST(ROUTINE_NAME AS CHAR) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? LIMIT 5",
    )
    .bind(&session.base)
    .fetch_all(&mut session.connection)
    .await
    .map_err(Error::query("list the stored routines"))?;
    let names: Vec<String> = rows.into_iter().map(|(name,)| name).collect();
    if names.is_empty() {
        return Ok(names);
    }
    Ok(vec![format!(
        "the database has stored routines ({}), which blue could not call from its schema: drop them or call them \
         with the database's name",
        names.join(", ")
    )])
}

/// Triggers and foreign keys do not follow a copy, and a table that has them cannot be swapped at a rollback.
async fn frozen_tables(session: &mut Session<'_>, tables: &[&str]) -> Result<Vec<String>, Error> {
    let mut obstacles = Vec::new();
    for (trigger, table) in inspect::triggers(&mut session.connection, &session.base).await? {
        if tables.contains(&table.as_str()) && !inventory::is_own(&trigger) {
            obstacles
                .push(format!("table {table} is copied for blue but has the trigger {trigger}: drop it"));
        }
    }
    let keys: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT CAST(CONSTRAINT_NAME AS CHAR), CAST(TABLE_NAME AS CHAR), CAST(REFERENCED_TABLE_NAME AS CHAR) \
         FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ?",
    )
    .bind(&session.base)
    .fetch_all(&mut session.connection)
    .await
    .map_err(Error::query("list the foreign keys"))?;
    for (key, table, referenced) in keys {
        if tables.contains(&table.as_str()) || tables.contains(&referenced.as_str()) {
            obstacles.push(format!(
                "foreign key {key} from {table} to {referenced} touches a table that is copied for blue: drop it"
            ));
        }
    }
    let generated: Vec<(String, String)> = sqlx::query_as(
        "SELECT CAST(TABLE_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR) FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = ? AND IS_GENERATED = 'ALWAYS'",
    )
    .bind(&session.base)
    .fetch_all(&mut session.connection)
    .await
    .map_err(Error::query("list the generated columns"))?;
    for (table, column) in generated {
        if tables.contains(&table.as_str()) {
            obstacles.push(format!("table {table} is copied for blue but has the generated column {column}"));
        }
    }
    for table in tables {
        let key = inspect::primary_key(&mut session.connection, &session.base, table).await?;
        if key.is_empty() && *table != singles::TABLE {
            obstacles.push(format!("table {table} is copied for blue but has no primary key: add one"));
        }
    }
    Ok(obstacles)
}
