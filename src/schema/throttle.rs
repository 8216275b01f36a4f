//! How a backfill makes room for the users: pauses as long as its work, fewer rows a second when the server is slow,
//! busy or its replicas lag, and a file that stops it at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row};
use tokio::task::JoinHandle;

use super::connection::Database;
use super::progress::Progress;
use super::question::Question;
use super::{Error, Session, connection, ledger};

/// Between two looks at the server; the stop file is looked at before every range.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Threads and replicas are asked at every so manieth look.
const ASK_EVERY: u32 = 5;
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
            let server = if needs_server { Some(session.database.connect().await?) } else { None };
            let mut replicas = Vec::new();
            for (host, port) in &throttle.replicas {
                replicas.push(Replica::connect(session.database.at(host, *port)).await?);
            }
            let heartbeat = ledger::heartbeat_sql(session);
            let mut look = Look { server, replicas, heartbeat, lag: throttle.lag, seen: Arc::clone(&seen) };
            // Before the first row: a small table would be filled before the first look.
            look.once(0).await;
            if needs_server {
                limit = limit.min(look.usual().await.saturating_mul(TIMES).max(LEAST_LIMIT));
            }
            Some(tokio::spawn(look.run()))
        } else {
            None
        };
        Ok(Self { throttle, seen, task, pause: PAUSE.0, limit })
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
            self.pause =
                if self.is_slow() { self.pause * 1.5 } else { self.pause / 1.1 }.clamp(PAUSE.0, PAUSE.1);
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

    /// Whether the server has enough to do without it.
    fn is_slow(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.latency > self.limit || seen.threads_running > self.throttle.threads_running
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
    server: Option<MySqlConnection>,
    replicas: Vec<Replica>,
    heartbeat: String,
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

    async fn once(&mut self, round: u32) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(server) = &mut self.server {
            let begun = Instant::now();
            // A server that is gone is noticed by the backfill itself.
            let _ = connection::run(server, self.heartbeat.clone()).await;
            seen.latency = begun.elapsed();
            if round.is_multiple_of(ASK_EVERY) {
                seen.threads_running = threads_running(server).await.unwrap_or(0);
            }
        }
        if round.is_multiple_of(ASK_EVERY) {
            seen.replica = None;
            for replica in &mut self.replicas {
                seen.replica = seen.replica.or(replica.reason(self.lag).await);
            }
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

async fn threads_running(connection: &mut MySqlConnection) -> Option<u64> {
    let sql = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS \
               WHERE VARIABLE_NAME = 'THREADS_RUNNING'";
    let threads: i64 = Question::fixed(sql).scalar(connection).await.ok()?;
    u64::try_from(threads).ok()
}
