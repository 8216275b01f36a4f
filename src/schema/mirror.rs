//! Triggers that keep a frozen table and its copy equal while some of blue is on the tables and some on the schema:
//! from the copy's first row until the schema is settled nothing of either side may get lost. A copy that blue may
//! write carries its changes back as well; so a release that is given up before it is settled needs no repair. After
//! that they carry over users' own documents alone, see [`super::shared_rows`].
//!
//! A trigger whose write fires the other side's trigger must be still there, see [`From::guarded`].

use std::collections::BTreeSet;

use super::{Error, OWN_PREFIX, Session, inspect, quote};

/// What a trigger fires on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// AFTER INSERT.
    Insert,
    /// AFTER UPDATE.
    Update,
    /// AFTER DELETE.
    Delete,
}

impl Event {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    /// The word of `CREATE TRIGGER`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// From which side a trigger carries over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// From the base's table to blue's copy.
    Base,
    /// From blue's copy to the base's table.
    Copy,
}

impl From {
    /// The database that a trigger writes to.
    pub(crate) fn target<'a>(self, session: &'a Session<'_>) -> &'a str {
        match self {
            Self::Base => &session.schema,
            Self::Copy => &session.base,
        }
    }

    /// The database whose writes fire it.
    fn source<'a>(self, session: &'a Session<'_>) -> &'a str {
        match self {
            Self::Base => &session.base,
            Self::Copy => &session.schema,
        }
    }

    /// A trigger or its table as the statement that makes the trigger names it. In the base without its database: a backup has
    /// the statement word for word, and may be loaded into another database.
    pub(crate) fn object(self, session: &Session<'_>, name: &str) -> String {
        match self {
            Self::Base => quote::identifier(name),
            Self::Copy => quote::qualified(&session.schema, name),
        }
    }

    /// A trigger's body that does nothing if the statement is the work of the other side's trigger: it would write to a
    /// table that the statement is using (1442). Nor does it in a database that a backup was loaded into: it would write to
    /// what is still the site's.
    ///
    /// The guard is the time of the statement: `NOW(6)` is the same in all triggers of one statement, so a value that a
    /// killed query leaves behind means nothing to the next one.
    pub(crate) fn guarded(self, session: &Session<'_>, body: &str) -> String {
        format!(
            "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SET @crossfade_guard = NULL; RESIGNAL; END; \
             IF DATABASE() = {} AND NOT (@crossfade_guard <=> CAST(NOW(6) AS CHAR)) THEN \
             SET @crossfade_guard = CAST(NOW(6) AS CHAR); {body} SET @crossfade_guard = NULL; END IF; END",
            quote::literal(self.source(session))
        )
    }
}

/// Makes the three triggers of one table in one direction: all rows are carried over.
pub(crate) async fn create(
    session: &mut Session<'_>,
    table: &str,
    direction: From,
    key: &[String],
    columns: &[String],
) -> Result<(), Error> {
    let target = quote::qualified(direction.target(session), table);
    let same_key: Vec<String> =
        key.iter().map(|name| format!("{0} = OLD.{0}", quote::identifier(name))).collect();
    let moved: Vec<String> =
        key.iter().map(|name| format!("NOT (OLD.{0} <=> NEW.{0})", quote::identifier(name))).collect();
    let remove = format!("DELETE FROM {target} WHERE {};", same_key.join(" AND "));
    let put = format!(
        "REPLACE INTO {target} ({}) VALUES ({});",
        quote::columns(columns, ""),
        quote::columns(columns, "NEW.")
    );
    create_with(session, table, direction, |event| match event {
        Event::Insert => put.clone(),
        Event::Update => format!("IF {} THEN {remove} END IF; {put}", moved.join(" OR ")),
        Event::Delete => remove.clone(),
    })
    .await
}

/// The same with bodies of the caller's, in place of those that are there.
pub(crate) async fn create_with(
    session: &mut Session<'_>,
    table: &str,
    direction: From,
    body: impl Fn(Event) -> String,
) -> Result<(), Error> {
    let statements = Event::ALL.map(|event| {
        format!(
            "CREATE OR REPLACE TRIGGER {} AFTER {} ON {} FOR EACH ROW {}",
            direction.object(session, &name(table, event)),
            event.word(),
            direction.object(session, table),
            direction.guarded(session, &body(event))
        )
    });
    session.ddl_all(&format!("mirror {table}"), &statements).await
}

/// Statements that drop the base's triggers of one table; those of the copy go with it.
pub(crate) fn drop_statements(base: &str, table: &str) -> Vec<String> {
    let drop = |event| format!("DROP TRIGGER IF EXISTS {}", quote::qualified(base, &name(table, event)));
    Event::ALL.map(drop).to_vec()
}

/// Drops every trigger of ours, in both databases.
pub(crate) async fn drop_all(session: &mut Session<'_>) -> Result<usize, Error> {
    drop_triggers(session, OWN_PREFIX, &BTreeSet::new()).await
}

/// Drops the mirrors of all tables but these, in both databases.
pub(crate) async fn drop_but(session: &mut Session<'_>, tables: &BTreeSet<String>) -> Result<usize, Error> {
    let kept = tables.iter().flat_map(|table| names(table)).collect();
    drop_triggers(session, &format!("{OWN_PREFIX}_mirror"), &kept).await
}

async fn drop_triggers(
    session: &mut Session<'_>,
    prefix: &str,
    kept: &BTreeSet<String>,
) -> Result<usize, Error> {
    let mut dropped = 0;
    for database in [session.base.clone(), session.schema.clone()] {
        for (trigger, _) in inspect::triggers(&mut session.connection, &database).await? {
            if trigger.starts_with(prefix) && !kept.contains(&trigger) {
                let sql = format!("DROP TRIGGER IF EXISTS {}", quote::qualified(&database, &trigger));
                session.ddl(&format!("drop trigger {trigger}"), &sql).await?;
                dropped += 1;
            }
        }
    }
    Ok(dropped)
}

/// Names of a table's three triggers, the same on both sides.
pub(crate) fn names(table: &str) -> [String; 3] {
    Event::ALL.map(|event| name(table, event))
}

fn name(table: &str, event: Event) -> String {
    format!("{OWN_PREFIX}_mirror_{}_{}", event.word().to_lowercase(), quote::short_hash(&[table]))
}
