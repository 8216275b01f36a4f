//! Keeps what a contract is going to drop: columns with the key of their rows, tables, blue's own copies. All of it is
//! read in one snapshot, and written before anything is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::Row;

pub use super::backup_file::Head;
use super::backup_file::{Column, Kind, Next, Part, Reader, Writer};
use super::inventory;
use super::question::Question;
use super::{Error, Session, connection, inspect, quote};

/// What is going to be dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doomed {
    /// Columns by the table of the base.
    pub(crate) columns: BTreeMap<String, BTreeSet<String>>,
    /// Tables of the base.
    pub(crate) tables: BTreeSet<String>,
}

impl Doomed {
    /// Whether nothing of the base is dropped.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.tables.is_empty()
    }

    /// What of it is not in `kept`.
    pub(crate) fn without(mut self, kept: &Self) -> Self {
        self.tables.retain(|table| !kept.tables.contains(table));
        for (table, columns) in &mut self.columns {
            let there = kept.columns.get(table);
            let is_whole = kept.tables.contains(table);
            columns.retain(|column| !is_whole && !there.is_some_and(|there| there.contains(column)));
        }
        self.columns.retain(|_, columns| !columns.is_empty());
        self
    }

    /// All of it in a few words.
    pub(crate) fn describe(&self) -> String {
        let columns = self
            .columns
            .iter()
            .flat_map(|(table, columns)| columns.iter().map(move |column| format!("{column} of {table}")));
        columns.chain(self.tables.iter().cloned()).collect::<Vec<_>>().join(", ")
    }
}

/// What is in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Tables and groups of columns.
    pub parts: u64,
    /// Rows of all of them.
    pub rows: u64,
}

/// Where a backup may be written: `path`, or beside it if another one is there. `is_free` says of which file nothing is
/// dropped that it keeps, so that it may be written again.
pub(crate) fn unused(path: &Path, is_free: impl Fn(&Path) -> bool) -> PathBuf {
    let beside = |number: u32| {
        let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
        name.push(format!("-{number}"));
        let mut other = path.with_file_name(name);
        if let Some(extension) = path.extension() {
            other.as_mut_os_string().push(".");
            other.as_mut_os_string().push(extension);
        }
        other
    };
    let all = std::iter::once(path.to_owned()).chain((2..).map(beside));
    all.into_iter().find(|file| is_free(file) || !file.exists()).unwrap_or_else(|| path.to_owned())
}

/// Writes a backup to `path`. The file has its name only when it is complete, on disk and has been read again.
pub(super) async fn take(
    session: &mut Session<'_>,
    parts: &[Part],
    plan_hash: &str,
    path: &Path,
) -> Result<Kept, Error> {
    let failed =
        |error: std::io::Error| Error::File { act: "write", path: path.display().to_string(), source: error };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let result = write(session, parts, plan_hash, &part, &failed).await;
    if result.is_err() {
        let _ = std::fs::remove_file(&part);
        return result;
    }
    check(&part)?;
    std::fs::rename(&part, path).map_err(failed)?;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let directory = std::fs::File::open(directory).map_err(failed)?;
        directory.sync_all().map_err(failed)?;
    }
    result
}

/// Reads a whole file: fails if any of it is not as it was written.
pub fn check(path: &Path) -> Result<Head, Error> {
    let mut reader = open(path)?;
    while reader.next()? != Next::End {}
    Ok(reader.head)
}

/// Begins to read a file.
pub(super) fn open(path: &Path) -> Result<Reader<std::fs::File>, Error> {
    let file = std::fs::File::open(path);
    let file =
        file.map_err(|source| Error::File { act: "read", path: path.display().to_string(), source })?;
    Reader::begin(file)
}

async fn write(
    session: &mut Session<'_>,
    parts: &[Part],
    plan_hash: &str,
    path: &Path,
    failed: &impl Fn(std::io::Error) -> Error,
) -> Result<Kept, Error> {
    // For its owner alone: it holds what users wrote.
    let _ = std::fs::remove_file(path);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let head = Head::new(&session.base, &session.schema, plan_hash);
    let mut writer = Writer::begin(file.map_err(failed)?, &head).map_err(failed)?;
    let most = packet_limit(session).await?;
    session.execute("begin the backup", "START TRANSACTION WITH CONSISTENT SNAPSHOT".to_owned()).await?;
    let total = parts.len() as u64;
    for (done, part) in (0_u64..).zip(parts) {
        session.progress.report("backup", done, total, &part.table);
        writer.part(part).map_err(failed)?;
        let longest = rows(session, part, &mut writer, failed).await?;
        if longest > most {
            let message = format!(
                "a row of {} takes {longest} bytes in SQL, the server's max_allowed_packet is {most}: it can be put \
                 back only with a larger one",
                part.table
            );
            session.progress.report("backup", done, total, &message);
        }
    }
    session.execute("end the backup", "COMMIT".to_owned()).await?;
    let (file, rows) = writer.end().map_err(failed)?;
    file.sync_all().map_err(failed)?;
    session.progress.report("backup", total, total, &format!("{rows} rows of {total} tables kept"));
    Ok(Kept { parts: total, rows })
}

/// How many bytes of SQL the server takes in one go.
pub(super) async fn packet_limit(session: &mut Session<'_>) -> Result<usize, Error> {
    let sql = "SELECT CAST(@@max_allowed_packet AS SIGNED)";
    let bytes: i64 = Question::fixed(sql)
        .scalar(&mut session.connection)
        .await
        .map_err(Error::query("read max_allowed_packet"))?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Copies the rows of one part into the file; gives how long the longest one is in hexadecimal.
async fn rows(
    session: &mut Session<'_>,
    part: &Part,
    writer: &mut Writer<impl Write>,
    failed: &impl Fn(std::io::Error) -> Error,
) -> Result<usize, Error> {
    let database = if part.of_blue { &session.schema } else { &session.base };
    let values: Vec<String> = part.columns.iter().map(printed).collect();
    let sql = format!("SELECT {} FROM {}", values.join(", "), quote::qualified(database, &part.table));
    let act = format!("read {} for the backup", part.table);
    let query = sqlx::raw_sql(connection::safe(sql));
    let mut stream = query.fetch(&mut session.connection);
    let mut longest = 0;
    while let Some(row) = stream.try_next().await.map_err(Error::query(act.as_str()))? {
        let values: Result<Vec<Option<Vec<u8>>>, _> =
            (0..row.len()).map(|at| row.try_get_unchecked(at)).collect();
        let values = values.map_err(Error::query(act.as_str()))?;
        let values: Vec<Option<String>> = values.into_iter().map(|value| value.map(hex::encode)).collect();
        longest = longest.max(values.iter().flatten().map(String::len).sum());
        writer.row(values).map_err(failed)?;
    }
    Ok(longest)
}

/// A value as bytes. Text has those that it has in the table, whatever the connection speaks; all else is as the server
/// prints it, which is six digits of a float, and all of a double.
///
/// HEX and CAST give NULL for what is longer than `max_allowed_packet`, without an error.
fn printed(column: &Column) -> String {
    let name = quote::identifier(&column.name);
    if column.is_float {
        format!("CONVERT(CAST({name} AS DOUBLE) USING binary)")
    } else {
        format!("CONVERT({name} USING binary)")
    }
}

/// What is written: columns of the base, tables of the base, and blue's copies if they are asked for.
pub(super) async fn parts(
    session: &mut Session<'_>,
    doomed: &Doomed,
    with_copies: bool,
) -> Result<Vec<Part>, Error> {
    let base = session.base.clone();
    let mut parts = Vec::new();
    for (table, columns) in &doomed.columns {
        let wanted: Vec<String> = columns.iter().cloned().collect();
        parts.extend(columns_of(session, table, &wanted).await?);
    }
    for table in &doomed.tables {
        parts.extend(table_of(session, &base, table).await?);
    }
    if !with_copies {
        return Ok(parts);
    }
    let schema = session.schema.clone();
    for (table, entry) in inventory::read(session).await? {
        if entry.shape.is_copy() {
            let part = table_of(session, &schema, &table).await?;
            parts.extend(part.map(|part| Part { of_blue: true, ..part }));
        }
    }
    Ok(parts)
}

/// Columns that are there, with the key of their rows; `None` if none of them is.
async fn columns_of(
    session: &mut Session<'_>,
    table: &str,
    wanted: &[String],
) -> Result<Option<Part>, Error> {
    let base = session.base.clone();
    let all = columns(session, &base, table).await?;
    let is_wanted = |column: &&Column| wanted.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
    let values: Vec<Column> = all.iter().filter(is_wanted).cloned().collect();
    if values.is_empty() {
        return Ok(None);
    }
    let names = inspect::row_key(&mut session.connection, [&base, table], wanted).await?;
    let key: Vec<Column> =
        names.iter().filter_map(|name| all.iter().find(|column| &column.name == name).cloned()).collect();
    if key.is_empty() {
        return Err(Error::Refused(format!(
            "{table} has no primary key, and no unique index without NULL, by which its dropped columns could be put back: add one"
        )));
    }
    let create = show_create(session, &base, table).await?;
    let clauses = clauses(&create, &values);
    let columns: Vec<Column> = key.iter().cloned().chain(values).collect();
    Ok(Some(Part { of_blue: false, table: table.to_owned(), create: None, clauses, key: key.len(), columns }))
}

/// A whole table; `None` if it is not there.
async fn table_of(session: &mut Session<'_>, database: &str, table: &str) -> Result<Option<Part>, Error> {
    let columns = columns(session, database, table).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let create = Some(show_create(session, database, table).await?);
    Ok(Some(Part { of_blue: false, table: table.to_owned(), create, clauses: Vec::new(), key: 0, columns }))
}

async fn show_create(session: &mut Session<'_>, database: &str, table: &str) -> Result<String, Error> {
    let sql = format!("SHOW CREATE TABLE {}", quote::qualified(database, table));
    let (_, create): (String, String) = Question::of(sql)
        .one(&mut session.connection)
        .await
        .map_err(Error::query(format!("read the definition of {table}")))?;
    Ok(create)
}

/// The columns that hold values of their own, in order.
async fn columns(session: &mut Session<'_>, database: &str, table: &str) -> Result<Vec<Column>, Error> {
    let rows: Vec<(String, String, Option<String>)> = Question::fixed(
        "SELECT CAST(COLUMN_NAME AS CHAR), CAST(DATA_TYPE AS CHAR), CAST(CHARACTER_SET_NAME AS CHAR) \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND IS_GENERATED = 'NEVER' \
         ORDER BY ORDINAL_POSITION",
    )
    .with(database)
    .with(table)
    .all(&mut session.connection)
    .await
    .map_err(Error::query(format!("list the columns of {table}")))?;
    let is_bytes = |kind: &str| kind.ends_with("blob") || kind.ends_with("binary") || kind == "bit";
    Ok(rows
        .into_iter()
        .map(|(name, data_type, charset)| {
            let kind = match charset {
                Some(charset) => Kind::Text(charset),
                None if is_bytes(&data_type) => Kind::Bytes,
                None => Kind::Printed,
            };
            Column { name, kind, is_float: data_type == "float" }
        })
        .collect())
}

/// The lines of a definition that are about these columns, as clauses that add them again where they were.
fn clauses(create: &str, columns: &[Column]) -> Vec<String> {
    let is_about = |line: &str, column: &Column| line.contains(&quote::identifier(&column.name));
    let mut clauses = Vec::new();
    let mut before: Option<String> = None;
    for line in create.lines().map(|line| line.trim().trim_end_matches(',')) {
        if line.starts_with('`') {
            let Some(name) = first_identifier(line) else { continue };
            if columns.iter().any(|column| quote::identifier(&column.name) == name) {
                let place = before.as_ref().map_or("FIRST".to_owned(), |before| format!("AFTER {before}"));
                clauses.push(format!("ADD COLUMN IF NOT EXISTS {line} {place}"));
            }
            before = Some(name);
        } else if let Some(key) = index(line).filter(|_| columns.iter().any(|column| is_about(line, column)))
        {
            clauses.push(format!("ADD {key}"));
        }
    }
    clauses
}

/// An index of a definition, to be added if it is not there.
fn index(line: &str) -> Option<String> {
    ["UNIQUE KEY ", "FULLTEXT KEY ", "KEY "]
        .iter()
        .find_map(|kind| line.strip_prefix(kind).map(|rest| format!("{kind}IF NOT EXISTS {rest}")))
}

/// The identifier that a line begins with, with its quotes.
fn first_identifier(line: &str) -> Option<String> {
    let mut characters = line.char_indices().skip(1).peekable();
    while let Some((position, character)) = characters.next() {
        if character == '`' {
            if characters.peek().is_some_and(|(_, next)| *next == '`') {
                characters.next();
            } else {
                return line.get(..=position).map(str::to_owned);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_column_comes_back_where_it_was_with_its_indexes() {
        let create = "CREATE TABLE `tabA` (\n  `name` varchar(140) NOT NULL,\n  `a``,b` int(11) NOT NULL DEFAULT 0 COMMENT 'x, `y`',\n  \
                      `c` json DEFAULT NULL CHECK (json_valid(`c`)),\n  PRIMARY KEY (`name`),\n  KEY `i` (`a``,b`),\n  UNIQUE KEY `u` (`c`)\n) ENGINE=InnoDB";
        let column = |name: &str| Column { name: name.to_owned(), kind: Kind::Printed, is_float: false };
        assert_eq!(
            clauses(create, &[column("a`,b")]),
            [
                "ADD COLUMN IF NOT EXISTS `a``,b` int(11) NOT NULL DEFAULT 0 COMMENT 'x, `y`' AFTER `name`",
                "ADD KEY IF NOT EXISTS `i` (`a``,b`)"
            ]
        );
        assert_eq!(
            clauses(create, &[column("c")]),
            [
                "ADD COLUMN IF NOT EXISTS `c` json DEFAULT NULL CHECK (json_valid(`c`)) AFTER `a``,b`",
                "ADD UNIQUE KEY IF NOT EXISTS `u` (`c`)"
            ]
        );
    }
    #[test]
    fn what_a_backup_keeps_is_not_missing_in_it() {
        let doomed = |columns: &[(&str, &[&str])], tables: &[&str]| Doomed {
            columns: columns
                .iter()
                .map(|(table, names)| {
                    ((*table).to_owned(), names.iter().map(|name| (*name).to_owned()).collect())
                })
                .collect(),
            tables: tables.iter().map(|table| (*table).to_owned()).collect(),
        };
        let all = doomed(&[("a", &["x", "y"]), ("b", &["x"]), ("c", &["x"])], &["d", "e"]);
        let kept = doomed(&[("a", &["y", "z"]), ("b", &["x"])], &["c", "e"]);
        assert_eq!(all.clone().without(&kept), doomed(&[("a", &["x"])], &["d"]));
        assert!(all.clone().without(&all).is_empty());
    }

    #[test]
    fn a_file_that_is_there_is_never_written_over_unless_nothing_of_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        let never = |_: &Path| false;
        assert_eq!(unused(&file("a.tar.gz"), never), file("a.tar.gz"));
        for name in ["a.tar.gz", "a.tar-2.gz", "plain"] {
            std::fs::write(file(name), "").unwrap();
        }
        assert_eq!(unused(&file("a.tar.gz"), never), file("a.tar-3.gz"));
        assert_eq!(unused(&file("plain"), never), file("plain-2"));
        assert_eq!(unused(&file("a.tar.gz"), |one| one == file("a.tar-2.gz")), file("a.tar-2.gz"));
    }
}
