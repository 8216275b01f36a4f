//! DDL that never waits: `lock_wait_timeout=0` and retries. A waiting `ALTER` makes every new reader wait, fails
//! `FOR UPDATE NOWAIT`, and can be part of a deadlock that MariaDB does not see (metadata lock against row lock).

use std::time::{Duration, Instant};

use rand::Rng;
use sqlx::MySqlConnection;

use super::blocker::{self, Asks, Refused};
use super::progress::Progress;
use super::{Error, connection};
use crate::api::figures::Figures;

/// 1205 is a lock that is taken, 1213 a deadlock among metadata locks: both are over when tried again.
const RETRIED: [u16; 2] = [1205, 1213];
const PAUSE_MILLISECONDS: std::ops::RangeInclusive<u64> = 5..=40;
/// How often a statement that finds no gap looks whether waiting for one would be short.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it says who is in its way.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// How long the statements after one that had to queue try without waiting.
const NEXT_PATIENCE: Duration = Duration::from_millis(500);
/// A sixth of the budget is what a statement tries without waiting, and what a try counts that was at work.
const PARTS: u32 = 6;
/// A try that was refused later than one that queues has done work, and lost it: an index was built, and at its end the
/// table was in use.
const AT_WORK: Duration = Duration::from_millis(1500);

/// What DDL is for, how long it may take, and whose transactions may be in its way.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// What is being done, for messages.
    pub(crate) act: &'a str,
    /// How long each statement may find its table busy.
    pub(crate) budget: Duration,
    /// After how long in the way a connection is ended; never, if not given.
    pub(crate) kill_after: Option<Duration>,
    /// The databases whose transactions are named when it is over.
    pub(crate) databases: [&'a str; 2],
    /// Who is in the way is said here.
    pub(crate) progress: &'a dyn Progress,
}

/// What DDL cost beyond its own work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waited {
    /// Tries that found their table busy.
    pub refused: u32,
    /// What such statements used of their budgets until they were in, all together; not their own work.
    pub busy: Duration,
    /// The longest of these times: what the budget has to allow.
    pub longest: Duration,
    /// Connections that were ended.
    pub killed: u32,
}

impl Waited {
    /// Adds what other statements cost.
    pub(crate) fn add(&mut self, other: Self) {
        self.refused += other.refused;
        self.busy += other.busy;
        self.longest = self.longest.max(other.longest);
        self.killed += other.killed;
    }
}

impl std::fmt::Display for Waited {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.refused == 0 {
            formatter.write_str("no statement met a busy table")?;
        } else {
            let (busy, longest) = (self.busy.as_secs_f64(), self.longest.as_secs_f64());
            write!(
                formatter,
                "{} tries met a busy table ({busy:.1} s, the longest {longest:.1} s)",
                self.refused
            )?;
        }
        if self.killed > 0 { write!(formatter, ", {} connections ended", self.killed) } else { Ok(()) }
    }
}

/// Runs statements one after the other, each as often as it needs within the budget; then names who holds
/// transactions open.
///
/// On a table that many short transactions follow each other on without a gap, no-wait never gets in. From a sixth
/// of the budget on, and only if no transaction is older than a second, a statement may stand in the queue for one
/// second at most: then it is in when those at work are done. Those after it need not find that out again.
///
/// `ALGORITHM=INPLACE` asks for its lock twice, at last when all is built: a refusal there throws the build away. So it
/// may queue from its second try on, and a try that was at work counts a sixth of the budget however long it took: an
/// index that takes longer than the budget is built again, and not for ever.
pub(crate) async fn run(
    connection: &mut MySqlConnection,
    attempt: Attempt<'_>,
    statements: &[String],
) -> Result<Waited, Error> {
    let mut patience = attempt.budget / PARTS;
    let mut all = Waited::default();
    for sql in statements {
        let mut try_ =
            Try { attempt, sql, busy: Duration::ZERO, looked: None, said: None, waited: Waited::default() };
        patience = try_.run(connection, patience).await?;
        all.add(try_.waited);
    }
    Ok(all)
}

/// One statement on its way.
struct Try<'a> {
    attempt: Attempt<'a>,
    sql: &'a str,
    /// What is used of the budget.
    busy: Duration,
    looked: Option<Instant>,
    said: Option<Instant>,
    waited: Waited,
}

impl<'a> Try<'a> {
    /// Runs the statement, which may queue after `patience`; gives the patience for the next one.
    async fn run(
        &mut self,
        connection: &mut MySqlConnection,
        mut patience: Duration,
    ) -> Result<Duration, Error> {
        let is_built = self.sql.contains("ALGORITHM=INPLACE");
        loop {
            let begun = Instant::now();
            let may_look = self.looked.is_none_or(|at| at.elapsed() > LOOK_EVERY);
            let is_patient = !is_built && self.busy < patience;
            let mut queues = false;
            if self.waited.refused > 0 && may_look && !is_patient {
                self.looked = Some(Instant::now());
                queues = blocker::are_short(connection, self.by()).await?;
            }
            if queues && self.busy >= patience {
                patience = patience.min(NEXT_PATIENCE);
            }
            let sent = Instant::now();
            let Err(error) = send(connection, self.sql, queues).await else { break };
            let took = sent.elapsed();
            if !RETRIED.contains(&connection::error_number(&error)) {
                return Err(Error::query(self.attempt.act)(error));
            }
            self.busy += if took > AT_WORK { self.attempt.budget / PARTS } else { took };
            self.waited.refused += 1;
            self.count();
            self.refused(connection).await?;
            self.busy += begun.elapsed().saturating_sub(took);
        }
        if self.waited.refused > 0 {
            self.waited.busy = self.busy;
            self.waited.longest = self.busy;
            self.report(&format!("{}: in after {} busy tries", self.attempt.act, self.waited.refused));
        }
        Ok(patience)
    }

    /// By what it is known who is in the way.
    fn by(&self) -> Refused<'a> {
        Refused { databases: self.attempt.databases, asks: Asks::Statement(self.sql) }
    }

    /// The table is busy: ends who may be ended, gives up at the end of the budget, else pauses.
    async fn refused(&mut self, connection: &mut MySqlConnection) -> Result<(), Error> {
        let Attempt { act, budget, kill_after, progress, .. } = self.attempt;
        if let Some(after) = kill_after
            && self.busy >= after
            && blocker::end_oldest(connection, self.by(), after, act, progress).await?
        {
            self.waited.killed += 1;
        }
        if self.busy >= budget {
            let blockers = blocker::describe(&blocker::find(connection, self.by()).await?);
            return Err(Error::Busy {
                act: act.to_owned(),
                seconds: self.busy.as_secs(),
                tries: self.waited.refused,
                blockers,
            });
        }
        if self.busy > SAY_EVERY && self.said.is_none_or(|at| at.elapsed() > SAY_EVERY) {
            self.said = Some(Instant::now());
            let blockers = blocker::describe(&blocker::find(connection, self.by()).await?);
            self.report(&format!("{act}: the table is busy. {blockers}"));
        }
        let pause = rand::rng().random_range(PAUSE_MILLISECONDS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(())
    }

    /// Counts a try that found the table busy.
    fn count(&self) {
        let budget = self.attempt.budget.as_millis().max(1);
        let percent = (self.busy.as_millis() * 100 / budget).min(100);
        self.attempt.progress.count(&Figures {
            lock_waits: Some(1),
            lock_budget_used_percent: u8::try_from(percent).ok(),
            ..Figures::default()
        });
    }

    /// Says how much of the budget is used, in milliseconds.
    fn report(&self, message: &str) {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (used, budget) = (milliseconds(self.busy), milliseconds(self.attempt.budget));
        self.attempt.progress.report("lock", used, budget, message);
    }
}

/// Sends a statement; one that queues waits a second for its lock.
async fn send(connection: &mut MySqlConnection, sql: &str, queues: bool) -> Result<(), sqlx::Error> {
    if !queues {
        return connection::run(connection, sql.to_owned()).await.map(drop);
    }
    // Not SET STATEMENT: a statement may have one of its own, and they do not nest.
    connection::run(connection, "SET SESSION lock_wait_timeout = 1".to_owned()).await?;
    let sent = connection::run(connection, sql.to_owned()).await.map(drop);
    connection::run(connection, "SET SESSION lock_wait_timeout = 0".to_owned()).await?;
    sent
}
