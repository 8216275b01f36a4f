//! What blue's schema consists of: one table in it, so that a second run, `verify` and `rollback` know what was
//! there at isolation and cannot take a table that green added later for one that is missing.

use std::collections::BTreeMap;

use super::question::Question;
use super::{Error, OWN_PREFIX, Session, quote};

/// Name of the inventory in blue's schema.
pub(crate) const TABLE: &str = "__crossfade_inventory";

/// What stands in blue's schema for a table of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A view of the base's table.
    View,
    /// A copy that blue may write.
    Copy,
    /// A copy that blue may only read: metadata.
    ReadOnlyCopy,
    /// A sequence with a range of its own.
    Sequence,
}

impl Shape {
    fn text(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Copy => "copy",
            Self::ReadOnlyCopy => "read-only copy",
            Self::Sequence => "sequence",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::View, Self::Copy, Self::ReadOnlyCopy, Self::Sequence]
            .into_iter()
            .find(|shape| shape.text() == text)
    }

    /// Whether it is a real table with rows of its own.
    pub(crate) fn is_copy(self) -> bool {
        match self {
            Self::Copy | Self::ReadOnlyCopy => true,
            Self::View | Self::Sequence => false,
        }
    }
}

/// One line of the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What stands for the table.
    pub(crate) shape: Shape,
    /// Blue's columns in order; empty for sequences.
    pub(crate) columns: Vec<String>,
    /// Whether a copy has its rows; views and sequences need none.
    pub(crate) filled: bool,
}

/// How far the schema's release is; kept in the schema, so that it ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Blue may still use the tables: copies follow them, views follow their columns.
    Open,
    /// Blue is on the schema alone: its shape is final.
    Settled,
    /// The tables were given back to blue.
    RolledBack,
}

impl Stage {
    fn text(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::RolledBack => "rolled back",
        }
    }
}

/// The inventory's line that holds the stage: no table has an empty name.
const STAGE_LINE: &str = "";

/// The stage of the schema; `None` if there is no schema of ours.
pub(crate) async fn stage(session: &mut Session<'_>) -> Result<Option<Stage>, Error> {
    let there = super::inspect::objects(&mut session.connection, &session.schema).await?;
    if !there.contains_key(TABLE) {
        return Ok(None);
    }
    let sql = format!("SELECT shape FROM {} WHERE name = ''", quote::qualified(&session.schema, TABLE));
    let text: Option<(String,)> = Question::of(sql)
        .optional(&mut session.connection)
        .await
        .map_err(Error::query("read the schema's stage"))?;
    let stage = text.and_then(|(text,)| {
        [Stage::Open, Stage::Settled, Stage::RolledBack].into_iter().find(|stage| stage.text() == text)
    });
    Ok(Some(stage.unwrap_or(Stage::Open)))
}

/// Sets the stage; it only ever grows.
pub(crate) async fn set_stage(session: &mut Session<'_>, stage: Stage) -> Result<(), Error> {
    let sql = format!(
        "REPLACE INTO {} (name, shape, columns, filled) VALUES ({}, {}, '[]', 1)",
        quote::qualified(&session.schema, TABLE),
        quote::literal(STAGE_LINE),
        quote::literal(stage.text())
    );
    session.execute("set the schema's stage", sql).await.map(drop)
}

/// Creates the inventory if it is not there.
pub(crate) async fn create(session: &mut Session<'_>) -> Result<(), Error> {
    let table = quote::qualified(&session.schema, TABLE);
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {table} (name varchar(64) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, \
         shape varchar(20) NOT NULL, columns longtext NOT NULL, filled tinyint NOT NULL DEFAULT 0) \
         ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
    );
    session.ddl("create the inventory", &sql).await
}

/// The whole inventory; empty if there is none.
pub(crate) async fn read(session: &mut Session<'_>) -> Result<BTreeMap<String, Entry>, Error> {
    let there = super::inspect::objects(&mut session.connection, &session.schema).await?;
    if !there.contains_key(TABLE) {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT name, shape, columns, CAST(filled AS SIGNED) FROM {} WHERE name <> ''",
        quote::qualified(&session.schema, TABLE)
    );
    let rows: Vec<(String, String, String, i64)> =
        Question::of(sql).all(&mut session.connection).await.map_err(Error::query("read the inventory"))?;
    rows.into_iter()
        .map(|(name, shape, columns, filled)| {
            let broken = || Error::Incomplete(vec![format!("the inventory's line of {name} cannot be read")]);
            let shape = Shape::parse(&shape).ok_or_else(broken)?;
            let columns = serde_json::from_str(&columns).map_err(|_| broken())?;
            Ok((name, Entry { shape, columns, filled: filled == 1 }))
        })
        .collect()
}

/// Writes lines in one transaction, before the objects are made: what is named and not there is made again.
pub(crate) async fn write(session: &mut Session<'_>, entries: &[(&str, Entry)]) -> Result<(), Error> {
    session.check_lock().await?;
    for chunk in entries.chunks(100) {
        let lines: Vec<String> = chunk
            .iter()
            .map(|(name, entry)| {
                format!(
                    "({}, {}, {}, {})",
                    quote::literal(name),
                    quote::literal(entry.shape.text()),
                    quote::literal(&serde_json::Value::from(entry.columns.clone()).to_string()),
                    i32::from(entry.filled)
                )
            })
            .collect();
        let table = quote::qualified(&session.schema, TABLE);
        let sql = format!("REPLACE INTO {table} (name, shape, columns, filled) VALUES {}", lines.join(", "));
        session.execute("write the inventory", sql).await?;
    }
    Ok(())
}

/// Notes that a copy has its rows and its triggers.
pub(crate) async fn set_filled(session: &mut Session<'_>, name: &str) -> Result<(), Error> {
    let sql = format!(
        "UPDATE {} SET filled = 1 WHERE name = {}",
        quote::qualified(&session.schema, TABLE),
        quote::literal(name)
    );
    session.execute("note a finished copy", sql).await.map(drop)
}

/// Strikes out one line.
pub(crate) async fn remove(session: &mut Session<'_>, name: &str) -> Result<(), Error> {
    let sql = format!(
        "DELETE FROM {} WHERE name = {}",
        quote::qualified(&session.schema, TABLE),
        quote::literal(name)
    );
    session.execute(&format!("strike {name} out of the inventory"), sql).await.map(drop)
}

/// Whether a table is one of ours and not the site's.
pub(crate) fn is_own(name: &str) -> bool {
    name.starts_with(OWN_PREFIX)
}
