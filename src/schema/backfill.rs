//! Fills columns in the rows that are there: small ranges of the primary key, and never a wait for a row.
//!
//! A transaction that waits for a row while it holds others is half of a deadlock of which a user would be the other
//! half. So a range is one UPDATE that fails at once if a row of it is taken; then its free rows are taken by
//! `SKIP LOCKED` and filled, and those that are left are done later. Two traps, both measured: with the session's own
//! `innodb_lock_wait_timeout` at 0 a SKIP LOCKED that really skips fails with 1180, so only the UPDATE has it; and
//! SKIP LOCKED with LIMIT misses rows without a word, so a range is bounded by keys that were read before.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures::StreamExt;
use sqlx::{Either, MySqlConnection};

use super::connection::{self, error_number};
use super::keyset::{Key, Range};
use super::meter::Meter;
use super::patience::Patience;
use super::question::Question;
use super::throttle::Watch;
use super::{Error, Session, inspect};
use crate::plan::{Assignment, CAST_MODE};

/// A lock that is taken, a deadlock, a row that changed since the snapshot (11.x): over when tried again.
const RETRIED: [u16; 3] = [1205, 1213, 1020];
/// How long a range may take: others who want its rows wait as long. On a disk whose commit takes some milliseconds less
/// would make the commits the larger part of the work.
const GOAL: Duration = Duration::from_millis(40);
/// Rows of a range beside users. The commit alone costs as much as some hundred rows: smaller ranges would never come to an
/// end beside those who add rows. Larger ones are held longer.
const ROWS: (u64, u64) = (200, 1000);
/// Rows of a range at full speed: fewer cost more commits, more were slower again.
const ROWS_AT_FULL_SPEED: u64 = 500;
/// Ranges that are sent in one go at full speed: on a busy machine each answer that is waited for costs more than rows.
const AT_ONCE: usize = 8;
/// So many rows tell at first whether few or many need it.
const SAMPLE: u64 = 1000;
/// Rows that are read in one go where few need it, rows of them that are filled in one transaction, and so many are not
/// few any more.
const LOOKED_AT: u64 = 5000;
const FEW: usize = 200;
const MANY: usize = 500;
/// What each connection that fills is told. Without gap locks nobody who adds a row meets a range that is being filled. A
/// metadata lock is not waited for longer than it takes to say so.
const BEFORE: &str =
    "SET SESSION lock_wait_timeout = 1; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// What is filled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill<'a> {
    /// Table name.
    pub(crate) table: &'a str,
    /// Columns that are filled, with what they get.
    pub(crate) columns: &'a [Assignment],
    /// Which rows need it.
    pub(crate) condition: &'a str,
}

impl std::fmt::Display for Fill<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "fill {} of {}", Assignment::names(self.columns), self.table)
    }
}

/// Fills all rows that are there now: those that come later are filled by the triggers.
pub(crate) async fn run(session: &mut Session<'_>, fill: &Fill<'_>) -> Result<(), Error> {
    session.check_lock().await?;
    let after = "SET SESSION lock_wait_timeout = 30; SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
    session.execute("prepare a backfill", BEFORE.to_owned()).await?;
    let done = Filling::start(session, fill).await?.run(session).await;
    session.execute("end a backfill", after.to_owned()).await?;
    done
}

/// A fill at work.
struct Filling<'f> {
    fill: &'f Fill<'f>,
    key: Key,
    watch: Watch,
    size: u64,
    /// Ranges with rows that were taken.
    left: VecDeque<Range>,
    meter: Meter,
    patience: Patience,
    /// Fills half of the ranges at full speed.
    second: Option<MySqlConnection>,
}

impl<'f> Filling<'f> {
    async fn start(session: &mut Session<'_>, fill: &'f Fill<'f>) -> Result<Self, Error> {
        let key = Key::of(&mut session.connection, &session.base, fill.table).await?;
        let rows = inspect::row_estimate(&mut session.connection, [&session.base, fill.table]).await?;
        let watch = Watch::start(session).await?;
        let size = if watch.is_full_speed() { ROWS_AT_FULL_SPEED } else { ROWS.0 };
        let second = if watch.takes_two() {
            let mut second = session.database.connect().await?;
            connection::run(&mut second, BEFORE.to_owned())
                .await
                .map_err(Error::query("prepare a backfill"))?;
            Some(second)
        } else {
            None
        };
        let (left, patience) = (VecDeque::new(), Patience::default());
        Ok(Self { fill, key, watch, size, left, meter: Meter::start(fill, rows), patience, second })
    }

    async fn run(mut self, session: &mut Session<'_>) -> Result<(), Error> {
        let Some(last) = self.last(session).await? else { return Ok(()) };
        let mut reader = session.database.connect().await?;
        let all = Range { after: None, to: Some(last) };
        let rest = if self.few_need_it(session, &mut reader).await? {
            self.fill_few(session, &mut reader, all).await?
        } else {
            Some(all)
        };
        if let Some(rest) = rest {
            self.fill_all(session, &mut reader, rest).await?;
        }
        self.sweep(session).await?;
        self.meter.end(session.progress);
        Ok(())
    }

    /// Whether few of the rows that come first need it: a fill that was killed, or whose rows another one has filled.
    async fn few_need_it(
        &mut self,
        session: &mut Session<'_>,
        reader: &mut MySqlConnection,
    ) -> Result<bool, Error> {
        let sql = format!(
            "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT COUNT(*), CAST(COALESCE(SUM(needed), 0) AS SIGNED) FROM \
             (SELECT ({}) AS needed FROM {} ORDER BY {} LIMIT {SAMPLE}) AS sample",
            self.fill.condition,
            self.key.table(),
            self.key.column(),
        );
        loop {
            let found: Result<(i64, i64), sqlx::Error> = Question::of(sql.clone()).one(&mut *reader).await;
            match found {
                Ok((rows, needed)) => return Ok(needed.saturating_mul(10) < rows),
                Err(error) => {
                    let reason = retried(self.failed(error))?;
                    self.patience.refused(session, self.fill, reason).await?;
                }
            }
        }
    }

    /// Reads which rows need it, without a lock, and fills these; gives what is left once they are not few any more.
    async fn fill_few(
        &mut self,
        session: &mut Session<'_>,
        reader: &mut MySqlConnection,
        mut rest: Range,
    ) -> Result<Option<Range>, Error> {
        let key = self.key.clone();
        let mut took = Duration::ZERO;
        loop {
            self.watch.turn(took, session.progress).await;
            let begun = Instant::now();
            let read = async {
                let bound = key.at(reader, &rest, LOOKED_AT).await?.or_else(|| rest.to.clone());
                let range = Range { after: rest.after.clone(), to: bound };
                let keys = key.which(reader, &self.needs(&range)).await?;
                Ok((range, keys))
            };
            let (range, keys) = match read.await {
                Ok(found) => found,
                Err(error) => {
                    self.patience.refused(session, self.fill, retried(error)?).await?;
                    continue;
                }
            };
            if keys.len() > MANY {
                return Ok(Some(rest));
            }
            for some in keys.chunks(FEW) {
                let some: Vec<String> = some.iter().map(|name| key.value(name)).collect();
                let which =
                    format!("{} IN ({}) AND ({})", key.column(), some.join(", "), self.fill.condition);
                match connection::run(&mut session.connection, self.update_at_once(&which)).await {
                    Ok(_) => self.patience.reset(),
                    Err(error) if RETRIED.contains(&error_number(&error)) => {
                        self.left.push_back(range.clone());
                        break;
                    }
                    Err(error) => return Err(self.failed(error)),
                }
            }
            self.meter.looked_at(LOOKED_AT);
            self.meter.say(session, self.left.len()).await?;
            if range.to == rest.to {
                return Ok(None);
            }
            rest.after = range.to;
            took = begun.elapsed();
        }
    }

    /// Fills range after range; the keys of the next ones are read while these are filled.
    async fn fill_all(
        &mut self,
        session: &mut Session<'_>,
        reader: &mut MySqlConnection,
        mut rest: Range,
    ) -> Result<(), Error> {
        let key = self.key.clone();
        let mut bounds = self.bounds(session, reader, &rest).await?;
        let mut took = Duration::ZERO;
        loop {
            self.watch.turn(took, session.progress).await;
            let begun = Instant::now();
            let (ranges, next) = part(&rest, &bounds, self.parts());
            let (rows, parts) = (self.size, self.parts());
            let Some(next) = next else {
                self.ranges(session, &ranges).await?;
                break;
            };
            let (filled, ahead) =
                tokio::join!(self.ranges(session, &ranges), key.bounds(reader, &next, rows, parts));
            filled?;
            rest = next;
            took = begun.elapsed();
            self.meter.looked_at(rows * ranges.len() as u64);
            self.meter.say(session, self.left.len()).await?;
            bounds = match ahead {
                Ok(bounds) => bounds,
                Err(error) => {
                    self.patience.refused(session, self.fill, retried(error)?).await?;
                    self.bounds(session, reader, &rest).await?
                }
            };
            // The size of ranges whose keys are known already stays.
            self.grow(took);
        }
        Ok(())
    }

    fn parts(&self) -> usize {
        if self.watch.is_full_speed() { AT_ONCE } else { 1 }
    }

    /// The keys of the next ranges, within the budget for locks.
    async fn bounds(
        &mut self,
        session: &mut Session<'_>,
        reader: &mut MySqlConnection,
        rest: &Range,
    ) -> Result<Vec<String>, Error> {
        loop {
            match self.key.bounds(reader, rest, self.size, self.parts()).await {
                Ok(bounds) => return Ok(bounds),
                Err(error) => self.patience.refused(session, self.fill, retried(error)?).await?,
            }
        }
    }

    /// Fills ranges, each in a transaction of its own: one after the other, or at full speed half of them on each of two
    /// connections.
    async fn ranges(&mut self, session: &mut Session<'_>, ranges: &[Range]) -> Result<(), Error> {
        let first = if self.second.is_some() { ranges.len() / 2 } else { ranges.len() };
        let halves = ranges.split_at(first);
        let [one, other] = [halves.0, halves.1].map(|half| self.statements(half));
        let (one, other) = match &mut self.second {
            Some(second) => tokio::join!(send_all(&mut session.connection, one), send_all(second, other)),
            None => ((0, None), (0, None)),
        };
        for (half, (done, error)) in [(halves.0, one), (halves.1, other)] {
            if let Some(error) = error.filter(|error| !RETRIED.contains(&error_number(error))) {
                return Err(self.failed(error));
            }
            // What was refused, and what was to come after it.
            for range in half.get(done..).unwrap_or_default() {
                self.range(session, range).await?;
            }
        }
        Ok(())
    }

    fn statements(&self, ranges: &[Range]) -> String {
        ranges.iter().map(|range| self.statement(range)).collect::<Vec<_>>().join("; ")
    }

    async fn last(&mut self, session: &mut Session<'_>) -> Result<Option<String>, Error> {
        loop {
            match self.key.last(&mut session.connection).await {
                Ok(last) => return Ok(last),
                Err(error) => self.patience.refused(session, self.fill, retried(error)?).await?,
            }
        }
    }

    /// Fills what is free in a range; what is not is left for the end.
    async fn range(&mut self, session: &mut Session<'_>, range: &Range) -> Result<(), Error> {
        let sql = self.statement(range);
        loop {
            match connection::run(&mut session.connection, sql.clone()).await {
                Ok(_) => break,
                Err(error) if RETRIED.contains(&error_number(&error)) => {
                    let Some(swept) = self.free_rows(session, range).await? else {
                        self.patience.refused(session, self.fill, error.to_string()).await?;
                        continue;
                    };
                    if swept.left > 0 {
                        self.left.push_back(range.clone());
                    }
                    break;
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.patience.reset();
        Ok(())
    }

    /// Fills the rows of a range that nobody holds, and counts the others against it; `None` if the table itself is
    /// locked.
    async fn free_rows(&mut self, session: &mut Session<'_>, range: &Range) -> Result<Option<Swept>, Error> {
        let swept = self.try_free_rows(session, range).await;
        match swept {
            Err(error) if RETRIED.contains(&error_number(&error)) => {
                // Of a deadlock nothing is left, of a lock that was refused the transaction is.
                session.execute("end a transaction", "ROLLBACK".to_owned()).await?;
                Ok(None)
            }
            Err(error) => Err(self.failed(error)),
            Ok(swept) => Ok(Some(swept)),
        }
    }

    async fn try_free_rows(&self, session: &mut Session<'_>, range: &Range) -> Result<Swept, sqlx::Error> {
        let connection = &mut session.connection;
        let (key, table) = (self.key.column(), self.key.table());
        let needs = self.needs(range);
        connection::run(connection, "START TRANSACTION".to_owned()).await?;
        let mode = format!("SET STATEMENT sql_mode = '{CAST_MODE}' FOR");
        let free =
            format!("{mode} SELECT CAST({key} AS CHAR) FROM {table} WHERE {needs} FOR UPDATE SKIP LOCKED");
        let free: Vec<String> = Question::of(free).scalars(&mut *connection).await?;
        if !free.is_empty() {
            let keys: Vec<String> = free.iter().map(|name| self.key.value(name)).collect();
            let sql = format!("{mode} {}", self.update(&format!("{key} IN ({})", keys.join(", "))));
            connection::run(connection, sql).await?;
        }
        connection::run(connection, "COMMIT".to_owned()).await?;
        let left = format!("{mode} SELECT COUNT(*) FROM {table} WHERE {needs}");
        let left: i64 = Question::of(left).scalar(connection).await?;
        Ok(Swept { filled: free.len(), left: u64::try_from(left).unwrap_or(0) })
    }

    /// What was taken at first, again and again until it is free or the budget is used up.
    async fn sweep(&mut self, session: &mut Session<'_>) -> Result<(), Error> {
        self.patience.reset();
        let mut without_success = 0;
        while let Some(range) = self.left.pop_front() {
            let begun = Instant::now();
            let swept = self.free_rows(session, &range).await?.unwrap_or(Swept { filled: 0, left: 1 });
            if swept.left > 0 {
                self.left.push_back(range);
            }
            if swept.filled > 0 || swept.left == 0 {
                self.patience.reset();
                without_success = 0;
            } else {
                without_success += 1;
            }
            self.meter.say(session, self.left.len()).await?;
            if without_success > 0 && without_success >= self.left.len() {
                without_success = 0;
                self.patience.refused(session, self.fill, "rows of it are locked".to_owned()).await?;
            }
            self.watch.turn(begun.elapsed(), session.progress).await;
        }
        Ok(())
    }

    /// One range in one statement that waits for no row.
    fn statement(&self, range: &Range) -> String {
        self.update_at_once(&self.needs(range))
    }

    /// An UPDATE that fails at once if a row is taken.
    fn update_at_once(&self, which: &str) -> String {
        let mode = format!("innodb_lock_wait_timeout = 0, sql_mode = '{CAST_MODE}'");
        format!("SET STATEMENT {mode} FOR {}", self.update(which))
    }

    fn needs(&self, range: &Range) -> String {
        self.key.within_and(range, self.fill.condition)
    }

    fn update(&self, which: &str) -> String {
        format!("UPDATE {} SET {} WHERE {which}", self.key.table(), Assignment::list(self.fill.columns))
    }

    fn failed(&self, error: sqlx::Error) -> Error {
        Error::query(self.fill.to_string())(error)
    }

    /// The next range has as many rows as the time allows.
    fn grow(&mut self, took: Duration) {
        if !self.watch.is_full_speed() {
            self.size = next_size(self.size, took);
        }
    }
}

fn next_size(size: u64, took: Duration) -> u64 {
    if took > GOAL { size / 2 } else { size * 2 }.clamp(ROWS.0, ROWS.1)
}

/// What is to be filled now, and what is left then; nothing, if the keys reach the end.
fn part(rest: &Range, bounds: &[String], parts: usize) -> (Vec<Range>, Option<Range>) {
    let (mut ranges, mut after) = (Vec::new(), rest.after.clone());
    for bound in bounds {
        ranges.push(Range { after: after.clone(), to: Some(bound.clone()) });
        after = Some(bound.clone());
    }
    let left = Range { after, to: rest.to.clone() };
    if bounds.len() == parts && left.after != left.to {
        return (ranges, Some(left));
    }
    if left.after != left.to {
        ranges.push(left);
    }
    (ranges, None)
}

/// Sends several statements in one go, if any; gives how many were done, and what ended them early.
async fn send_all(connection: &mut MySqlConnection, sql: String) -> (usize, Option<sqlx::Error>) {
    if sql.is_empty() {
        return (0, None);
    }
    let mut done = 0;
    let mut results = sqlx::raw_sql(connection::safe(sql)).fetch_many(connection);
    while let Some(result) = results.next().await {
        match result {
            Ok(Either::Left(_)) => done += 1,
            Ok(Either::Right(_)) => {}
            Err(error) => return (done, Some(error)),
        }
    }
    (done, None)
}

/// What became of a range whose rows were not all free.
#[derive(Debug, Clone, Copy)]
struct Swept {
    filled: usize,
    left: u64,
}

/// The text of an error that is over when tried again, or the error itself.
fn retried(error: Error) -> Result<String, Error> {
    if let Error::Query { source, .. } = &error
        && RETRIED.contains(&error_number(source))
    {
        return Ok(source.to_string());
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(after: Option<&str>, to: &str) -> Range {
        Range { after: after.map(str::to_owned), to: Some(to.to_owned()) }
    }

    #[test]
    fn a_range_that_was_quick_is_followed_by_a_larger_one_and_a_slow_one_by_a_smaller_within_the_bounds() {
        let sizes = |took: &[u64]| {
            let milliseconds = took.iter().copied().map(Duration::from_millis);
            milliseconds.fold(ROWS.0, next_size)
        };
        assert_eq!(sizes(&[40]), 400);
        assert_eq!(sizes(&[1; 9]), 1000);
        assert_eq!(sizes(&[1, 1, 1, 41]), 500);
        assert_eq!(sizes(&[1, 41, 41, 41]), 200);
    }

    #[test]
    fn ranges_follow_each_other_without_a_gap_to_the_last_key() {
        let bounds = ["b".to_owned(), "d".to_owned()];
        let all = range(Some("a"), "z");
        let two = vec![range(Some("a"), "b"), range(Some("b"), "d")];
        assert_eq!(part(&all, &bounds, 2), (two.clone(), Some(range(Some("d"), "z"))));
        // Fewer keys than asked for: what is left has fewer rows than a range.
        let three = [two.clone(), vec![range(Some("d"), "z")]].concat();
        assert_eq!(part(&all, &bounds, 3), (three, None));
        assert_eq!(part(&range(Some("a"), "d"), &bounds, 2), (two, None));
        assert_eq!(part(&range(None, "c"), &[], 1), (vec![range(None, "c")], None));
    }
}
