//! Puts back what a contract dropped, from its backup. The release does not come back by that: green goes on, with the
//! columns and tables of blue beside its own.

use std::path::Path;

use super::backfill::Fill;
use super::backup::{self, Kept};
use super::backup_file::{Column, Kind, Next, Part, Row};
use super::ledger::{self, Part as Chapter};
use super::patience::Patience;
use super::question::Question;
use super::{Error, OWN_PREFIX, Session, connection, inspect, quote};
use crate::plan::Assignment;

/// Rows in one statement (tables) or one transaction (columns), and bytes of its text.
const ROWS: usize = 200;
const BYTES: usize = 1 << 20;
/// Green is at work on the tables: no row is waited for, and nobody meets a gap that is locked. Values that were there
/// against a CHECK come back as they were.
const BEFORE: &str = "SET SESSION innodb_lock_wait_timeout = 0, lock_wait_timeout = 1, check_constraint_checks = 0; \
                      SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// A row or a table that is taken, a deadlock: over when tried again.
const RETRIED: [u16; 2] = [1205, 1213];
/// The server cannot do an `ALTER` by this algorithm, or with this lock.
const NOT_SO: [u16; 2] = [1845, 1846];
/// Two rows have one value of an index that is to be unique.
const DUPLICATE: u16 = 1062;

/// What to put back where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// An existing database that gets blue's own copies (its workspaces, its metadata); without it they are left out.
    pub copies_into: Option<&'a str>,
}

/// Reads the whole file first; then restores part after part. May be repeated after a kill.
pub async fn run(session: &mut Session<'_>, path: &Path, wanted: Wanted<'_>) -> Result<Kept, Error> {
    let head = backup::check(path)?;
    if head.database != session.base {
        return Err(Error::Refused(format!(
            "the backup is of {}, not of {}: nothing was put back",
            head.database, session.base
        )));
    }
    ledger::create(session).await?;
    session.execute("prepare a restore", BEFORE.to_owned()).await?;
    let mut reader = backup::open(path)?;
    let mut kept = Kept::default();
    let mut at: Option<Target> = None;
    loop {
        match reader.next()? {
            Next::Row(row) => {
                if let Some(target) = &mut at {
                    target.add(session, &row).await?;
                }
            }
            next @ (Next::Part(_) | Next::End) => {
                if let Some(target) = at.take() {
                    kept.rows += target.end(session).await?;
                    kept.parts += 1;
                }
                let Next::Part(part) = next else { return Ok(kept) };
                at = begin(session, part, &head.plan, wanted).await?;
            }
        }
    }
}

/// A part that is being put back.
struct Target {
    part: Part,
    database: String,
    /// The table that the rows go to.
    table: String,
    step: String,
    /// Hash of the plan that dropped it.
    plan: String,
    /// Its columns, for messages.
    columns: Vec<Assignment>,
    /// How long a statement may be.
    limit: usize,
    /// Rows as SQL that are to be sent, and how long they are.
    waiting: Vec<String>,
    bytes: usize,
    rows: u64,
}

/// The step that gives a table its name back: in the ledger once all rows are in.
fn naming(step: &str) -> String {
    format!("name-{step}")
}

/// Makes the table or the columns; `None` if the part is to be left out or was put back by an earlier run.
async fn begin(
    session: &mut Session<'_>,
    part: Part,
    plan: &str,
    wanted: Wanted<'_>,
) -> Result<Option<Target>, Error> {
    let database = match (part.of_blue, wanted.copies_into) {
        (false, _) => session.base.clone(),
        (true, Some(database)) => database.to_owned(),
        (true, None) => return Ok(None),
    };
    let limit = backup::packet_limit(session).await?;
    let names = values(&part).map(|column| column.name.as_str()).collect::<Vec<_>>();
    let (what, step) = if part.create.is_some() {
        ("table", format!("table-{database}-{}", part.table))
    } else {
        // Other columns of the table may be in another backup.
        ("columns", format!("columns-{database}-{}-{}", part.table, quote::short_hash(&names)))
    };
    let said = format!("{} was put back before", part.table);
    if ledger::is_done(session, Chapter::Restore, &step).await? {
        session.progress.report("restore", 0, 0, &said);
        return Ok(None);
    }
    let columns =
        names.iter().map(|name| Assignment { column: (*name).to_owned(), value: String::new() }).collect();
    let mut target = Target {
        table: part.table.clone(),
        part,
        database,
        step,
        plan: plan.to_owned(),
        columns,
        limit,
        waiting: Vec::new(),
        bytes: 0,
        rows: 0,
    };
    if target.part.create.is_some() {
        if !target.make_table(session).await? {
            session.progress.report("restore", 0, 0, &said);
            return Ok(None);
        }
    } else {
        target.make_columns(session).await?;
    }
    session.progress.report("restore", 0, 0, &format!("{what} of {}", target.part.table));
    Ok(Some(target))
}

/// The columns of a part that are no key of it.
fn values(part: &Part) -> impl Iterator<Item = &Column> {
    part.columns.iter().skip(part.key)
}

impl Target {
    /// Brings columns back, without a value and without an index.
    async fn make_columns(&self, session: &mut Session<'_>) -> Result<(), Error> {
        let added: Vec<&str> = self.clauses(|clause| clause.starts_with("ADD COLUMN "));
        let sql = format!("ALTER TABLE {} {}", self.name(), added.join(", "));
        ledger::begin(session, Chapter::Restore, &self.step, &self.plan, &sql).await?;
        let ways = ways("ADD COLUMN ", self.is_innodb(session).await?);
        alter(session, &format!("put columns of {} back", self.part.table), &sql, ways).await
    }

    /// Adds the indexes, once all values are in: those of a unique one are all the same before.
    async fn make_indexes(&self, session: &mut Session<'_>) -> Result<(), Error> {
        let indexes: Vec<&str> = self.clauses(|clause| !clause.starts_with("ADD COLUMN "));
        if indexes.is_empty() {
            return Ok(());
        }
        let is_innodb = self.is_innodb(session).await?;
        for index in indexes {
            let sql = format!("ALTER TABLE {} {index}", self.name());
            let act = format!("put an index of {} back", self.part.table);
            match alter(session, &act, &sql, ways(index, is_innodb)).await {
                Err(Error::Query { source, .. }) if connection::error_number(&source) == DUPLICATE => {
                    let message = format!(
                        "{} goes without an index, for rows that came since have one value: {source}. Make them differ, then: {sql}",
                        self.part.table
                    );
                    session.progress.report("restore", 0, 0, &message);
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn clauses(&self, which: impl Fn(&str) -> bool) -> Vec<&str> {
        self.part.clauses.iter().map(String::as_str).filter(|clause| which(clause)).collect()
    }

    /// The table that the rows go to.
    fn name(&self) -> String {
        quote::qualified(&self.database, &self.table)
    }

    async fn is_innodb(&self, session: &mut Session<'_>) -> Result<bool, Error> {
        let sql = "SELECT COUNT(*) FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND ENGINE = 'InnoDB'";
        let question = Question::fixed(sql).with(&self.database).with(&self.table);
        let count: i64 = question
            .scalar(&mut session.connection)
            .await
            .map_err(Error::query(format!("read the engine of {}", self.table)))?;
        Ok(count > 0)
    }

    /// Makes a table under a name of ours, until its rows are in; false if an earlier run has put it back.
    async fn make_table(&mut self, session: &mut Session<'_>) -> Result<bool, Error> {
        let Self { part, database, step, plan, .. } = &*self;
        let Some(create) = &part.create else { return Ok(true) };
        let objects = inspect::objects(&mut session.connection, database).await?;
        let table = format!("{OWN_PREFIX}_restore_{}", quote::short_hash(&[&part.table]));
        if objects.contains_key(&part.table) {
            if !objects.contains_key(&table)
                && ledger::has_begun(session, Chapter::Restore, &naming(step)).await?
            {
                // An earlier run gave it its name and was killed before it could say so.
                ledger::end(session, Chapter::Restore, step).await?;
                return Ok(false);
            }
            return Err(Error::Refused(format!(
                "{database} has a table {} already: rename it before the one of the backup is put back",
                part.table
            )));
        }
        ledger::begin(session, Chapter::Restore, step, plan, create).await?;
        ledger::strike(session, Chapter::Restore, &naming(step)).await?;
        let target = quote::qualified(database, &table);
        let named = format!("CREATE TABLE {}", quote::identifier(&part.table));
        let Some(rest) = create.strip_prefix(&named) else {
            return Err(Error::Refused(format!("the backup's definition of {} cannot be read", part.table)));
        };
        let statements = [format!("DROP TABLE IF EXISTS {target}"), format!("CREATE TABLE {target}{rest}")];
        session.ddl_all(&format!("put {} back", part.table), &statements).await?;
        self.table = table;
        Ok(true)
    }

    /// Adds a row to those that are to be sent, and sends them when they are enough.
    async fn add(&mut self, session: &mut Session<'_>, row: &Row) -> Result<(), Error> {
        let text = self.text(row);
        let most = self.limit.saturating_sub(self.statement(&[]).len());
        // The server counts some bytes of its own.
        let needed = text.len() + 1024;
        if needed > most {
            let (table, limit) = (&self.part.table, self.limit);
            let wanted = (limit - most + needed).next_multiple_of(1 << 20);
            return Err(Error::Refused(format!(
                "a row of {table} is longer than the server's max_allowed_packet ({limit}): SET GLOBAL \
                 max_allowed_packet = {wanted}, then run this again; it goes on"
            )));
        }
        if self.waiting.len() == ROWS || self.bytes + needed > BYTES.min(most) {
            self.put(session).await?;
        }
        self.bytes += text.len() + 2;
        self.waiting.push(text);
        Ok(())
    }

    /// Sends the rows that wait.
    async fn put(&mut self, session: &mut Session<'_>) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        session.check_lock().await?;
        let sql = self.statement(&self.waiting);
        let fill = Fill { table: &self.part.table, columns: &self.columns, condition: "" };
        let mut patience = Patience::default();
        while let Err(error) = connection::run(&mut session.connection, sql.clone()).await {
            if !RETRIED.contains(&connection::error_number(&error)) {
                return Err(Error::query(format!("put rows of {} back", self.part.table))(error));
            }
            // Of a row that is taken the transaction is left, with the rows before it.
            session.execute("end a transaction", "ROLLBACK".to_owned()).await?;
            patience.refused(session, &fill, error.to_string()).await?;
        }
        self.rows += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Several rows in one go.
    fn statement(&self, rows: &[String]) -> String {
        if self.part.create.is_none() {
            return format!("START TRANSACTION; {}; COMMIT", rows.join("; "));
        }
        let names: Vec<String> = self.part.columns.iter().map(|column| column.name.clone()).collect();
        format!("INSERT INTO {} ({}) VALUES {}", self.name(), quote::columns(&names, ""), rows.join(", "))
    }

    /// A row: what comes behind VALUES, or an UPDATE. A row that is gone meanwhile stays gone.
    fn text(&self, row: &Row) -> String {
        let pairs = self.part.columns.iter().zip(row);
        let values = pairs.clone().map(|(column, value)| literal(column, value.as_deref()));
        if self.part.create.is_some() {
            return format!("({})", values.collect::<Vec<_>>().join(", "));
        }
        let pairs: Vec<String> = pairs
            .zip(values)
            .map(|((column, _), value)| format!("{} = {value}", quote::identifier(&column.name)))
            .collect();
        let (key, values) = pairs.split_at(self.part.key.min(pairs.len()));
        format!("UPDATE {} SET {} WHERE {}", self.name(), values.join(", "), key.join(" AND "))
    }

    /// Sends what waits, then adds the indexes or gives the table its name; gives the number of all rows.
    async fn end(mut self, session: &mut Session<'_>) -> Result<u64, Error> {
        self.put(session).await?;
        if self.part.create.is_some() {
            let sql = format!(
                "RENAME TABLE {} TO {}",
                self.name(),
                quote::qualified(&self.database, &self.part.table)
            );
            let naming = naming(&self.step);
            ledger::begin(session, Chapter::Restore, &naming, &self.plan, &sql).await?;
            session.ddl(&format!("give {} its name back", self.part.table), &sql).await?;
            ledger::end(session, Chapter::Restore, &naming).await?;
        } else {
            self.make_indexes(session).await?;
        }
        ledger::end(session, Chapter::Restore, &self.step).await?;
        Ok(self.rows)
    }
}

/// How the server may do a clause of an `ALTER`, the best first. A table of `InnoDB` is never copied.
fn ways(clause: &str, is_innodb: bool) -> &'static [&'static str] {
    if !is_innodb {
        &["ALGORITHM=COPY, LOCK=SHARED"]
    } else if clause.starts_with("ADD COLUMN ") {
        &["ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE"]
    } else if clause.starts_with("ADD FULLTEXT ") {
        &["ALGORITHM=INPLACE, LOCK=SHARED"]
    } else {
        &["ALGORITHM=INPLACE, LOCK=NONE"]
    }
}

/// Alters a table by the first of these ways that the server can.
async fn alter(session: &mut Session<'_>, act: &str, sql: &str, ways: &[&str]) -> Result<(), Error> {
    for (left, way) in (0..ways.len()).rev().zip(ways) {
        // A CHECK is added without reading the rows: their values are not there yet, or were there against it.
        let sql = format!("SET STATEMENT check_constraint_checks = 0 FOR {sql}, {way}");
        match session.ddl(act, &sql).await {
            Err(Error::Query { source, .. })
                if left > 0 && NOT_SO.contains(&connection::error_number(&source)) => {}
            done => return done,
        }
    }
    Ok(())
}

/// A value in SQL, exactly as it was.
fn literal(column: &Column, value: Option<&[u8]>) -> String {
    match (value, &column.kind) {
        (None, _) => "NULL".to_owned(),
        (Some(bytes), Kind::Text(charset)) => format!("_{charset} X'{}'", hex::encode(bytes)),
        (Some(bytes), Kind::Bytes) => format!("X'{}'", hex::encode(bytes)),
        (Some(bytes), Kind::Printed) => quote::literal(&String::from_utf8_lossy(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_at_work_is_copied_and_its_writers_wait_for_a_fulltext_index_alone() {
        for clause in [
            "ADD COLUMN IF NOT EXISTS `a` int",
            "ADD KEY IF NOT EXISTS `a` (`a`)",
            "ADD UNIQUE KEY `a` (`a`)",
        ] {
            let online = |way: &&str| *way == "ALGORITHM=INSTANT" || *way == "ALGORITHM=INPLACE, LOCK=NONE";
            assert!(ways(clause, true).iter().all(online), "{clause}");
            assert_eq!(ways(clause, false), ["ALGORITHM=COPY, LOCK=SHARED"]);
        }
        assert_eq!(ways("ADD FULLTEXT KEY `a` (`a`)", true), ["ALGORITHM=INPLACE, LOCK=SHARED"]);
    }
}
