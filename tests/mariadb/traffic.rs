//! Clients that keep working while a command runs, and count what goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::site::wait_for;

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
    requests: Arc<AtomicU64>,
    thread: JoinHandle<Seen>,
}

impl Client {
    /// Connects to each of `urls` in turn, once a request as Frappe does, and runs what `request` gives for the
    /// number of the request, in one transaction.
    pub(crate) fn start(urls: Vec<String>, request: impl Fn(u64) -> Vec<String> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let requests = Arc::<AtomicU64>::default();
        let (stopped, answered) = (Arc::clone(&stop), Arc::clone(&requests));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work(&stopped, &answered, &urls, &request))
        });
        Self { stop, requests, thread }
    }

    #[track_caller]
    fn works_on(&self, more: u64) {
        let goal = self.requests.load(Ordering::SeqCst) + more;
        wait_for(&format!("{more} requests"), || self.requests.load(Ordering::SeqCst) >= goal);
    }

    /// Stops after the request at work.
    pub(crate) fn end(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// Waits until each of them has had so many more requests answered, well or not: how many come in a second is the machine's
/// affair.
#[track_caller]
pub(crate) fn work_on<'a>(clients: impl IntoIterator<Item = &'a Client>, more: u64) {
    for client in clients {
        client.works_on(more);
    }
}

async fn work(
    stop: &AtomicBool,
    answered: &AtomicU64,
    urls: &[String],
    request: &(impl Fn(u64) -> Vec<String> + Send),
) -> Seen {
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
        answered.store(number, Ordering::SeqCst);
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
