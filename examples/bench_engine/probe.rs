//! A steady load: so many operations a second, each timed from the moment at which it was due. What stands in a queue
//! behind a stall counts with all that it waited. A NOWAIT that finds its row taken is sent again for two seconds, as the
//! module in the images of both versions does; so often is counted apart from errors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::Rng;
use sqlx::{Connection, Executor, MySqlConnection};
use tokio::task::JoinHandle;

use super::{Options, table};
use crate::no_wait;

const CONNECTIONS: u32 = 8;
/// From when on an operation is named.
const STOOD: Duration = Duration::from_millis(50);
/// What the operations saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Microseconds of each operation.
    pub(crate) times: Vec<u64>,
    /// What went wrong, with how often.
    pub(crate) errors: BTreeMap<String, u64>,
    /// How often a NOWAIT was sent again.
    pub(crate) sent_again: u64,
    /// What stood for long: when it was due, how long it took, its first statement's first word.
    pub(crate) stood: Vec<(Instant, Duration, String)>,
}

/// The load at work.
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Seen>>,
}

impl Probe {
    /// Begins at once; `salt` keeps the rows that it adds apart from those of another.
    pub(crate) fn start(url: &str, options: &Options, salt: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let every = Duration::from_secs_f64(f64::from(CONNECTIONS) / f64::from(options.probe));
        let rows = options.rows;
        let workers = (0..CONNECTIONS)
            .map(|worker| {
                let worker = Worker {
                    url: url.to_owned(),
                    stop: Arc::clone(&stop),
                    rows,
                    prefix: format!("p{salt}-{worker}-"),
                    added: 0,
                    deleted: 0,
                };
                tokio::spawn(worker.run(every))
            })
            .collect();
        Self { stop, workers }
    }

    /// Ends it after the operations at work.
    pub(crate) async fn end(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Seen::default();
        for worker in self.workers {
            let seen = worker.await.unwrap();
            all.times.extend(seen.times);
            all.sent_again += seen.sent_again;
            all.stood.extend(seen.stood);
            for (error, count) in seen.errors {
                *all.errors.entry(error).or_default() += count;
            }
        }
        all
    }
}

struct Worker {
    url: String,
    stop: Arc<AtomicBool>,
    rows: u64,
    prefix: String,
    added: u64,
    deleted: u64,
}

impl Worker {
    async fn run(mut self, every: Duration) -> Seen {
        let mut seen = Seen::default();
        let mut connection = MySqlConnection::connect(&self.url).await.unwrap();
        let mut due = Instant::now() + every.mul_f64(rand::rng().random_range(0.0..1.0));
        while !self.stop.load(Ordering::SeqCst) {
            tokio::time::sleep_until(due.into()).await;
            let statements = self.operation();
            let word = statements[0].split(' ').next().unwrap_or_default().to_owned();
            for sql in statements {
                if let Err(error) = no_wait::send(&mut connection, sql, &mut seen.sent_again).await {
                    let text =
                        error.as_database_error().map_or_else(|| error.to_string(), ToString::to_string);
                    let text = text.split('\'').next().unwrap_or_default().to_owned();
                    *seen.errors.entry(text).or_default() += 1;
                    let _ = connection.execute("ROLLBACK").await;
                    break;
                }
            }
            let took = due.elapsed();
            if took > STOOD {
                seen.stood.push((due, took, word));
            }
            seen.times.push(u64::try_from(took.as_micros()).unwrap());
            due += every;
        }
        seen
    }

    /// Half reads, then whole-row updates as Frappe sends them, inserts, and deletes that take their row without waiting.
    fn operation(&mut self) -> Vec<String> {
        let mut random = rand::rng();
        let name = table::name(random.random_range(1..=self.rows));
        match random.random_range(0..10) {
            0..5 => vec![format!("SELECT * FROM tabBench WHERE name = '{name}'")],
            5..8 => vec![update(&name, random.random_range(0..1_000_000))],
            8 => {
                self.added += 1;
                let row = format!("{}{}", self.prefix, self.added);
                vec![format!(
                    "INSERT INTO tabBench (name, creation, modified, owner, a, t, status, total) \
                     VALUES ('{row}', NOW(6), NOW(6), 'x', 'new', '7', 'Open', 5)"
                )]
            }
            _ if self.deleted < self.added => {
                self.deleted += 1;
                let row = format!("{}{}", self.prefix, self.deleted);
                vec![
                    "START TRANSACTION".to_owned(),
                    format!("SELECT name FROM tabBench WHERE name = '{row}' FOR UPDATE NOWAIT"),
                    format!("DELETE FROM tabBench WHERE name = '{row}'"),
                    "COMMIT".to_owned(),
                ]
            }
            _ => vec![format!("SELECT * FROM tabBench WHERE name = '{name}'")],
        }
    }
}

/// A save: all columns that the application knows.
pub(crate) fn update(name: &str, number: u32) -> String {
    format!(
        "UPDATE tabBench SET modified = NOW(6), modified_by = 'u', a = 'customer {number}', t = '{}', status = 'Open', \
         company = 'Company 1', remark = 'r', party = 'p', total = {number}, tax = 1, paid = 1, rate = 1, discount = 1, \
         weight = 1, outstanding = 1, count = 1, is_paid = 0, day = '2024-02-01', due = NOW(6), note = 'n' WHERE name = '{name}'",
        number % 100_000
    )
}
