//! What MariaDB would refuse in the middle is found before anything is changed: every statement of a plan that makes
//! or alters a table is tried on an empty copy of it, a temporary one where there can be one.
//!
//! So a table whose rows become too long (8126 bytes in a page of `InnoDB`, 65535 altogether), too many indexes or
//! columns, an index that is too long, a default that does not fit its type are refusals and not half-done releases.

use std::collections::BTreeMap;

use super::inspect::{self, Kind};
use super::{Error, OWN_PREFIX, Session, connection, quote, step};
use crate::plan::{Step, Work};

/// What would be refused, with the table and what to do.
pub(crate) async fn run(session: &mut Session<'_>, steps: &[Step]) -> Result<Vec<String>, Error> {
    let there = inspect::objects(&mut session.connection, &session.base).await?;
    let mut tables: BTreeMap<String, Vec<&Step>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.work == Work::Statement) {
        if let Some(table) = table_of(&step.sql)
            && !step::is_done(session, step).await?
        {
            tables.entry(table).or_default().push(step);
        }
    }
    let copy = copy(session);
    let mut refused = Vec::new();
    for (table, steps) in &tables {
        let mut drop = format!("DROP TEMPORARY TABLE IF EXISTS {copy}");
        if there.get(table) == Some(&Kind::Table) {
            let like = format!("TABLE {copy} LIKE {}", quote::qualified(&session.base, table));
            let made = connection::run(&mut session.connection, format!("CREATE TEMPORARY {like}")).await;
            if made.is_err() {
                // With a FULLTEXT index or compressed rows there is no temporary one: a real one, which is no less empty.
                drop = format!("DROP TABLE IF EXISTS {copy}");
                let act = format!("make an empty copy of {table}");
                session.ddl_all(&act, &[drop.clone(), format!("CREATE {like}")]).await?;
            }
        } else if !steps.iter().any(|step| step.sql.starts_with("CREATE TABLE ")) {
            // It comes to be by another step, such as a rename.
            continue;
        }
        for step in steps {
            let Some(sql) = on_copy(&step.sql, table, &copy) else { continue };
            if let Err(error) = connection::run(&mut session.connection, sql).await {
                refused.push(sentence(table, &step.title, &error));
                break;
            }
        }
        session.execute("drop an empty copy", drop).await?;
    }
    Ok(refused)
}

/// The empty copy on which statements are tried.
pub(super) fn copy(session: &Session<'_>) -> String {
    quote::qualified(&session.base, &name())
}

/// Drops the copy that a run which was killed has left.
pub(super) async fn sweep(session: &mut Session<'_>) -> Result<(), Error> {
    if inspect::kind_of(&mut session.connection, &session.base, &name()).await?.is_none() {
        return Ok(());
    }
    let sql = format!("DROP TABLE IF EXISTS {}", copy(session));
    session.ddl("drop an empty copy", &sql).await
}

fn name() -> String {
    format!("{OWN_PREFIX}_try")
}

/// The table that a statement makes or alters.
pub(super) fn table_of(sql: &str) -> Option<String> {
    let rest = sql.strip_prefix("ALTER TABLE `").or_else(|| sql.strip_prefix("CREATE TABLE `"))?;
    let mut name = String::new();
    let mut characters = rest.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '`' {
            name.push(character);
        } else if characters.next_if_eq(&'`').is_some() {
            name.push('`');
        } else {
            return Some(name);
        }
    }
    None
}

/// The same statement on the copy; how it is done does not matter on an empty table.
fn on_copy(sql: &str, table: &str, copy: &str) -> Option<String> {
    let quoted = quote::identifier(table);
    if let Some(rest) = sql.strip_prefix(&format!("CREATE TABLE {quoted}")) {
        return Some(format!("CREATE TEMPORARY TABLE {copy}{rest}"));
    }
    let rest = sql.strip_prefix(&format!("ALTER TABLE {quoted}"))?;
    let what = rest.rsplit_once(", ALGORITHM=").map_or(rest, |(what, _)| what);
    Some(format!("ALTER TABLE {copy}{what}"))
}

fn sentence(table: &str, title: &str, error: &sqlx::Error) -> String {
    let said =
        error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
    let help = match connection::error_number(error) {
        1117 | 1118 => {
            "; during a release both versions' columns are in the table: remove fields that nobody needs, or make long \
             Data fields Small Text (those take 40 bytes of a page each), and release that first"
        }
        1060 | 1061 => {
            "; it is there in part, from a release that was taken back: make a new plan for the live site"
        }
        1069 => "; drop indexes that nobody needs, and release that first",
        _ => "",
    };
    format!("table {table} cannot take it: {title}: {said}{help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_moved_to_the_copy_with_nothing_else_changed() {
        let sql =
            "ALTER TABLE `tab``x` ADD COLUMN `a` varchar(5) DEFAULT ', ALGORITHM=COPY', ALGORITHM=INSTANT";
        assert_eq!(table_of(sql).as_deref(), Some("tab`x"));
        assert_eq!(
            on_copy(sql, "tab`x", "`d`.`c`").as_deref(),
            Some("ALTER TABLE `d`.`c` ADD COLUMN `a` varchar(5) DEFAULT ', ALGORITHM=COPY'")
        );
        assert_eq!(
            on_copy("CREATE TABLE `t` (a int)", "t", "`d`.`c`").as_deref(),
            Some("CREATE TEMPORARY TABLE `d`.`c` (a int)")
        );
        assert_eq!(table_of("CREATE TRIGGER `t` BEFORE"), None);
    }
}
