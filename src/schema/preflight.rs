//! What must hold before the first statement: rights, server settings, and features of the database that blue's
//! schema cannot stand for. All of it is found at once and said with what to do.

use std::collections::{BTreeMap, BTreeSet};

use super::inspect::{self, Kind};
use super::keyset::Key;
use super::question::Question;
use super::{Error, Session, account, doctor, inventory, rehearsal, rename, singles, unique};
use crate::plan::{Plan, Work};

/// Fails with a refusal that lists every obstacle.
pub(crate) async fn check(
    session: &mut Session<'_>,
    objects: &BTreeMap<String, Kind>,
    plan: &Plan,
) -> Result<(), Error> {
    let may_kill = session.settings.kill_after.is_some();
    let mut obstacles =
        doctor::obstacles(&mut session.connection, &session.base, &session.schema, may_kill).await?;
    if !obstacles.is_empty() {
        // Without the rights the other questions get wrong answers.
        return Err(Error::Refused(obstacles.join("; ")));
    }
    obstacles.extend(strangers(session).await?);
    obstacles.extend(routines(session).await?);
    let tables: Vec<&str> = plan
        .frozen
        .iter()
        .map(|frozen| frozen.table.as_str())
        .filter(|table| objects.get(*table) == Some(&Kind::Table))
        .collect();
    obstacles.extend(frozen_tables(session, &tables).await?);
    obstacles.extend(keyless(session, objects, plan).await?);
    obstacles.extend(full_text(session, plan).await?);
    obstacles.extend(rehearsal::run(session, &plan.expand).await?);
    // Once the expand has begun its steps have moved what would be asked.
    if matches!(inventory::stage(session).await?, None | Some(inventory::Stage::Open)) {
        obstacles.extend(unique::duplicates(session, &plan.expand).await?);
    }
    if obstacles.is_empty() { Ok(()) } else { Err(Error::Refused(obstacles.join("; "))) }
}

/// Tables whose rows are to be gone through by their key; one that gets its name in the release has it under another.
async fn keyless(
    session: &mut Session<'_>,
    objects: &BTreeMap<String, Kind>,
    plan: &Plan,
) -> Result<Vec<String>, Error> {
    let mut obstacles = Vec::new();
    let filled = plan.expand.iter().filter_map(|step| match &step.work {
        Work::Backfill { table, .. } => Some(table),
        Work::Statement | Work::BlueView { .. } | Work::RenameTable { .. } => None,
    });
    for table in filled.collect::<BTreeSet<_>>() {
        if objects.get(table) != Some(&Kind::Table) {
            continue;
        }
        match Key::of(&mut session.connection, &session.base, table).await {
            Err(Error::Refused(obstacle)) => obstacles.push(obstacle),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Ok(obstacles)
}

/// No column comes or goes in an instant where `InnoDB` has a FULLTEXT index (1845, measured on 10.11): the release
/// would stop half-way.
async fn full_text(session: &mut Session<'_>, plan: &Plan) -> Result<Vec<String>, Error> {
    let undo = plan.expand.iter().flat_map(|step| &step.undo).filter(|undo| !undo.optional);
    let steps = plan.expand.iter().chain(&plan.contract).map(|step| &step.sql);
    let altered: BTreeSet<String> = steps
        .chain(undo.map(|undo| &undo.sql))
        .filter(|sql| sql.contains(" COLUMN ") && sql.ends_with("ALGORITHM=INSTANT"))
        .filter_map(|sql| rehearsal::table_of(sql))
        .flat_map(|table| {
            rename::old_name(&plan.expand, &table).map(str::to_owned).into_iter().chain([table])
        })
        .collect();
    let indexes: Vec<(String, String)> = Question::fixed(
        "SELECT DISTINCT CAST(i.TABLE_NAME AS CHAR), CAST(i.INDEX_NAME AS CHAR) FROM information_schema.STATISTICS AS i \
         JOIN information_schema.TABLES AS t ON t.TABLE_SCHEMA = i.TABLE_SCHEMA AND t.TABLE_NAME = i.TABLE_NAME \
         WHERE i.TABLE_SCHEMA = ? AND i.INDEX_TYPE = 'FULLTEXT' AND t.ENGINE = 'InnoDB'",
    )
    .with(&session.base)
    .all(&mut session.connection)
    .await
    .map_err(Error::query("list the full-text indexes"))?;
    let in_the_way = indexes.into_iter().filter(|(table, _)| altered.contains(table));
    let sentence = |(table, index): (String, String)| {
        format!(
            "table {table} has the FULLTEXT index {index}, with which MariaDB adds and drops columns by a copy of the table alone: \
             drop the index before the release and build it again after it"
        )
    };
    Ok(in_the_way.map(sentence).collect())
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
    let rows: Vec<(String,)> = Question::fixed(
        "SELECT CAST(ROUTINE_NAME AS CHAR) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? LIMIT 5",
    )
    .with(&session.base)
    .all(&mut session.connection)
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
    let keys: Vec<(String, String, String)> = Question::fixed(
        "SELECT CAST(CONSTRAINT_NAME AS CHAR), CAST(TABLE_NAME AS CHAR), CAST(REFERENCED_TABLE_NAME AS CHAR) \
         FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ?",
    )
    .with(&session.base)
    .all(&mut session.connection)
    .await
    .map_err(Error::query("list the foreign keys"))?;
    for (key, table, referenced) in keys {
        if tables.contains(&table.as_str()) || tables.contains(&referenced.as_str()) {
            obstacles.push(format!(
                "foreign key {key} from {table} to {referenced} touches a table that is copied for blue: drop it"
            ));
        }
    }
    let generated: Vec<(String, String)> = Question::fixed(
        "SELECT CAST(TABLE_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR) FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = ? AND IS_GENERATED = 'ALWAYS'",
    )
    .with(&session.base)
    .all(&mut session.connection)
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
