//! Puts back what a contract dropped, from its backup. The release does not come back by that: green goes on, with the
//! columns and tables of blue beside its own.

use std::path::Path;

use super::backup::{self, Kept};
use super::backup_file::{Column, Kind, Next, Part, Row};
use super::ledger::{self, Part as Chapter};
use super::{Error, OWN_PREFIX, Session, connection, inspect, quote};

/// Rows in one statement (tables) or one transaction (columns).
const ROWS: usize = 200;

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
    let mut reader = backup::open(path)?;
    let mut kept = Kept::default();
    let mut at: Option<Target> = None;
    let mut rows: Vec<Row> = Vec::new();
    loop {
        match reader.next()? {
            Next::Row(row) => {
                if let Some(target) = &at {
                    rows.push(row);
                    if rows.len() == ROWS {
                        kept.rows += target.put(session, &std::mem::take(&mut rows)).await?;
                    }
                }
            }
            next @ (Next::Part(_) | Next::End) => {
                if let Some(target) = at.take() {
                    kept.rows += target.put(session, &std::mem::take(&mut rows)).await?;
                    target.end(session).await?;
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
    let what = if part.create.is_some() { "table" } else { "columns" };
    let step = format!("{what}-{database}-{}", part.table);
    if ledger::is_done(session, Chapter::Restore, &step).await? {
        session.progress.report("restore", 0, 0, &format!("{} was put back before", part.table));
        return Ok(None);
    }
    let table = match &part.create {
        None => {
            let sql = format!(
                "ALTER TABLE {} {}",
                quote::qualified(&database, &part.table),
                part.clauses.join(", ")
            );
            ledger::begin(session, Chapter::Restore, &step, plan, &sql).await?;
            session.ddl(&format!("put columns of {} back", part.table), &sql).await?;
            part.table.clone()
        }
        Some(create) => {
            let objects = inspect::objects(&mut session.connection, &database).await?;
            // Under a name of ours until its rows are in.
            let table = format!("{OWN_PREFIX}_restore_{}", quote::short_hash(&[&part.table]));
            if objects.contains_key(&part.table) {
                if !objects.contains_key(&table)
                    && ledger::has_begun(session, Chapter::Restore, &naming(&step)).await?
                {
                    // An earlier run gave it its name and was killed before it could say so.
                    ledger::end(session, Chapter::Restore, &step).await?;
                    session.progress.report("restore", 0, 0, &format!("{} was put back before", part.table));
                    return Ok(None);
                }
                return Err(Error::Refused(format!(
                    "{database} has a table {} already: rename it before the one of the backup is put back",
                    part.table
                )));
            }
            ledger::begin(session, Chapter::Restore, &step, plan, create).await?;
            ledger::strike(session, Chapter::Restore, &naming(&step)).await?;
            let target = quote::qualified(&database, &table);
            let named = format!("CREATE TABLE {}", quote::identifier(&part.table));
            let Some(rest) = create.strip_prefix(&named) else {
                return Err(Error::Refused(format!(
                    "the backup's definition of {} cannot be read",
                    part.table
                )));
            };
            let statements =
                [format!("DROP TABLE IF EXISTS {target}"), format!("CREATE TABLE {target}{rest}")];
            session.ddl_all(&format!("put {} back", part.table), &statements).await?;
            table
        }
    };
    session.progress.report("restore", 0, 0, &format!("{what} of {}", part.table));
    Ok(Some(Target { part, database, table, step, plan: plan.to_owned() }))
}

impl Target {
    /// Writes rows; gives how many.
    async fn put(&self, session: &mut Session<'_>, rows: &[Row]) -> Result<u64, Error> {
        if rows.is_empty() {
            return Ok(0);
        }
        session.check_lock().await?;
        let table = quote::qualified(&self.database, &self.table);
        let sql = if self.part.create.is_some() {
            let names: Vec<String> = self.part.columns.iter().map(|column| column.name.clone()).collect();
            let lines: Vec<String> =
                rows.iter().map(|row| format!("({})", self.values(row).join(", "))).collect();
            format!("INSERT INTO {table} ({}) VALUES {}", quote::columns(&names, ""), lines.join(", "))
        } else {
            let updates: Vec<String> = rows.iter().map(|row| self.update(&table, row)).collect();
            format!("START TRANSACTION; {}; COMMIT", updates.join("; "))
        };
        let never_checked = format!("SET STATEMENT check_constraint_checks = 0 FOR {sql}");
        let sql = if self.part.create.is_some() { never_checked } else { sql };
        connection::execute(&mut session.connection, &format!("put rows of {} back", self.part.table), sql)
            .await?;
        Ok(rows.len() as u64)
    }

    fn values(&self, row: &Row) -> Vec<String> {
        self.part.columns.iter().zip(row).map(|(column, value)| literal(column, value.as_deref())).collect()
    }

    /// A row that is gone meanwhile stays gone.
    fn update(&self, table: &str, row: &Row) -> String {
        let pairs: Vec<String> = self
            .part
            .columns
            .iter()
            .zip(self.values(row))
            .map(|(column, value)| format!("{} = {value}", quote::identifier(&column.name)))
            .collect();
        let (key, values) = pairs.split_at(self.part.key.min(pairs.len()));
        format!("UPDATE {table} SET {} WHERE {}", values.join(", "), key.join(" AND "))
    }

    async fn end(&self, session: &mut Session<'_>) -> Result<(), Error> {
        if self.part.create.is_some() {
            let sql = format!(
                "RENAME TABLE {} TO {}",
                quote::qualified(&self.database, &self.table),
                quote::qualified(&self.database, &self.part.table)
            );
            let naming = naming(&self.step);
            ledger::begin(session, Chapter::Restore, &naming, &self.plan, &sql).await?;
            session.ddl(&format!("give {} its name back", self.part.table), &sql).await?;
            ledger::end(session, Chapter::Restore, &naming).await?;
        }
        ledger::end(session, Chapter::Restore, &self.step).await
    }
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
