//! Many users of a shop with Frappe's statements, of the old and of the new version: each reads what it wrote through
//! both, and knows what has to be there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::Rng;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};
use tokio::runtime::Runtime;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use super::no_wait;
use super::site::wait_for;

/// Who is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    /// The old version alone, through its views.
    Blue,
    /// Both.
    Both,
    /// The new one alone.
    Green,
    /// The old version alone, back in the tables themselves.
    BlueInBase,
}

/// Where the versions are.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    /// Blue in its views.
    pub(crate) blue: String,
    /// Who works in the tables themselves.
    pub(crate) base: String,
}

/// What all of them saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    /// Errors, those of reading something else than was written among them.
    pub(crate) errors: Vec<String>,
    pub(crate) sent_again: u64,
    pub(crate) slowest: Duration,
}

impl Seen {
    fn add(&mut self, sent_again: u64, took: Duration, error: Option<String>) {
        self.requests += 1;
        self.sent_again += sent_again;
        self.slowest = self.slowest.max(took);
        self.errors.extend(error);
    }
}

/// The users at work.
pub(crate) struct Clients {
    runtime: Runtime,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    // A request holds it as long as it works: who changes it knows that nobody of the version before is at work.
    versions: RwLock<Versions>,
    requests: AtomicU64,
    seen: Mutex<Seen>,
}

impl Clients {
    /// So many users, each of which has its part of `rows` and waits about `pause` after a request.
    pub(crate) fn start(urls: &Urls, users: u64, rows: u64, pause: Duration) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            versions: RwLock::new(Versions::Blue),
            requests: AtomicU64::new(0),
            seen: Mutex::default(),
        });
        let tasks = (0..users)
            .map(|user| {
                let client = Client {
                    user,
                    users,
                    rows,
                    urls: urls.clone(),
                    connections: BTreeMap::new(),
                    number: 0,
                    known: BTreeMap::new(),
                    added: Vec::new(),
                    tickets: Vec::new(),
                    settings: None,
                };
                runtime.spawn(client.work(Arc::clone(&shared), pause))
            })
            .collect();
        Self { runtime, shared, tasks }
    }

    /// Others are at work from now on; returns when nobody else is any more.
    pub(crate) fn are(&self, versions: Versions) {
        *self.runtime.block_on(self.shared.versions.write()) = versions;
    }

    /// Waits until so many more requests were made.
    pub(crate) fn make(&self, requests: u64) {
        let goal = self.shared.requests.load(Ordering::SeqCst) + requests;
        wait_for(&format!("{requests} requests"), || self.shared.requests.load(Ordering::SeqCst) >= goal);
    }

    /// Stops them after the requests at work.
    pub(crate) fn end(self) -> Seen {
        self.shared.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            self.runtime.block_on(task).unwrap();
        }
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

/// A document as it was written last, by which version.
#[derive(Debug, Clone, Default)]
struct Written {
    by: &'static str,
    number: u64,
    /// What only blue knows, and what only green does.
    gone: Option<String>,
    channel: Option<String>,
    quantities: Vec<u64>,
}

impl Written {
    /// As each version reads it.
    fn of_blue(&self, name: &str) -> String {
        let (by, number) = (self.by, self.number);
        let gone = self.gone.as_deref().unwrap_or("-");
        format!(
            "{by}{number}|{number}|{number}|2024-02-0{}|{by} {name}|{name}-{number}|{{\"n\": {number}}}|{gone}",
            number % 9 + 1
        )
    }

    fn of_green(&self, name: &str) -> String {
        let (by, number) = (self.by, self.number);
        let channel = self.channel.as_deref().unwrap_or("web");
        format!(
            "{by}{number}|{number}|{number}|2024-02-0{}|{by} {name}|{name}-{number}|{{\"n\": {number}}}|{channel}",
            number % 9 + 1
        )
    }
}

/// One user.
pub(super) struct Client {
    user: u64,
    users: u64,
    rows: u64,
    urls: Urls,
    connections: BTreeMap<String, MySqlConnection>,
    pub(super) number: u64,
    known: BTreeMap<String, Written>,
    /// Documents of its own that it may delete.
    added: Vec<String>,
    /// Tickets of its own: number and subject.
    pub(super) tickets: Vec<(String, String)>,
    /// What the Single holds, as the one user who may write it knows.
    pub(super) settings: Option<String>,
}

impl Client {
    async fn work(mut self, shared: Arc<Shared>, pause: Duration) {
        while !shared.stop.load(Ordering::SeqCst) {
            let versions = shared.versions.read().await;
            let (now, begun, mut sent_again) = (*versions, Instant::now(), 0);
            let done = self.request(now, &mut sent_again).await;
            let took = begun.elapsed();
            // Frappe has a connection for each request.
            for connection in std::mem::take(&mut self.connections).into_values() {
                let _ = connection.close().await;
            }
            drop(versions);
            shared.requests.fetch_add(1, Ordering::SeqCst);
            let error = done.err().map(|error| format!("{now:?}, user {}: {error}", self.user));
            shared.seen.lock().unwrap().add(sent_again, took, error);
            let pause = pause.mul_f64(rand::rng().random_range(0.5..1.5));
            tokio::time::sleep(pause).await;
        }
    }

    /// One request of one version, and a look at what it wrote by each that is at work.
    async fn request(&mut self, versions: Versions, sent_again: &mut u64) -> Result<(), String> {
        let is_blue = match versions {
            Versions::Both => rand::rng().random(),
            Versions::Blue | Versions::BlueInBase => true,
            Versions::Green => false,
        };
        let url = self.url(versions, is_blue);
        self.number += 1;
        let kind = rand::rng().random_range(0..12);
        let readers: &[bool] = if versions == Versions::Both { &[true, false] } else { &[is_blue] };
        if kind >= 10 {
            // Two people who save the settings at one moment are told so by any Frappe: one does.
            if self.user == 0 {
                self.save_settings(&url, is_blue).await?;
            }
            self.save_ticket(&url, is_blue).await?;
            for reads_blue in readers {
                self.look_beside(&self.url(versions, *reads_blue), *reads_blue).await?;
            }
            return Ok(());
        }
        let names = match kind {
            0..3 => vec![self.some_document()],
            3..6 => {
                let name = self.some_document();
                self.save(&url, is_blue, std::slice::from_ref(&name)).await?;
                vec![name]
            }
            6 => {
                // In no order: nobody else has these rows but what fills their columns.
                let names = vec![self.some_document(), self.some_document()];
                self.save(&url, is_blue, &names).await?;
                names
            }
            7 | 8 => vec![self.add(&url, is_blue).await?],
            _ => match self.added.pop() {
                Some(name) => {
                    self.delete(&url, is_blue, &name, sent_again).await?;
                    self.known.remove(&name);
                    self.is_gone(versions, &name).await?;
                    Vec::new()
                }
                None => vec![self.some_document()],
            },
        };
        for name in &names {
            for reads_blue in readers {
                let url = self.url(versions, *reads_blue);
                self.look(&url, *reads_blue, name).await?;
            }
        }
        Ok(())
    }

    fn url(&self, versions: Versions, is_blue: bool) -> String {
        let is_apart = is_blue && versions != Versions::BlueInBase;
        if is_apart { self.urls.blue.clone() } else { self.urls.base.clone() }
    }

    /// One of its part of the rows that are there from the beginning.
    fn some_document(&self) -> String {
        let mine = self.rows / self.users;
        format!("D{:07}", rand::rng().random_range(0..mine) * self.users + self.user + 1)
    }

    pub(super) async fn send(&mut self, url: &str, sql: String) -> Result<(), String> {
        self.try_send(url, sql.clone()).await.map_err(|error| format!("{error}: {sql}"))
    }

    async fn try_send(&mut self, url: &str, sql: String) -> Result<(), sqlx::Error> {
        self.connection(url).await?.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
    }

    pub(super) async fn read(&mut self, url: &str, sql: String) -> Result<Option<String>, String> {
        let connection = self.connection(url).await.map_err(|error| error.to_string())?;
        let read: Result<Option<Option<String>>, _> =
            sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_optional(connection).await;
        read.map(Option::flatten).map_err(|error| format!("{error}: {sql}"))
    }

    async fn connection(&mut self, url: &str) -> Result<&mut MySqlConnection, sqlx::Error> {
        if !self.connections.contains_key(url) {
            self.connections.insert(url.to_owned(), MySqlConnection::connect(url).await?);
        }
        Ok(self.connections.get_mut(url).unwrap())
    }

    /// What this version writes now.
    fn written(&self, is_blue: bool, name: &str) -> Written {
        let before = self.known.get(name).cloned().unwrap_or_default();
        let number = self.number * self.users + self.user;
        let by = if is_blue { "blue" } else { "green" };
        let mut written = Written { by, number, ..before };
        if is_blue {
            written.gone = Some(format!("gone {number}"));
        } else {
            written.channel = Some(format!("channel {number}"));
        }
        written
    }

    /// Saves documents in one transaction, each as Frappe does: it is locked, then every column is written, then its rows.
    async fn save(&mut self, url: &str, is_blue: bool, names: &[String]) -> Result<(), String> {
        self.send(url, "START TRANSACTION".to_owned()).await?;
        let mut saved = Vec::new();
        for name in names {
            let mut written = self.written(is_blue, name);
            self.send(url, format!("SELECT modified FROM tabDeal WHERE name = '{name}' FOR UPDATE")).await?;
            self.send(
                url,
                format!("UPDATE tabDeal SET {} WHERE name = '{name}'", set(is_blue, name, &written)),
            )
            .await?;
            let quantity = if is_blue { "qty" } else { "quantity" };
            for (at, of) in written.quantities.iter_mut().enumerate() {
                *of = written.number + at as u64;
                let row = format!("UPDATE `tabDeal Row` SET {quantity} = {of} WHERE name = '{name}-{at}'");
                self.send(url, row).await?;
            }
            saved.push((name.clone(), written));
        }
        self.send(url, "COMMIT".to_owned()).await?;
        self.known.extend(saved);
        Ok(())
    }

    async fn add(&mut self, url: &str, is_blue: bool) -> Result<String, String> {
        let name = format!("N{}-{}", self.user, self.number);
        let mut written = self.written(is_blue, &name);
        written.quantities = vec![written.number, written.number + 1];
        self.send(url, "START TRANSACTION".to_owned()).await?;
        let set = set(is_blue, &name, &written);
        self.send(url, format!("INSERT INTO tabDeal SET name = '{name}', {set}")).await?;
        let quantity = if is_blue { "qty" } else { "quantity" };
        for (at, of) in written.quantities.iter().enumerate() {
            let belongs =
                format!("parent = '{name}', parenttype = 'Deal', parentfield = 'items', idx = {at}");
            let row =
                format!("INSERT INTO `tabDeal Row` SET name = '{name}-{at}', {belongs}, {quantity} = {of}");
            self.send(url, row).await?;
        }
        if !is_blue {
            let belongs = format!("parent = '{name}', parenttype = 'Deal', parentfield = 'taxes', idx = 1");
            self.send(url, format!("INSERT INTO `tabDeal Tax` SET name = '{name}', {belongs}, amount = 1"))
                .await?;
        }
        self.send(url, "COMMIT".to_owned()).await?;
        self.known.insert(name.clone(), written);
        self.added.push(name.clone());
        Ok(name)
    }

    /// As Frappe does: the document is taken without waiting, then it and its rows go. Rows of a table that only green
    /// has are gone after a delete by blue as well.
    async fn delete(
        &mut self,
        url: &str,
        is_blue: bool,
        name: &str,
        sent_again: &mut u64,
    ) -> Result<(), String> {
        self.send(url, "START TRANSACTION".to_owned()).await?;
        let locked = format!("SELECT name FROM tabDeal WHERE name = '{name}' FOR UPDATE NOWAIT");
        let connection = self.connection(url).await.map_err(|error| error.to_string())?;
        no_wait::send(connection, locked, sent_again)
            .await
            .map_err(|error| format!("{error}: lock {name}"))?;
        self.send(url, format!("DELETE FROM tabDeal WHERE name = '{name}'")).await?;
        let children: &[&str] = if is_blue { &["tabDeal Row"] } else { &["tabDeal Row", "tabDeal Tax"] };
        for child in children {
            self.send(url, format!("DELETE FROM `{child}` WHERE parent = '{name}' AND parenttype = 'Deal'"))
                .await?;
        }
        self.send(url, "COMMIT".to_owned()).await
    }

    async fn is_gone(&mut self, versions: Versions, name: &str) -> Result<(), String> {
        let has_green = matches!(versions, Versions::Both | Versions::Green);
        let tables: &[&str] = if has_green { &["tabDeal Row", "tabDeal Tax"] } else { &["tabDeal Row"] };
        let url = self.url(versions, !has_green);
        for table in tables {
            let rows = format!("SELECT CAST(COUNT(*) AS CHAR) FROM `{table}` WHERE parent = '{name}'");
            let left = self.read(&url, rows).await?;
            if left.as_deref() != Some("0") {
                return Err(format!("silent: {left:?} rows of {name} are left in {table}"));
            }
        }
        Ok(())
    }

    /// The whole row as Frappe reads it, then what has to be in it.
    async fn look(&mut self, url: &str, is_blue: bool, name: &str) -> Result<(), String> {
        self.send(url, format!("SELECT * FROM tabDeal WHERE name = '{name}'")).await?;
        let columns = if is_blue {
            "customer, count, code, day, note, serial, extra, COALESCE(gone, '-')"
        } else {
            "client, count, code, day, note, serial, details, channel"
        };
        let sql = format!("SELECT CONCAT_WS('|', {columns}) FROM tabDeal WHERE name = '{name}'");
        let Some(read) = self.read(url, sql).await? else {
            return Err(format!("{name} is not there"));
        };
        let Some(written) = self.known.get(name) else { return Ok(()) };
        let expected = if is_blue { written.of_blue(name) } else { written.of_green(name) };
        // A row that was there has a value in the column that only blue knows; it is looked at once it was written.
        let (read, expected) = match (is_blue, &written.gone) {
            (true, None) => (without_last(&read), without_last(&expected)),
            _ => (read.as_str(), expected.as_str()),
        };
        if read != expected {
            return Err(format!(
                "silent: {} of {name} reads {read}, written was {expected}",
                if is_blue { "blue" } else { "green" }
            ));
        }
        if !written.quantities.is_empty() {
            let expected: Vec<String> = written.quantities.iter().map(ToString::to_string).collect();
            let quantity = if is_blue { "qty" } else { "quantity" };
            let sql = format!(
                "SELECT GROUP_CONCAT({quantity} ORDER BY name) FROM `tabDeal Row` WHERE parent = '{name}'"
            );
            let read = self.read(url, sql).await?;
            if read.as_deref() != Some(expected.join(",").as_str()) {
                return Err(format!("silent: rows of {name} read {read:?}, written was {expected:?}"));
            }
        }
        Ok(())
    }
}

fn without_last(text: &str) -> &str {
    text.rsplit_once('|').map_or(text, |(first, _)| first)
}

/// All columns that a version knows.
fn set(is_blue: bool, name: &str, written: &Written) -> String {
    let Written { by, number, gone, channel, .. } = written;
    let day = number % 9 + 1;
    let of_both = format!(
        "modified = NOW(6), modified_by = 'u', docstatus = 0, count = {number}, code = {number}, day = '2024-02-0{day}', \
         note = '{by} {name}', serial = '{name}-{number}'"
    );
    let json = format!("'{{\"n\": {number}}}'");
    if is_blue {
        format!(
            "{of_both}, extra = {json}, customer = '{by}{number}', gone = '{}'",
            gone.as_deref().unwrap_or_default()
        )
    } else {
        format!(
            "{of_both}, details = {json}, client = '{by}{number}', channel = '{}'",
            channel.as_deref().unwrap_or_default()
        )
    }
}
