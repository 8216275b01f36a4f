//! How a backfill makes room for the users: pauses as long as its work, fewer rows a second when the server is slow,
//! busy or its replicas lag, and a file that stops it at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::connection::Database;
use super::progress::Progress;
use super::question::Question;
use super::{Error, Session, connection, ledger};

/// Between two looks at the server; the stop file is looked at before every range.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Threads and replicas are asked at every so manieth look.
const ASK_EVERY: u32 = 5;
/// A server that has not answered by then counts as slow, and a replica as away.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The pause after a range, as a multiple of the time that it took: least, and most where the server stays slow or
/// busy. A backfill must come to an end.
const PAUSE: (f64, f64) = (1.0, 8.0);
/// The server is slow when the heartbeat takes so many times what it took before the first row, if that is below the
/// limit that is set; and never below the least, for a fast disk varies more than that by itself.
const TIMES: u32 = 3;
const LEAST_LIMIT: Duration = Duration::from_millis(4);
/// Heartbeats that tell what one takes without a fill: their median does.
const FIRST_LOOKS: usize = 5;
/// How often a wait says what it waits for.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// The limits that a user sets.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Range after range without a pause; replicas and the stop file still count.
    pub full_speed: bool,
    /// Connections that fill at full speed: one or two.
    pub connections: u32,
    /// How long a small write of its own may take (the ledger's heartbeat, ten a second) before it goes slower.
    pub latency: Duration,
    /// How many threads of the server may be at work.
    pub threads_running: u64,
    /// How far a replica may be behind.
    pub lag: Duration,
    /// Replicas that are asked, as host and port; the administrator's credentials must be valid there.
    pub replicas: Vec<(String, u16)>,
    /// While this file exists no row is written.
    pub pause_file: Option<PathBuf>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            full_speed: false,
            connections: 2,
            latency: Duration::from_millis(20),
            threads_running: 64,
            lag: Duration::from_secs(5),
            replicas: Vec::new(),
            pause_file: None,
        }
    }
}

/// What was seen of the server last.
#[derive(Debug, Clone, Default)]
struct Seen {
    latency: Duration,
    threads_running: u64,
    /// Why a replica holds the backfill up, if one does.
    replica: Option<String>,
}

/// Watches the server on connections of its own while a backfill runs.
pub(crate) struct Watch {
    throttle: Throttle,
    seen: Arc<Mutex<Seen>>,
    task: Option<JoinHandle<()>>,
    pause: f64,
    /// From which latency of the heartbeat on it goes slower.
    limit: Duration,
    /// When it was last said that it is at its slowest.
    said_slowest: Option<Instant>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Watch {
    /// Connects where something is to be watched.
    pub(crate) async fn start(session: &Session<'_>) -> Result<Self, Error> {
        let throttle = session.settings.throttle.clone();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let needs_server = !throttle.full_speed;
        let mut limit = throttle.latency;
        let task = if needs_server || !throttle.replicas.is_empty() {
            let server = if needs_server { Some(Server::connect(session).await?) } else { None };
            let mut replicas = Vec::new();
            for (host, port) in &throttle.replicas {
                replicas.push(Replica::connect(session.database.at(host, *port)).await?);
            }
            let mut look = Look { server, replicas, lag: throttle.lag, seen: Arc::clone(&seen) };
            // Before the first row: a small table would be filled before the first look.
            look.once(0).await;
            if needs_server {
                limit = limit.min(look.usual().await.saturating_mul(TIMES).max(LEAST_LIMIT));
            }
            Some(tokio::spawn(look.run()))
        } else {
            None
        };
        Ok(Self { throttle, seen, task, pause: PAUSE.0, limit, said_slowest: None })
    }

    /// Whether half of the ranges may be filled on a second connection.
    pub(crate) fn takes_two(&self) -> bool {
        self.throttle.full_speed && self.throttle.connections > 1
    }

    /// Whether ranges may follow each other without a pause.
    pub(crate) fn is_full_speed(&self) -> bool {
        self.throttle.full_speed
    }

    /// Waits until the next range may begin; `took` is the time of the one before.
    pub(crate) async fn turn(&mut self, took: Duration, progress: &dyn Progress) {
        if !self.throttle.full_speed {
            let slow = self.slow();
            self.pause =
                if slow.is_some() { self.pause * 1.5 } else { self.pause / 1.1 }.clamp(PAUSE.0, PAUSE.1);
            if let Some(reason) = slow.filter(|_| self.pause >= PAUSE.1)
                && self.said_slowest.is_none_or(|at| at.elapsed() > SAY_EVERY)
            {
                self.said_slowest = Some(Instant::now());
                progress.report("throttle", 0, 0, &format!("at its slowest: {reason}"));
            }
            tokio::time::sleep(took.mul_f64(self.pause)).await;
        }
        let begun = Instant::now();
        let mut said = None::<Instant>;
        while let Some(reason) = self.stopped() {
            if said.is_none_or(|at| at.elapsed() > SAY_EVERY) {
                said = Some(Instant::now());
                progress.report("throttle", 0, 0, &reason);
            }
            tokio::time::sleep(LOOK_EVERY / 2).await;
        }
        if said.is_some() {
            progress.report(
                "throttle",
                1,
                1,
                &format!("goes on after {:.1} s", begun.elapsed().as_secs_f64()),
            );
        }
    }

    /// What holds it up as long as it lasts.
    fn stopped(&self) -> Option<String> {
        if let Some(file) = self.throttle.pause_file.as_ref().filter(|file| file.exists()) {
            return Some(format!("paused: {} exists", file.display()));
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).replica.clone()
    }

    /// Why the server has enough to do without it, if it has.
    fn slow(&self) -> Option<String> {
        let Seen { latency, threads_running, .. } = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.throttle.threads_running;
        if threads_running > most {
            Some(format!("{threads_running} threads of the server are at work, the limit is {most}"))
        } else if latency == Duration::MAX {
            Some("the server does not answer a small write".to_owned())
        } else if latency > self.limit {
            Some(format!("a small write takes {latency:.1?}, the limit is {:.1?}", self.limit))
        } else {
            None
        }
    }
}

/// The server itself, with a connection that is made anew when it was lost.
struct Server {
    database: Database,
    connection: Option<MySqlConnection>,
    heartbeat: String,
}

impl Server {
    async fn connect(session: &Session<'_>) -> Result<Self, Error> {
        let database = session.database.clone();
        let connection = Some(database.connect().await?);
        Ok(Self { database, connection, heartbeat: ledger::heartbeat_sql(session) })
    }

    /// How long a small write takes; without end, if it fails or is not answered in time.
    async fn latency(&mut self) -> Duration {
        let begun = Instant::now();
        match timeout(ANSWER_WITHIN, self.beat()).await {
            Ok(true) => begun.elapsed(),
            // The connection stays: a server that stands still would be given a new one every two seconds. The answer that
            // comes late is taken off before the next one.
            Ok(false) | Err(_) => Duration::MAX,
        }
    }

    async fn beat(&mut self) -> bool {
        if self.connection.is_none() {
            self.connection = self.database.connect().await.ok();
        }
        let Some(connection) = &mut self.connection else { return false };
        let beaten = connection::run(connection, self.heartbeat.clone()).await;
        if beaten.as_ref().is_err_and(|error| connection::error_number(error) == 0) {
            self.connection = None;
        }
        beaten.is_ok()
    }

    /// How many threads are at work; `None` if it does not say so in time.
    async fn threads_running(&mut self) -> Option<u64> {
        let connection = self.connection.as_mut()?;
        timeout(ANSWER_WITHIN, threads_running(connection)).await.ok().flatten()
    }
}

/// A replica with its connection, made anew when it was lost.
struct Replica {
    database: Database,
    connection: Option<MySqlConnection>,
}

impl Replica {
    async fn connect(database: Database) -> Result<Self, Error> {
        let connection = Some(database.connect_bare().await?);
        Ok(Self { database, connection })
    }

    /// Why the backfill must wait for it; `None` if it need not.
    async fn reason(&mut self, most: Duration) -> Option<String> {
        let asked = timeout(ANSWER_WITHIN, self.ask(most)).await;
        // Like the server's, its connection stays.
        asked.unwrap_or_else(|_| {
            Some(format!("waits: the replica {} gives no answer", self.database.address()))
        })
    }

    async fn ask(&mut self, most: Duration) -> Option<String> {
        let address = self.database.address();
        if self.connection.is_none() {
            self.connection = self.database.connect_bare().await.ok();
        }
        let Some(connection) = &mut self.connection else {
            return Some(format!("waits: the replica {address} cannot be reached"));
        };
        let Ok(rows) = sqlx::raw_sql("SHOW ALL SLAVES STATUS").fetch_all(connection).await else {
            self.connection = None;
            return Some(format!("waits: the replica {address} does not say how far it is"));
        };
        if rows.is_empty() {
            return Some(format!("waits: {address} is no replica"));
        }
        let lags: Option<Vec<u64>> = rows.iter().map(seconds_behind).collect();
        match lags.and_then(|lags| lags.into_iter().max()) {
            None => Some(format!("waits: replication to {address} stands")),
            Some(lag) if lag > most.as_secs() => Some(format!(
                "waits: the replica {address} is {lag} s behind, the limit is {} s",
                most.as_secs()
            )),
            Some(_) => None,
        }
    }
}

/// NULL where replication is stopped.
fn seconds_behind(row: &MySqlRow) -> Option<u64> {
    const NAME: &str = "Seconds_Behind_Master";
    let number: Result<Option<i64>, _> = row.try_get_unchecked(NAME);
    number.ok().flatten().and_then(|seconds| u64::try_from(seconds).ok())
}

/// The looks themselves, in a task.
struct Look {
    server: Option<Server>,
    replicas: Vec<Replica>,
    lag: Duration,
    seen: Arc<Mutex<Seen>>,
}

impl Look {
    /// What a heartbeat takes before the first row is filled.
    async fn usual(&mut self) -> Duration {
        let mut times = Vec::with_capacity(FIRST_LOOKS);
        for _ in 0..FIRST_LOOKS {
            self.once(1).await;
            times.push(self.seen.lock().unwrap_or_else(PoisonError::into_inner).latency);
        }
        times.sort_unstable();
        times.get(FIRST_LOOKS / 2).copied().unwrap_or_default()
    }

    async fn run(mut self) {
        for round in 1_u32.. {
            tokio::time::sleep(LOOK_EVERY).await;
            self.once(round).await;
        }
    }

    /// One look; each thing is known to the backfill as soon as it is seen.
    async fn once(&mut self, round: u32) {
        let asks = round.is_multiple_of(ASK_EVERY);
        if let Some(server) = &mut self.server {
            // A server that is gone is noticed by the backfill itself.
            let latency = server.latency().await;
            self.see(|seen| seen.latency = latency);
        }
        if asks
            && let Some(server) = &mut self.server
            && let Some(threads) = server.threads_running().await
        {
            self.see(|seen| seen.threads_running = threads);
        }
        if asks {
            let reasons = join_all(self.replicas.iter_mut().map(|replica| replica.reason(self.lag))).await;
            self.see(|seen| seen.replica = reasons.into_iter().flatten().next());
        }
    }

    fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

async fn threads_running(connection: &mut MySqlConnection) -> Option<u64> {
    let sql = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS \
               WHERE VARIABLE_NAME = 'THREADS_RUNNING'";
    let threads: i64 = Question::fixed(sql).scalar(connection).await.ok()?;
    u64::try_from(threads).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::progress::Silent;

    fn watch(throttle: Throttle, seen: &Arc<Mutex<Seen>>) -> Watch {
        let limit = throttle.latency;
        Watch { throttle, seen: Arc::clone(seen), task: None, pause: PAUSE.0, limit, said_slowest: None }
    }

    async fn pause_after(watch: &mut Watch, turns: u32) -> f64 {
        for _ in 0..turns {
            watch.turn(Duration::ZERO, &Silent).await;
        }
        watch.pause
    }

    #[tokio::test]
    #[expect(clippy::float_cmp, reason = "the bounds themselves")]
    async fn pauses_grow_to_their_bound_above_either_limit_and_shrink_below_both() {
        let throttle =
            Throttle { latency: Duration::from_millis(7), threads_running: 3, ..Throttle::default() };
        let at = |milliseconds, threads_running| Seen {
            latency: Duration::from_millis(milliseconds),
            threads_running,
            replica: None,
        };
        for busy in [at(8, 0), at(0, 4)] {
            let seen = Arc::new(Mutex::new(busy));
            let mut watch = watch(throttle.clone(), &seen);
            assert!((1.4..1.6).contains(&pause_after(&mut watch, 1).await));
            assert_eq!(pause_after(&mut watch, 20).await, PAUSE.1);
            *seen.lock().unwrap() = at(7, 3);
            assert_eq!(pause_after(&mut watch, 50).await, PAUSE.0);
        }
    }

    #[tokio::test]
    async fn who_takes_a_connection_and_gives_no_answer_counts_as_slow_and_holds_a_backfill_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let database = Database::new(&format!("mysql://u:p@{address}/site"), None).unwrap();
        let server = Server { database: database.clone(), connection: None, heartbeat: "DO 1".to_owned() };
        let replica = Replica { database, connection: None };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut look = Look {
            server: Some(server),
            replicas: vec![replica],
            lag: Duration::from_secs(5),
            seen: Arc::clone(&seen),
        };
        timeout(ANSWER_WITHIN * 4, look.once(0)).await.unwrap();
        let mut watch = watch(Throttle::default(), &seen);
        assert_eq!(watch.slow().as_deref(), Some("the server does not answer a small write"));
        let reason = format!("waits: the replica {address} gives no answer");
        assert_eq!(watch.stopped(), Some(reason));
        let next = watch.turn(Duration::ZERO, &Silent);
        assert!(timeout(LOOK_EVERY, next).await.is_err(), "the next range has to wait");
    }
}
