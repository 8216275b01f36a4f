//! Fills a column in the rows that are there: small ranges of the primary key, and never a wait for a row.
//!
//! A transaction that waits for a row while it holds others is half of a deadlock of which a user would be the other
//! half. So a range of which some row is taken is left and cut into halves; a single row that is taken is done later.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::Rng;

use super::connection::{self, error_number};
use super::{Error, Session, quote};

/// A lock that is taken, a deadlock, a row that changed since the snapshot (11.x): over when tried again.
const RETRIED: [u16; 3] = [1205, 1213, 1020];
/// How long a range should take: others who want its rows wait as long.
const GOAL: Duration = Duration::from_millis(50);
/// The commit alone costs as much as some hundred rows: smaller ranges take as long, and never come to an end beside
/// those who add rows.
const SMALLEST: u64 = 200;
const LARGEST: u64 = 2_000;
/// Between two ranges others have the server to themselves.
const PAUSE: Duration = Duration::from_millis(5);

/// How often a long fill says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// What is filled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill<'a> {
    /// Table name.
    pub(crate) table: &'a str,
    /// Column that is filled.
    pub(crate) column: &'a str,
    /// What it gets.
    pub(crate) value: &'a str,
    /// Which rows need it.
    pub(crate) condition: &'a str,
}

/// Keys after `after` up to `to`; from the beginning, to the end.
#[derive(Debug, Clone)]
struct Range {
    after: Option<String>,
    to: Option<String>,
}

/// Fills all rows; each keeps to the budget for a row that is taken again and again.
pub(crate) async fn run(session: &mut Session<'_>, fill: &Fill<'_>) -> Result<(), Error> {
    session.check_lock().await?;
    let mut size = SMALLEST;
    let (mut done, mut after) = (0, None);
    let mut taken = VecDeque::new();
    let mut said = Instant::now();
    loop {
        let to = bound(session, fill.table, after.as_deref(), size).await?;
        let range = Range { after, to: to.clone() };
        done += size;
        let begun = Instant::now();
        if update(session, fill, &range).await? {
            size = if begun.elapsed() < GOAL { size * 2 } else { size / 2 }.clamp(SMALLEST, LARGEST);
        } else {
            taken.push_back(range);
        }
        if said.elapsed() > SAY_EVERY {
            said = Instant::now();
            let message = format!("{done} rows of {} looked at for {}", fill.table, fill.column);
            session.progress.report("backfill", done, done, &message);
        }
        tokio::time::sleep(PAUSE).await;
        if to.is_none() {
            break;
        }
        after = to;
    }
    sweep(session, fill, taken).await
}

/// What was taken at first, in ever smaller parts.
async fn sweep(session: &mut Session<'_>, fill: &Fill<'_>, mut taken: VecDeque<Range>) -> Result<(), Error> {
    let begun = Instant::now();
    let mut tries = 0;
    while let Some(range) = taken.pop_front() {
        tries += 1;
        if update(session, fill, &range).await? {
            continue;
        }
        if begun.elapsed() > session.settings.ddl_budget {
            return Err(Error::Busy {
                act: format!("fill {} of {}", fill.column, fill.table),
                seconds: begun.elapsed().as_secs(),
                tries,
                blockers: "rows of it are locked by open transactions".to_owned(),
            });
        }
        match middle(session, fill.table, &range).await? {
            Some(middle) => {
                taken.push_back(Range { to: Some(middle.clone()), ..range.clone() });
                taken.push_back(Range { after: Some(middle), ..range });
            }
            None => taken.push_back(range),
        }
        let pause = rand::rng().random_range(5..=40);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Ok(())
}

/// One range in one transaction; false if a row of it is taken.
async fn update(session: &mut Session<'_>, fill: &Fill<'_>, range: &Range) -> Result<bool, Error> {
    let sql = format!(
        "SET STATEMENT innodb_lock_wait_timeout = 0, sql_mode = 'NO_ZERO_DATE,NO_ZERO_IN_DATE' FOR \
         UPDATE {} SET {} = {} WHERE {} AND {}",
        quote::qualified(&session.base, fill.table),
        quote::identifier(fill.column),
        fill.value,
        within(range),
        fill.condition,
    );
    match connection::run(&mut session.connection, sql).await {
        Ok(_) => Ok(true),
        Err(error) if RETRIED.contains(&error_number(&error)) => Ok(false),
        Err(error) => Err(Error::query(format!("fill {} of {}", fill.column, fill.table))(error)),
    }
}

fn within(range: &Range) -> String {
    let part = |sign: &str, key: &Option<String>| {
        key.as_ref().map_or("1".to_owned(), |key| format!("`name` {sign} {}", quote::literal(key)))
    };
    format!("{} AND {}", part(">", &range.after), part("<=", &range.to))
}

/// The key so many rows further on; none if there are fewer left.
async fn bound(
    session: &mut Session<'_>,
    table: &str,
    after: Option<&str>,
    rows: u64,
) -> Result<Option<String>, Error> {
    let range = Range { after: after.map(str::to_owned), to: None };
    key_at(session, table, &range, rows).await
}

async fn key_at(
    session: &mut Session<'_>,
    table: &str,
    range: &Range,
    offset: u64,
) -> Result<Option<String>, Error> {
    let sql = format!(
        "SELECT CAST(`name` AS CHAR) FROM {} WHERE {} ORDER BY `name` LIMIT 1 OFFSET {offset}",
        quote::qualified(&session.base, table),
        within(range),
    );
    sqlx::query_scalar(connection::safe(sql))
        .fetch_optional(&mut session.connection)
        .await
        .map_err(Error::query(format!("read the keys of {table}")))
}

/// A key that parts a range into two that are not empty; none for a single row.
async fn middle(session: &mut Session<'_>, table: &str, range: &Range) -> Result<Option<String>, Error> {
    let sql =
        format!("SELECT COUNT(*) FROM {} WHERE {}", quote::qualified(&session.base, table), within(range));
    let rows: i64 = sqlx::query_scalar(connection::safe(sql))
        .fetch_one(&mut session.connection)
        .await
        .map_err(Error::query(format!("count rows of {table}")))?;
    match u64::try_from(rows / 2) {
        Ok(half) if half > 0 => key_at(session, table, range, half - 1).await,
        Ok(_) | Err(_) => Ok(None),
    }
}
