//! Blue's schema: a view per table, copies of what green's migrate rewrites, sequences, and a user that sees nothing
//! else. Nothing that serves is changed; whoever is on the tables stays there until its `db_name` is changed.

use std::collections::BTreeMap;

use super::inspect::{self, Kind};
use super::inventory::{self, Entry, Shape, Stage};
use super::ledger::{self, Part};
use super::question::Question;
use super::view::{self, View};
use super::{Error, Session, account, basis, frozen, mirror, older, preflight, quote, sequence, singles};
use crate::plan::{FrozenTable, Plan};

/// The ledger's name of the whole.
const STEP: &str = "schema";

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Isolated {
    /// Views of tables.
    pub views: usize,
    /// Copies of frozen tables.
    pub copies: usize,
    /// Sequences with a range of their own.
    pub sequences: usize,
}

/// Refuses a password that was made just now where an earlier run has given blue's user one: blue may serve with that.
pub async fn refuse_new_password(session: &mut Session<'_>) -> Result<(), Error> {
    // Without a schema what the ledger says of its name is of a release that is over.
    if inventory::stage(session).await?.is_none()
        || !ledger::has_begun(session, Part::Isolate, account::STEP).await?
    {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "blue's user {} has the password of an earlier run, which is neither in --site-config-out nor in --site-config: \
         name the file that has it, or give the user another one by --schema-password-file",
        session.schema
    )))
}

/// Makes blue's schema and its user, or completes what an earlier run left.
pub async fn run(session: &mut Session<'_>, plan: &Plan, password: &str) -> Result<Isolated, Error> {
    let objects = site_objects(session).await?;
    if objects.is_empty() {
        return Err(Error::Refused(format!(
            "the database {} has no tables: is it the site's?",
            session.base
        )));
    }
    // Without a schema what the ledger says of its name is of a release that is over.
    if inventory::stage(session).await?.is_some() {
        refuse_other_plan(session, plan).await?;
    }
    preflight::check(session, &objects, plan).await?;
    ledger::create(session).await?;
    basis::check(session, plan).await?;
    ledger::begin(session, Part::Isolate, STEP, &plan.hash, "").await?;
    create_database(session).await?;
    inventory::create(session).await?;
    match inventory::stage(session).await? {
        None | Some(Stage::Open) => {}
        // Its shape is final: what green has added since must not come in.
        Some(Stage::Settled | Stage::RolledBack) => {
            account::ensure(session, password, &plan.hash).await?;
            ledger::end(session, Part::Isolate, STEP).await?;
            return Ok(count(&inventory::read(session).await?));
        }
    }
    inventory::set_stage(session, Stage::Open).await?;
    account::ensure(session, password, &plan.hash).await?;
    let wanted = reconcile(session, &objects, &plan.frozen).await?;
    ledger::end(session, Part::Isolate, STEP).await?;
    Ok(count(&wanted))
}

/// Refuses another plan than the one that blue's schema, which is there, was made by.
pub(crate) async fn refuse_other_plan(session: &mut Session<'_>, plan: &Plan) -> Result<(), Error> {
    ledger::refuse_other_plan(session, Part::Isolate, STEP, &plan.hash).await
}

/// Brings blue's schema to what the base has now; gives the inventory.
pub(crate) async fn reconcile(
    session: &mut Session<'_>,
    objects: &BTreeMap<String, Kind>,
    frozen: &[FrozenTable],
) -> Result<BTreeMap<String, Entry>, Error> {
    let known = inventory::read(session).await?;
    let wanted = wanted(session, objects, frozen, &known).await?;
    for (name, entry) in known.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
        remove(session, name, entry.shape).await?;
    }
    let changed: Vec<(&str, Entry)> = wanted
        .iter()
        .filter(|(name, entry)| known.get(*name) != Some(entry))
        .map(|(name, entry)| (name.as_str(), entry.clone()))
        .collect();
    inventory::write(session, &changed).await?;
    let there = inspect::objects(&mut session.connection, &session.schema).await?;
    let shown = inspect::columns(&mut session.connection, &session.schema).await?;
    let views: Vec<View<'_>> = wanted
        .iter()
        .filter(|(name, entry)| entry.shape == Shape::View && shown.get(*name) != Some(&entry.columns))
        .map(|(name, entry)| View {
            name: name.clone(),
            of: name,
            kind: objects.get(name).copied().unwrap_or(Kind::Table),
            columns: &entry.columns,
            renamed: &view::AS_THEY_ARE,
        })
        .collect();
    view::create(session, &views).await?;
    make(session, &wanted, &there).await?;
    let rights: Vec<(&str, Shape)> =
        wanted.iter().map(|(name, entry)| (name.as_str(), entry.shape)).collect();
    account::grant(session, &rights).await?;
    session.progress.report("isolate", 1, 1, "schema complete");
    Ok(wanted)
}

/// Makes what is not a view. All copies come first, empty: to a transaction that is older a trigger into one is an error.
async fn make(
    session: &mut Session<'_>,
    wanted: &BTreeMap<String, Entry>,
    there: &BTreeMap<String, Kind>,
) -> Result<(), Error> {
    let is_made = |name: &str, entry: &Entry| entry.filled && there.contains_key(name);
    let copies: Vec<(&String, &Entry)> =
        wanted.iter().filter(|(name, entry)| entry.shape.is_copy() && !is_made(name, entry)).collect();
    for (name, _) in &copies {
        if *name == singles::TABLE {
            singles::prepare(session).await?;
        } else {
            frozen::prepare(session, name).await?;
        }
    }
    if !copies.is_empty() {
        older::outlast(session, "a copy of blue's").await?;
    }
    let sequences: Vec<&String> =
        wanted.iter().filter(|(_, entry)| entry.shape == Shape::Sequence).map(|(name, _)| name).collect();
    let total = (copies.len() + sequences.len()) as u64;
    for (done, name) in (0_u64..).zip(&sequences) {
        session.progress.report("copies", done, total, name);
        sequence::reserve(session, name, there.contains_key(*name)).await?;
    }
    for (done, (name, entry)) in (sequences.len() as u64..).zip(copies) {
        session.progress.report("copies", done, total, name);
        if name == singles::TABLE {
            singles::copy(session, entry).await?;
        } else {
            frozen::copy(session, name, entry).await?;
        }
    }
    Ok(())
}

/// Tables, views and sequences of the site without Crossfade's own.
pub(crate) async fn site_objects(session: &mut Session<'_>) -> Result<BTreeMap<String, Kind>, Error> {
    let mut objects = inspect::objects(&mut session.connection, &session.base).await?;
    objects.retain(|name, _| !inventory::is_own(name));
    Ok(objects)
}

/// What blue's schema should consist of.
async fn wanted(
    session: &mut Session<'_>,
    objects: &BTreeMap<String, Kind>,
    frozen: &[FrozenTable],
    known: &BTreeMap<String, Entry>,
) -> Result<BTreeMap<String, Entry>, Error> {
    let mut columns = inspect::columns(&mut session.connection, &session.base).await?;
    let writable: BTreeMap<&str, bool> =
        frozen.iter().map(|table| (table.table.as_str(), table.writable)).collect();
    let mut entries = BTreeMap::new();
    for (name, kind) in objects {
        let shape = match (kind, writable.get(name.as_str())) {
            (Kind::Sequence, _) => Shape::Sequence,
            (Kind::Table, Some(true)) => Shape::Copy,
            // Without its rows a Single cannot be saved: the copy is for keeping in step, never for reading alone.
            (Kind::Table, Some(false)) if name == singles::TABLE => Shape::Copy,
            (Kind::Table, Some(false)) => Shape::ReadOnlyCopy,
            (Kind::Table, None) | (Kind::View, _) => Shape::View,
        };
        let columns = match shape {
            Shape::Sequence => Vec::new(),
            Shape::View | Shape::Copy | Shape::ReadOnlyCopy => columns.remove(name).unwrap_or_default(),
        };
        let same = known.get(name).filter(|old| old.shape == shape && old.columns == columns);
        let filled = !shape.is_copy() || same.is_some_and(|old| old.filled);
        entries.insert(name.clone(), Entry { shape, columns, filled });
    }
    Ok(entries)
}

async fn remove(session: &mut Session<'_>, name: &str, shape: Shape) -> Result<(), Error> {
    let object = quote::qualified(&session.schema, name);
    match shape {
        Shape::View => view::drop_view(session, name).await?,
        Shape::Sequence => {
            session.ddl("drop a sequence", &format!("DROP SEQUENCE IF EXISTS {object}")).await?;
        }
        Shape::Copy | Shape::ReadOnlyCopy => {
            let mut statements = mirror::drop_statements(&session.base, name);
            statements.push(format!("DROP TABLE IF EXISTS {object}"));
            session.ddl_all("drop a copy", &statements).await?;
        }
    }
    inventory::remove(session, name).await
}

/// The schema gets the base's character set and collation: blue's temporary tables are compared with its columns.
async fn create_database(session: &mut Session<'_>) -> Result<(), Error> {
    let (charset, collation): (String, String) = Question::fixed(
        "SELECT CAST(DEFAULT_CHARACTER_SET_NAME AS CHAR), CAST(DEFAULT_COLLATION_NAME AS CHAR) \
         FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
    )
    .with(&session.base)
    .one(&mut session.connection)
    .await
    .map_err(Error::query("read the database's character set"))?;
    let sql = format!(
        "CREATE DATABASE IF NOT EXISTS {} CHARACTER SET {charset} COLLATE {collation}",
        quote::identifier(&session.schema)
    );
    session.ddl("create blue's schema", &sql).await
}

fn count(entries: &BTreeMap<String, Entry>) -> Isolated {
    let of = |wanted: fn(Shape) -> bool| entries.values().filter(|entry| wanted(entry.shape)).count();
    Isolated {
        views: of(|shape| shape == Shape::View),
        copies: of(Shape::is_copy),
        sequences: of(|shape| shape == Shape::Sequence),
    }
}
