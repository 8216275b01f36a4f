//! Sequences of autoincrement DocTypes. A view cannot stand for a sequence, so blue gets its own, in a block that is
//! taken out of the base's: the base goes on behind the block. The two can then never give the same name, whoever
//! goes on with the base's sequence afterwards (green after contract, blue after a rollback): nothing is to be set
//! back, and the next release takes its block further on. Odd and even numbers would need the base's sequence to be
//! altered twice and would leave it altered after a kill.

use sqlx::MySqlConnection;

use super::question::Question;
use super::{Error, Session, connection, quote};

/// How many names blue may give in one release.
const BLOCK: i64 = 10_000_000;
/// Room between what the base has given and the block: it goes on counting while the block is taken.
const GAP: i64 = 1_000_000;

/// `ER_KEY_NOT_FOUND`: there is no row.
const NO_ROW: u16 = 1032;

struct Counter {
    next: i64,
    maximum: i64,
    increment: i64,
    cache: i64,
    cycle: i64,
}

/// Makes blue's sequence and moves the base's behind it; both may have been done before.
pub(crate) async fn reserve(session: &mut Session<'_>, name: &str, is_there: bool) -> Result<(), Error> {
    let base = quote::qualified(&session.base, name);
    let schema = session.schema.clone();
    if !is_there || drop_half_made(session, &schema, name).await? {
        let counter = read(session, &base, name).await?;
        if counter.increment < 1 || counter.cycle != 0 {
            return Err(Error::Refused(format!(
                "sequence {name} counts down or in a cycle: blue cannot get a range of its own; alter it first"
            )));
        }
        let step = counter.increment;
        let block = BLOCK.saturating_mul(step);
        let start = counter.next.saturating_add(GAP.saturating_mul(step));
        let end = start.saturating_add(block);
        if end.saturating_add(block) > counter.maximum {
            return Err(Error::Refused(format!(
                "sequence {name} is at {} of {}: no block of {BLOCK} is left for blue; raise its MAXVALUE",
                counter.next, counter.maximum
            )));
        }
        let cache = if counter.cache > 0 { format!("CACHE {}", counter.cache) } else { "NOCACHE".to_owned() };
        let sql = format!(
            "CREATE SEQUENCE IF NOT EXISTS {} START WITH {start} MINVALUE {start} MAXVALUE {end} \
             INCREMENT BY {step} {cache} NOCYCLE ENGINE=InnoDB",
            quote::qualified(&session.schema, name)
        );
        session.ddl(&format!("create blue's sequence {name}"), &sql).await?;
    }
    let blue = quote::qualified(&session.schema, name);
    let end = read(session, &blue, name).await?.maximum;
    // SETVAL never goes back: to say it twice does no harm.
    session
        .execute(&format!("move {name} behind blue's block"), format!("SELECT SETVAL({base}, {end})"))
        .await?;
    Ok(())
}

/// Whether a sequence that is there has its row: MariaDB writes that when it has made the table, and a server that is killed
/// between the two leaves one of which nobody can take a number.
pub(crate) async fn is_whole(
    connection: &mut MySqlConnection,
    database: &str,
    name: &str,
) -> Result<bool, Error> {
    let sql =
        format!("SELECT CAST(next_not_cached_value AS SIGNED) FROM {}", quote::qualified(database, name));
    match Question::of(sql).scalar::<i64>(connection).await {
        Ok(_) => Ok(true),
        Err(error) if connection::error_number(&error) == NO_ROW => Ok(false),
        Err(error) => Err(Error::query(format!("read sequence {name}"))(error)),
    }
}

/// Drops a sequence, which is there, if it is not whole; gives whether it was.
pub(crate) async fn drop_half_made(
    session: &mut Session<'_>,
    database: &str,
    name: &str,
) -> Result<bool, Error> {
    if is_whole(&mut session.connection, database, name).await? {
        return Ok(false);
    }
    let sql = format!("DROP SEQUENCE IF EXISTS {}", quote::qualified(database, name));
    session
        .ddl(&format!("drop sequence {name}, which a crash of the server left without its row"), &sql)
        .await?;
    Ok(true)
}

async fn read(session: &mut Session<'_>, quoted: &str, name: &str) -> Result<Counter, Error> {
    let sql = format!(
        "SELECT next_not_cached_value AS next, maximum_value AS maximum, increment, \
         CAST(cache_size AS SIGNED) AS cache, CAST(cycle_option AS SIGNED) AS cycle FROM {quoted}"
    );
    let (next, maximum, increment, cache, cycle): (i64, i64, i64, i64, i64) = Question::of(sql)
        .one(&mut session.connection)
        .await
        .map_err(Error::query(format!("read sequence {name}")))?;
    Ok(Counter { next, maximum, increment, cache, cycle })
}
