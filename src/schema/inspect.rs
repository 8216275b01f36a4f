//! Questions to `information_schema`: what is there, whether a step's effect holds, who is connected.

use std::collections::BTreeMap;

use sqlx::{MySqlConnection, Row};

use super::question::Question;
use super::{Error, connection, quote, rename, sequence};
use crate::plan::{CAST_MODE, Effect, is_same_type};

/// What kind of thing a name in a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table with rows of its own (also a system-versioned one).
    Table,
    /// A view.
    View,
    /// A SEQUENCE object.
    Sequence,
}

/// Everything in a database by name.
pub(crate) async fn objects(
    connection: &mut MySqlConnection,
    schema: &str,
) -> Result<BTreeMap<String, Kind>, Error> {
    let rows: Vec<(String, String)> = Question::fixed("SELECT CAST(TABLE_NAME AS CHAR), CAST(TABLE_TYPE AS CHAR) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?")
    .with(schema)
    .all(connection)
    .await
    .map_err(Error::query(format!("list the tables of {schema}")))?;
    Ok(rows.into_iter().map(|(name, text)| (name, kind(&text))).collect())
}

/// What `TABLE_TYPE` of `information_schema` means.
fn kind(text: &str) -> Kind {
    match text {
        "VIEW" => Kind::View,
        "SEQUENCE" => Kind::Sequence,
        _ => Kind::Table,
    }
}

/// What a name in a database is; `None` if nothing has it.
pub(crate) async fn kind_of(
    connection: &mut MySqlConnection,
    schema: &str,
    name: &str,
) -> Result<Option<Kind>, Error> {
    let sql = "SELECT CAST(TABLE_TYPE AS CHAR) FROM information_schema.TABLES \
               WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    let found: Option<String> = Question::fixed(sql)
        .with(schema)
        .with(name)
        .scalar_optional(connection)
        .await
        .map_err(Error::query("look for a step's effect"))?;
    Ok(found.as_deref().map(kind))
}

/// Visible columns of every table and view of a database, in their order.
pub(crate) async fn columns(
    connection: &mut MySqlConnection,
    schema: &str,
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let rows: Vec<(String, String)> = Question::fixed(
        "SELECT CAST(TABLE_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR) FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = ? AND EXTRA NOT LIKE '%INVISIBLE%' ORDER BY TABLE_NAME, ORDINAL_POSITION",
    )
    .with(schema)
    .all(connection)
    .await
    .map_err(Error::query(format!("list the columns of {schema}")))?;
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in rows {
        tables.entry(table).or_default().push(column);
    }
    Ok(tables)
}

/// Names of all triggers of a database with their tables.
pub(crate) async fn triggers(
    connection: &mut MySqlConnection,
    schema: &str,
) -> Result<Vec<(String, String)>, Error> {
    Question::fixed("SELECT CAST(TRIGGER_NAME AS CHAR), CAST(EVENT_OBJECT_TABLE AS CHAR) FROM information_schema.TRIGGERS \
         WHERE TRIGGER_SCHEMA = ? ORDER BY TRIGGER_NAME")
    .with(schema)
    .all(connection)
    .await
    .map_err(Error::query(format!("list the triggers of {schema}")))
}

/// Whether a database of this name exists.
pub(crate) async fn database_exists(connection: &mut MySqlConnection, schema: &str) -> Result<bool, Error> {
    count(
        connection,
        "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
        &[schema],
        "see whether the schema exists",
    )
    .await
    .map(|found| found > 0)
}

/// The columns of a table's primary key, in order.
pub(crate) async fn primary_key(
    connection: &mut MySqlConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<String>, Error> {
    let rows: Vec<(String,)> = Question::fixed(
        "SELECT CAST(COLUMN_NAME AS CHAR) FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX",
    )
    .with(schema)
    .with(table)
    .all(connection)
    .await
    .map_err(Error::query(format!("read the primary key of {table}")))?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// The columns by which each row of a table is found: its primary key, or a unique index that leaves no row out and has none of
/// the columns `without` (`__UserSettings` of Frappe has no primary key); empty if there is neither.
pub(crate) async fn row_key(
    connection: &mut MySqlConnection,
    [schema, table]: [&str; 2],
    without: &[String],
) -> Result<Vec<String>, Error> {
    let rows: Vec<(String, String, i64)> = Question::fixed(
        "SELECT CAST(INDEX_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR), CAST(NULLABLE = '' AND SUB_PART IS NULL AS SIGNED) \
         FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 \
         ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX",
    )
    .with(schema)
    .with(table)
    .all(connection)
    .await
    .map_err(Error::query(format!("read the keys of {table}")))?;
    let serves = |(_, column, is_whole): &(String, String, i64)| {
        *is_whole == 1 && !without.iter().any(|name| name.eq_ignore_ascii_case(column))
    };
    let mut indexes = rows.chunk_by(|one, other| one.0 == other.0);
    let key = indexes.find(|index| index.iter().all(serves)).unwrap_or_default();
    Ok(key.iter().map(|(_, column, _)| column.clone()).collect())
}

/// The data type of a column in lower case, such as `varchar`; empty if there is no such column.
pub(crate) async fn data_type(
    connection: &mut MySqlConnection,
    [database, table, column]: [&str; 3],
) -> Result<String, Error> {
    let found: Option<String> = Question::fixed(
        "SELECT CAST(LOWER(DATA_TYPE) AS CHAR) FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLUMN_NAME = ?",
    )
    .with(database)
    .with(table)
    .with(column)
    .scalar_optional(connection)
    .await
    .map_err(Error::query(format!("read the type of {column} of {table}")))?;
    Ok(found.unwrap_or_default())
}

/// The number of rows of a table as the server guesses it.
pub(crate) async fn row_estimate(
    connection: &mut MySqlConnection,
    [database, table]: [&str; 2],
) -> Result<u64, Error> {
    let found: Option<i64> = Question::fixed(
        "SELECT CAST(COALESCE(TABLE_ROWS, 0) AS SIGNED) FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
    )
    .with(database)
    .with(table)
    .scalar_optional(connection)
    .await
    .map_err(Error::query(format!("read how many rows {table} has")))?;
    Ok(found.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0))
}

/// One connection as the process list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connected {
    /// Connection id.
    pub(crate) id: i64,
    /// Client host and port.
    pub(crate) host: String,
    /// What it does: `Sleep`, `Query`, ...
    pub(crate) command: String,
    /// Seconds in that state.
    pub(crate) seconds: i64,
}

impl std::fmt::Display for Connected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, host, command, seconds } = self;
        write!(formatter, "connection {id} from {host} ({command}, {seconds} s)")
    }
}

/// All connections of a database user. Needs the PROCESS privilege; without it the list is silently short.
pub(crate) async fn connections_of(
    connection: &mut MySqlConnection,
    user: &str,
) -> Result<Vec<Connected>, Error> {
    let rows: Vec<(i64, String, String, i64)> = Question::fixed("SELECT CAST(ID AS SIGNED), CAST(HOST AS CHAR), CAST(COMMAND AS CHAR), CAST(TIME AS SIGNED) FROM information_schema.PROCESSLIST \
         WHERE USER = ? AND ID <> CONNECTION_ID() ORDER BY ID")
    .with(user)
    .all(connection)
    .await
    .map_err(Error::query("read the process list"))?;
    Ok(rows
        .into_iter()
        .map(|(id, host, command, seconds)| Connected { id, host, command, seconds })
        .collect())
}

/// All connections of others that have a database as their default, or whose statement names it.
pub(crate) async fn connections_in(
    connection: &mut MySqlConnection,
    database: &str,
) -> Result<Vec<(String, Connected)>, Error> {
    let rows: Vec<(String, i64, String, String, i64)> = Question::fixed("SELECT CAST(USER AS CHAR), CAST(ID AS SIGNED), CAST(HOST AS CHAR), CAST(COMMAND AS CHAR), CAST(TIME AS SIGNED) \
         FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND (DB = ? OR INSTR(INFO, ?) > 0) ORDER BY ID")
    .with(database)
    // As it is written by anybody: quoted or not.
    .with(database)
    .all(connection)
    .await
    .map_err(Error::query("read the process list"))?;
    let connected = |(user, id, host, command, seconds)| (user, Connected { id, host, command, seconds });
    Ok(rows.into_iter().map(connected).collect())
}

/// Whether what a step leaves behind is there in the site's database.
pub(crate) async fn holds(
    connection: &mut MySqlConnection,
    [base, schema]: [&str; 2],
    effect: &Effect,
) -> Result<bool, Error> {
    match effect {
        Effect::TableExists { table } => {
            Ok(kind_of(connection, base, table).await?.is_some_and(|kind| kind != Kind::Sequence))
        }
        Effect::TableAbsent { table } => Ok(kind_of(connection, base, table).await?.is_none()),
        Effect::SequenceExists { sequence: name } => {
            let is_there = kind_of(connection, base, name).await? == Some(Kind::Sequence);
            Ok(is_there && sequence::is_whole(connection, base, name).await?)
        }
        Effect::SequenceAbsent { sequence } => {
            Ok(kind_of(connection, base, sequence).await? != Some(Kind::Sequence))
        }
        Effect::ColumnsExist { table, columns } => {
            let live = live_columns(connection, base, table).await?;
            Ok(columns.iter().all(|column| has(&live, column)))
        }
        Effect::ColumnsAbsent { table, columns } => {
            let live = live_columns(connection, base, table).await?;
            Ok(!columns.iter().any(|column| has(&live, column)))
        }
        Effect::IndexExists { table, columns, unique } => {
            // A unique index guards exactly its columns; any other serves whoever asks for its first columns.
            has_index(connection, [base, table], columns, *unique, *unique).await
        }
        Effect::IndexUsed { table, index, .. } => is_used(connection, [base, table, index]).await,
        Effect::TriggerExists { trigger } => {
            Ok(trigger_statement(connection, base, trigger).await?.is_some())
        }
        Effect::TriggerAbsent { trigger } => {
            Ok(trigger_statement(connection, base, trigger).await?.is_none())
        }
        Effect::TriggerSays { trigger, label } => {
            let statement = trigger_statement(connection, base, trigger).await?;
            let says = format!("FOR EACH ROW {label}:");
            Ok(statement.is_some_and(|statement| statement.contains(&says)))
        }
        Effect::ColumnsAre { table, columns } => columns_are(connection, [base, table], columns).await,
        Effect::IndexAbsent { table, columns, unique } => {
            Ok(!has_index(connection, [base, table], columns, *unique, true).await?)
        }
        Effect::NoRows { table, condition } => Ok(!has_rows(connection, base, table, condition).await?),
        Effect::TableRenamed { from, to, view } => {
            rename::is_done(connection, [base, schema], &rename::Names { from, to, view }).await
        }
        Effect::RowExists { table, condition } => has_rows(connection, base, table, condition).await,
        Effect::All { effects } => all_hold(connection, [base, schema], effects).await,
        Effect::BlueShows { table, columns } => {
            let definition = view_definition(connection, schema, table).await?;
            let shows = |(name, column): (&String, &String)| {
                let part = format!("{} AS {}", quote::identifier(column), quote::identifier(name));
                definition.as_ref().is_some_and(|definition| definition.contains(&part))
            };
            Ok(columns.iter().all(shows))
        }
    }
}

/// Whether no index of this name is marked as ignored.
async fn is_used(connection: &mut MySqlConnection, of: [&str; 3]) -> Result<bool, Error> {
    let sql = "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
               AND INDEX_NAME = ? AND IGNORED = 'YES'";
    let question = of.into_iter().fold(Question::fixed(sql), Question::with);
    let ignored: i64 =
        question.scalar(connection).await.map_err(Error::query("look whether an index is used"))?;
    Ok(ignored == 0)
}

async fn all_hold(
    connection: &mut MySqlConnection,
    databases: [&str; 2],
    effects: &[Effect],
) -> Result<bool, Error> {
    for effect in effects {
        if !Box::pin(holds(connection, databases, effect)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Read as rows are filled, or what is filled may seem not to be.
async fn has_rows(
    connection: &mut MySqlConnection,
    base: &str,
    table: &str,
    condition: &str,
) -> Result<bool, Error> {
    let table = quote::qualified(base, table);
    let sql = format!(
        "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT CAST(EXISTS (SELECT 1 FROM {table} WHERE {condition}) AS SIGNED)"
    );
    let found: i64 = Question::of(sql)
        .scalar(connection)
        .await
        .map_err(Error::query(format!("look for rows of {table} that are to be filled")))?;
    Ok(found > 0)
}

/// The `SELECT` of a view as the server keeps it.
pub(crate) async fn view_definition(
    connection: &mut MySqlConnection,
    schema: &str,
    view: &str,
) -> Result<Option<String>, Error> {
    let sql = "SELECT CAST(VIEW_DEFINITION AS CHAR) FROM information_schema.VIEWS \
               WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    let question = Question::fixed(sql).with(schema).with(view).scalar_optional(connection);
    question.await.map_err(Error::query(format!("read the view {view} of {schema}")))
}

async fn columns_are(
    connection: &mut MySqlConnection,
    [base, table]: [&str; 2],
    columns: &BTreeMap<String, (String, bool)>,
) -> Result<bool, Error> {
    for (column, shape) in columns {
        if !column_is(connection, [base, table, column], shape).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a column has the type and takes NULL or not; `json` is longtext with a check of its own. Types are compared as
/// the planner does: Frappe 16 asks for `tinyint`, and the server shows `tinyint(4)`.
async fn column_is(
    connection: &mut MySqlConnection,
    [base, table, column]: [&str; 3],
    (column_type, nullable): &(String, bool),
) -> Result<bool, Error> {
    let check = if column_type.eq_ignore_ascii_case("json") { "1" } else { "0" };
    let sql = "SELECT CAST(c.COLUMN_TYPE AS CHAR) FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = ? \
               AND c.TABLE_NAME = ? AND c.COLUMN_NAME = ? AND c.IS_NULLABLE = ? \
               AND (? = '0' OR EXISTS (SELECT 1 FROM information_schema.CHECK_CONSTRAINTS k \
               WHERE k.CONSTRAINT_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME \
               AND k.CONSTRAINT_NAME = c.COLUMN_NAME))";
    let nullable = if *nullable { "YES" } else { "NO" };
    let asked = [base, table, column, nullable, check];
    let question = asked.into_iter().fold(Question::fixed(sql), Question::with);
    let live: Option<String> =
        question.scalar_optional(connection).await.map_err(Error::query("look for a column's type"))?;
    Ok(live.is_some_and(|live| is_same_type(&live, column_type)))
}

/// Column names are case-insensitive in MariaDB.
fn has(live: &[String], column: &str) -> bool {
    live.iter().any(|name| name.eq_ignore_ascii_case(column))
}

async fn live_columns(
    connection: &mut MySqlConnection,
    base: &str,
    table: &str,
) -> Result<Vec<String>, Error> {
    let rows: Vec<(String,)> = Question::fixed("SELECT CAST(COLUMN_NAME AS CHAR) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?")
    .with(base)
    .with(table)
    .all(connection)
    .await
    .map_err(Error::query(format!("list the columns of {table}")))?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// What made a trigger; `None` if it is not there. `information_schema.TRIGGERS` opens every table of the server to find
/// one by its name: a plan for hundreds of tables would spend its time there.
async fn trigger_statement(
    connection: &mut MySqlConnection,
    base: &str,
    trigger: &str,
) -> Result<Option<String>, Error> {
    const NO_SUCH_TRIGGER: u16 = 1360;
    let sql = format!("SHOW CREATE TRIGGER {}", quote::qualified(base, trigger));
    match sqlx::raw_sql(connection::safe(sql)).fetch_optional(connection).await {
        Ok(row) => Ok(row.and_then(|row| row.try_get_unchecked("SQL Original Statement").ok())),
        Err(error) if connection::error_number(&error) == NO_SUCH_TRIGGER => Ok(None),
        Err(error) => Err(Error::query(format!("look for the trigger {trigger}"))(error)),
    }
}

/// Whether a table has an index of exactly these columns, or one that begins with them; with `unique`, one that is.
async fn has_index(
    connection: &mut MySqlConnection,
    of: [&str; 2],
    wanted: &[String],
    unique: bool,
    exact: bool,
) -> Result<bool, Error> {
    let live = indexes(connection, of).await?;
    Ok(live.iter().any(|(columns, is_unique)| {
        begins(columns, wanted) && (!exact || columns.len() == wanted.len()) && (!unique || *is_unique)
    }))
}

/// Every index of a table: its columns in their order, and whether it is unique.
async fn indexes(
    connection: &mut MySqlConnection,
    [base, table]: [&str; 2],
) -> Result<Vec<(Vec<String>, bool)>, Error> {
    let rows: Vec<(String, String, i64)> = Question::fixed(
        "SELECT CAST(INDEX_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR), CAST(NON_UNIQUE AS SIGNED) \
         FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
         ORDER BY INDEX_NAME, SEQ_IN_INDEX",
    )
    .with(base)
    .with(table)
    .all(connection)
    .await
    .map_err(Error::query(format!("list the indexes of {table}")))?;
    let mut indexes: BTreeMap<String, (Vec<String>, bool)> = BTreeMap::new();
    for (index, column, non_unique) in rows {
        let (columns, is_unique) = indexes.entry(index).or_default();
        columns.push(column);
        *is_unique = non_unique == 0;
    }
    Ok(indexes.into_values().collect())
}

/// Whether an index begins with these columns, their names as the server compares them.
fn begins(live: &[String], wanted: &[String]) -> bool {
    live.len() >= wanted.len()
        && live.iter().zip(wanted).all(|(live, wanted)| live.eq_ignore_ascii_case(wanted))
}

async fn count(
    connection: &mut MySqlConnection,
    sql: &'static str,
    binds: &[&str],
    act: &str,
) -> Result<i64, Error> {
    let question = binds.iter().fold(Question::fixed(sql), Question::with);
    question.scalar(connection).await.map_err(Error::query(act))
}
