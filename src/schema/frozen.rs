//! Blue's copies of the tables whose rows green's migrate rewrites.

use std::time::Instant;

use rand::Rng;

use super::connection::{error_number, run};
use super::inventory::{self, Entry, Shape};
use super::mirror::From;
use super::{Error, Session, inspect, mirror, quote};

/// A lock that is taken, a deadlock, a row that changed since the snapshot (11.x): over when tried again.
const RETRIED: [u16; 3] = [1205, 1213, 1020];

/// Makes what the mirror of one table needs: see [`copy`].
pub(crate) async fn prepare(session: &mut Session<'_>, table: &str) -> Result<(), Error> {
    structure(session, table, mirror::drop_statements(&session.base, table)).await
}

/// Completes blue's copy of one table: the mirror, then the rows, so that none is missed. The empty copy has been there for
/// longer than every transaction that is open ([`super::older`]).
pub(crate) async fn copy(session: &mut Session<'_>, table: &str, entry: &Entry) -> Result<(), Error> {
    let key = inspect::primary_key(&mut session.connection, &session.base, table).await?;
    mirror::create(session, table, From::Base, &key, &entry.columns).await?;
    fill(session, table, &entry.columns).await?;
    // The copy's own triggers come last: filling deletes and inserts in the copy, and the base must not follow.
    if entry.shape == Shape::Copy {
        mirror::create(session, table, From::Copy, &key, &entry.columns).await?;
    }
    inventory::set_filled(session, table).await
}

/// An empty table like the base's in blue's schema. A half-made copy may have an old structure; its mirror
/// (`first`) must go before it, or writes to the base would fail.
pub(crate) async fn structure(
    session: &mut Session<'_>,
    table: &str,
    first: Vec<String>,
) -> Result<(), Error> {
    let (copy, base) = (quote::qualified(&session.schema, table), quote::qualified(&session.base, table));
    let mut statements = first;
    statements.push(format!("DROP TABLE IF EXISTS {copy}"));
    statements.push(format!("CREATE TABLE {copy} LIKE {base}"));
    session.ddl_all(&format!("create the copy of {table}"), &statements).await
}

/// Copies all rows in one transaction, under a shared lock of the base's rows.
pub(crate) async fn fill(session: &mut Session<'_>, table: &str, columns: &[String]) -> Result<(), Error> {
    let (copy, base) = (quote::qualified(&session.schema, table), quote::qualified(&session.base, table));
    let columns = quote::columns(columns, "");
    let statements = [
        "START TRANSACTION".to_owned(),
        format!("DELETE FROM {copy}"),
        format!("INSERT INTO {copy} ({columns}) SELECT {columns} FROM {base} LOCK IN SHARE MODE"),
        "COMMIT".to_owned(),
    ];
    session.check_lock().await?;
    session.execute("prepare the copy", "SET SESSION check_constraint_checks = 0".to_owned()).await?;
    let filled = repeat(session, table, &statements).await;
    session.execute("end the copy", "SET SESSION check_constraint_checks = DEFAULT".to_owned()).await?;
    filled
}

/// Statements that add pairs of words to a list in blue's schema; those that it has stay.
pub(crate) fn add_pairs<'a>(list: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let rows: Vec<String> =
        pairs.map(|(one, other)| format!("({}, {})", quote::literal(one), quote::literal(other))).collect();
    rows.chunks(200).map(|rows| format!("INSERT IGNORE INTO {list} VALUES {}", rows.join(", "))).collect()
}

/// Runs a transaction until no lock is in its way.
///
/// The locks are tried and never waited for: whoever writes to the one side writes to the other by a trigger, and reads the
/// lists that triggers ask. Two who wait for each other are a deadlock of which a client would be the victim; and who waited
/// for one user while it holds rows would make all others wait.
pub(crate) async fn repeat(
    session: &mut Session<'_>,
    table: &str,
    statements: &[String],
) -> Result<(), Error> {
    let never_wait =
        "SET @crossfade_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = 0";
    session.execute("never wait for a row", never_wait.to_owned()).await?;
    let done = until_free(session, table, statements).await;
    let usual = "SET SESSION innodb_lock_wait_timeout = @crossfade_wait";
    session.execute("wait for rows as before", usual.to_owned()).await?;
    done
}

async fn until_free(session: &mut Session<'_>, table: &str, statements: &[String]) -> Result<(), Error> {
    let begun = Instant::now();
    let mut tries = 0;
    loop {
        tries += 1;
        let Err(error) = run(&mut session.connection, statements.join(";\n")).await else { return Ok(()) };
        session.execute("roll a copy back", "ROLLBACK".to_owned()).await?;
        if !RETRIED.contains(&error_number(&error)) {
            return Err(Error::query(format!("copy the rows of {table}"))(error));
        }
        let spent = begun.elapsed();
        if spent >= session.settings.ddl_budget {
            let blockers = "rows of it are locked by open transactions".to_owned();
            return Err(Error::Busy {
                act: format!("copy {table}"),
                seconds: spent.as_secs(),
                tries,
                blockers,
            });
        }
        let pause = rand::rng().random_range(20..=200);
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
    }
}
