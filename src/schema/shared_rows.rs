//! Users' own documents in tables of which each version has a copy: a report, a workspace or a print format that somebody
//! makes in one colour is there in the other too, and stays when the release is over or taken back. The apps' documents
//! are apart: green's migrate has imported its own, and blue must not read them.

use std::collections::BTreeSet;

use super::inventory::{self, Shape};
use super::mirror::{self, Event, From};
use super::{Error, Session, frozen, inspect, older, quote};
use crate::plan::{FrozenTable, SharedRows};

/// Which documents each version has for itself, by the table; in blue's schema.
const SCOPE: &str = "__crossfade_apart";
/// Set by the entry in the connections of green's migrate: what it writes is green's alone.
const MIGRATE: &str = "@crossfade_migrate";

/// From here on the triggers of these tables carry over users' documents alone. Gives the tables.
///
/// A trigger takes the place of the one that carried over all rows, so nothing that is written meanwhile is missed.
pub(crate) async fn narrow(
    session: &mut Session<'_>,
    frozen: &[FrozenTable],
) -> Result<BTreeSet<String>, Error> {
    let entries = inventory::read(session).await?;
    let shared: Vec<(&str, &SharedRows, &Vec<String>)> = frozen
        .iter()
        .filter_map(|table| {
            let entry = entries.get(&table.table).filter(|entry| entry.shape == Shape::Copy)?;
            Some((table.table.as_str(), table.shared.as_ref()?, &entry.columns))
        })
        .collect();
    if shared.is_empty() {
        return Ok(BTreeSet::new());
    }
    note_apart(session, &shared).await?;
    let scope = quote::qualified(&session.schema, SCOPE);
    for (table, rows, columns) in &shared {
        let key = inspect::primary_key(&mut session.connection, &session.base, table).await?;
        for direction in [From::Base, From::Copy] {
            let target = quote::qualified(direction.target(session), table);
            let row = Row { table, named_by: &rows.named_by, key: &key, columns, scope: &scope };
            mirror::create_with(session, table, direction, |event| {
                let body = row.body(event, &target);
                match direction {
                    From::Base => format!("IF NOT ({MIGRATE} <=> 1) THEN {body} END IF;"),
                    From::Copy => body,
                }
            })
            .await?;
        }
    }
    Ok(shared.into_iter().map(|(table, ..)| table.to_owned()).collect())
}

/// Writes down whose rows are not carried over, before a trigger asks for it.
async fn note_apart(
    session: &mut Session<'_>,
    shared: &[(&str, &SharedRows, &Vec<String>)],
) -> Result<(), Error> {
    let scope = quote::qualified(&session.schema, SCOPE);
    // As names of documents are compared: "Home" and "home" are one.
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {scope} (of_table varchar(64) NOT NULL, document varchar(255) NOT NULL, \
         PRIMARY KEY (of_table, document)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 \
         COLLATE=utf8mb4_unicode_ci"
    );
    session.ddl("create the list of the apps' documents", &sql).await?;
    let mut statements = vec!["START TRANSACTION".to_owned()];
    for (table, rows, _) in shared {
        // No row can have a longer name than its column holds.
        let names = rows.except.iter().filter(|name| name.chars().count() <= 255);
        statements.extend(frozen::add_pairs(&scope, names.map(|name| (*table, name.as_str()))));
    }
    statements.push("COMMIT".to_owned());
    session.check_lock().await?;
    frozen::repeat(session, SCOPE, &statements).await?;
    older::outlast(session, "the list of the apps' documents").await
}

/// A row of one table, as its triggers see it.
struct Row<'a> {
    table: &'a str,
    named_by: &'a str,
    key: &'a [String],
    columns: &'a [String],
    scope: &'a str,
}

impl Row<'_> {
    /// What one row's change does to the other side, which may have more columns: green's have come on the way.
    fn body(&self, event: Event, target: &str) -> String {
        let same: Vec<String> =
            self.key.iter().map(|name| format!("{0} = OLD.{0}", quote::identifier(name))).collect();
        let moved: Vec<String> = self
            .key
            .iter()
            .map(|name| format!("NOT (OLD.{0} <=> NEW.{0})", quote::identifier(name)))
            .collect();
        let set: Vec<String> =
            self.columns.iter().map(|name| format!("{0} = VALUES({0})", quote::identifier(name))).collect();
        let remove = |also: &str| {
            let is_users = self.is_users("OLD");
            format!("IF {is_users}{also} THEN DELETE FROM {target} WHERE {}; END IF;", same.join(" AND "))
        };
        let put = format!(
            "IF {} THEN INSERT INTO {target} ({}) VALUES ({}) ON DUPLICATE KEY UPDATE {}; END IF;",
            self.is_users("NEW"),
            quote::columns(self.columns, ""),
            quote::columns(self.columns, "NEW."),
            set.join(", ")
        );
        match event {
            Event::Insert => put,
            // Also if it is the apps' now: a child row that went to another document.
            Event::Update => {
                let gone = format!(" AND ({} OR NOT {})", moved.join(" OR "), self.is_users("NEW"));
                format!("{} {put}", remove(&gone))
            }
            Event::Delete => remove(""),
        }
    }

    /// Whether the document is none of the apps'; a row without a name is nobody's.
    fn is_users(&self, side: &str) -> String {
        let name = format!("{side}.{}", quote::identifier(self.named_by));
        format!(
            "({name} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {} AS apart WHERE apart.of_table = {} \
             AND apart.document = {}))",
            self.scope,
            quote::literal(self.table),
            quote::comparable(&name),
        )
    }
}
