//! Clients that keep working while a command runs, and count what goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

/// What a client saw.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) statements: u64,
    pub(crate) errors: Vec<String>,
    pub(crate) slowest_milliseconds: u128,
}

/// A client in a thread of its own.
pub(crate) struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Client {
    /// Connects to each of `urls` in turn, once a request as Frappe does, and runs what `request` gives for the
    /// number of the request, in one transaction.
    pub(crate) fn start(urls: Vec<String>, request: impl Fn(u64) -> Vec<String> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work(&stopped, &urls, &request))
        });
        Self { stop, thread }
    }

    /// Stops after the request at work.
    pub(crate) fn end(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

async fn work(stop: &AtomicBool, urls: &[String], request: &(impl Fn(u64) -> Vec<String> + Send)) -> Seen {
    let mut seen = Seen::default();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let url = &urls[usize::try_from(number).unwrap() % urls.len()];
        let begun = std::time::Instant::now();
        let statements = request(number);
        seen.statements += statements.len() as u64;
        if let Err(error) = one(url, statements).await {
            seen.errors.push(format!("request {number}: {error}"));
        }
        seen.slowest_milliseconds = seen.slowest_milliseconds.max(begun.elapsed().as_millis());
        number += 1;
    }
    seen
}

async fn one(url: &str, statements: Vec<String>) -> Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect(url).await?;
    connection.execute("START TRANSACTION").await?;
    for sql in statements {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    }
    connection.execute("COMMIT").await?;
    connection.close().await
}
