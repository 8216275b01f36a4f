//! One connected time: all of it ends with the first failure, and the next one begins by clearing.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::{join_all, try_join_all};
use redis::aio::{Monitor, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Value};
use tokio::sync::Notify;

use super::super::cache_key::{self, MARK};
use super::super::progress::Progress;
use super::super::{Error, cache};
use super::line::Line;
use super::pending::Pending;
use super::stale::{self, PROBE, Place, Watched};
use super::watch::{From, Watch};
use super::{Settings, Site};

/// No answer for so long is a lost connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// A probe a side that often.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// A line of how it goes.
const TELL_EVERY: Duration = Duration::from_mins(1);
/// Names in one command: Redis serves nobody else meanwhile.
const NAMES_A_COMMAND: usize = 500;

/// One colour's Redis.
struct End {
    client: Client,
    connection: MultiplexedConnection,
    /// Position among the servers whose lines are read.
    server: usize,
}

/// The places of all sites and what waits for each.
struct Places {
    all: Vec<Place>,
    /// Whose cache a place is in.
    of: Vec<From>,
    /// A site's places are told each other's.
    groups: Vec<Vec<usize>>,
    watched: Watched,
    pending: Vec<Mutex<Pending>>,
    wake: Notify,
}

/// Keeps the caches in step until something fails.
pub(super) async fn hold(settings: &Settings, watch: &Watch, progress: &dyn Progress) -> Error {
    match connected(settings, watch, progress).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn connected(settings: &Settings, watch: &Watch, progress: &dyn Progress) -> Result<Infallible, Error> {
    let ends = ends(settings).await?;
    let places = Places::new(&settings.sites, &ends);
    let mut monitors = Vec::new();
    for (server, end) in ends.iter().enumerate().filter(|(position, end)| *position == end.server) {
        monitors.push((server, monitor(end).await?));
    }
    // What is said from here on is seen; what was said before is not known.
    for pending in &places.pending {
        pending.lock().unwrap_or_else(PoisonError::into_inner).add(stale::Stale::Everything);
    }
    places.wake.notify_one();
    let shared = Arc::new(places);
    let read =
        try_join_all(monitors.into_iter().map(|(server, monitor)| read(server, monitor, &shared, watch)));
    tokio::select! {
        Err(error) = read => Err(error),
        Err(error) = say(&ends, &shared, watch, progress) => Err(error),
        Err(error) = probe(&ends, &shared, watch) => Err(error),
        never = tell(watch, progress) => Ok(never),
    }
}

/// Connects to both; where they are one server, its lines are read once.
async fn ends(settings: &Settings) -> Result<[End; 2], Error> {
    let mut blue = end(&settings.blue, 0).await?;
    let mut green = end(&settings.green, 1).await?;
    let (one, other) = (run_id(&mut blue).await, run_id(&mut green).await);
    if one.is_some() && one == other {
        green.server = 0;
    }
    Ok([blue, green])
}

async fn end(url: &str, server: usize) -> Result<End, Error> {
    let failed = || Error::redis("connect to Redis");
    let client = Client::open(url).map_err(Error::redis("read the address of Redis"))?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(ANSWER_WITHIN)
        .set_response_timeout(ANSWER_WITHIN);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    Ok(End { connection: connection.map_err(failed())?, client, server })
}

/// What tells a server from all others; `None` where the user may not ask, and then both are read.
async fn run_id(end: &mut End) -> Option<String> {
    let info: redis::InfoDict =
        redis::cmd("INFO").arg("server").query_async(&mut end.connection).await.ok()?;
    info.get("run_id")
}

/// Opens the stream of a server's commands.
async fn monitor(end: &End) -> Result<Monitor, Error> {
    // The client does not say whether MONITOR was refused: that is tried on a connection that is thrown away.
    let failed = || Error::redis("read the commands of Redis");
    let mut trial = end.client.get_multiplexed_async_connection().await.map_err(failed())?;
    let tried: redis::RedisResult<String> = redis::cmd("MONITOR").query_async(&mut trial).await;
    if let Err(error) = tried {
        let is_refused = error.code() == Some("NOPERM") || error.to_string().contains("unknown command");
        return Err(if is_refused {
            Error::Refused(format!(
                "the relay's user may not run MONITOR ({error}): give it the rights of docs/explanation/cache-relay.md"
            ))
        } else {
            failed()(error)
        });
    }
    drop(trial);
    end.client.get_async_monitor().await.map_err(failed())
}

impl Places {
    fn new(sites: &[Site], ends: &[End; 2]) -> Self {
        let [blue, green] = ends;
        let place = |end: &End, name: &str| Place {
            server: end.server,
            database: end.client.get_connection_info().redis.db,
            prefix: cache_key::prefix(name),
        };
        let (mut places, mut of, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for site in sites {
            let begin = places.len();
            places.extend([place(blue, &site.schema), place(green, &site.database)]);
            of.extend([From::Blue, From::Green]);
            // Blue before the hand-over and after a rollback.
            let before = place(blue, &site.database);
            if !places.contains(&before) {
                places.push(before);
                of.push(From::Blue);
            }
            groups.push((begin..places.len()).collect());
        }
        let pending = places.iter().map(|_| Mutex::default()).collect();
        let watched = Watched::new(&places);
        Self { all: places, of, groups, watched, pending, wake: Notify::new() }
    }

    /// Notes for the site's other places what a command makes stale.
    fn note(&self, server: usize, line: &Line<'_>, watch: &Watch) {
        for (said_at, stale) in self.watched.stale(server, line) {
            let group = self.groups.iter().find(|group| group.contains(&said_at));
            for position in group.into_iter().flatten().filter(|position| **position != said_at) {
                let pending = self.pending.get(*position);
                let Some(pending) = pending else { continue };
                pending.lock().unwrap_or_else(PoisonError::into_inner).add(stale.clone());
            }
            if let Some(from) = self.of.get(said_at) {
                watch.relayed(*from, 1);
            }
            self.wake.notify_one();
        }
    }

    fn take(&self) -> Vec<(usize, Pending)> {
        let taken = self
            .pending
            .iter()
            .map(|pending| std::mem::take(&mut *pending.lock().unwrap_or_else(PoisonError::into_inner)));
        taken.enumerate().filter(|(_, pending)| !pending.is_empty()).collect()
    }
}

/// Reads a server's lines as fast as they come: what is not read is kept in the server's memory.
async fn read(server: usize, monitor: Monitor, places: &Places, watch: &Watch) -> Result<Infallible, Error> {
    let mut lines = monitor.into_on_message::<Value>();
    while let Some(value) = lines.next().await {
        if let Value::SimpleString(text) = value {
            watch.line();
            if let Some(line) = Line::parse(text.as_bytes()) {
                places.note(server, &line, watch);
            }
        }
    }
    Err(Error::Waited("Redis closed the stream of its commands".to_owned()))
}

/// Says what waits, round after round.
async fn say(
    ends: &[End; 2],
    places: &Places,
    watch: &Watch,
    progress: &dyn Progress,
) -> Result<Infallible, Error> {
    loop {
        places.wake.notified().await;
        let work = places.take();
        let rounds = work.iter().map(|(position, pending)| async move {
            let (Some(place), Some(of)) = (places.all.get(*position), places.of.get(*position)) else {
                return Ok(());
            };
            let mut connection = match of {
                From::Blue => ends[0].connection.clone(),
                From::Green => ends[1].connection.clone(),
            };
            say_at(&mut connection, &place.prefix, pending).await?;
            if pending.everything {
                watch.cleared();
            }
            arrived(pending, *of, watch);
            Ok::<(), Error>(())
        });
        join_all(rounds).await.into_iter().collect::<Result<(), Error>>()?;
        if !watch.is_ready() && !work.is_empty() {
            watch.ready();
            let message = format!("{} places cleared; relaying", places.all.len());
            progress.report("relay", 1, 1, &message);
        }
    }
}

/// Says one place's invalidations; the probes last, so that their time is that of the whole round.
async fn say_at(
    connection: &mut MultiplexedConnection,
    prefix: &[u8],
    pending: &Pending,
) -> Result<(), Error> {
    let at = |name: &[u8]| [prefix, name].concat();
    let (probes, keys): (Vec<_>, Vec<_>) = pending.keys.iter().partition(|name| name.starts_with(PROBE));
    let mut pipe = redis::pipe();
    for chunk in keys.chunks(NAMES_A_COMMAND) {
        let names: Vec<Vec<u8>> = chunk.iter().map(|name| at(name)).collect();
        pipe.cmd("UNLINK").arg(names).arg(at(MARK)).ignore();
    }
    for (name, fields) in &pending.fields {
        let fields: Vec<&Vec<u8>> = fields.iter().collect();
        for chunk in fields.chunks(NAMES_A_COMMAND) {
            pipe.cmd("HDEL").arg(at(name)).arg(chunk).arg(MARK).ignore();
        }
    }
    if !pipe.is_empty() {
        tolerate(pipe.query_async::<()>(connection).await)?;
    }
    let mut patterns: Vec<Vec<u8>> =
        pending.patterns.iter().map(|pattern| stale::pattern_at(prefix, pattern)).collect();
    if pending.everything {
        patterns.push(stale::pattern_at(prefix, b"*"));
    }
    for pattern in patterns {
        cache::unlink(connection, &pattern, prefix).await?;
    }
    for probe in probes {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(at(probe)).arg(at(MARK));
        unlink.query_async::<()>(connection).await.map_err(Error::redis("delete keys"))?;
    }
    Ok(())
}

/// A field of what is no hash (any more) is not there: nothing to delete, and no reason to begin anew.
fn tolerate(said: redis::RedisResult<()>) -> Result<(), Error> {
    match said {
        Err(error) if error.code() == Some("WRONGTYPE") || error.to_string().contains("WRONGTYPE") => Ok(()),
        other => other.map_err(Error::redis("delete keys")),
    }
}

/// A probe of one side counts when it has come to the other's cache.
fn arrived(pending: &Pending, of: From, watch: &Watch) {
    for name in pending.keys.iter().filter_map(|name| name.strip_prefix(PROBE)) {
        let text = String::from_utf8_lossy(name);
        let Some((side, number)) = text.split_once(':') else { continue };
        for from in From::ALL.into_iter().filter(|from| from.name() == side && *from != of) {
            if let Ok(number) = number.parse() {
                watch.arrived(from, number);
            }
        }
    }
}

/// Deletes a key that nobody has, again and again, as Frappe would: its time to the other side is the lag, and one that
/// does not come is a stream that is dead and does not know it.
async fn probe(ends: &[End; 2], places: &Places, watch: &Watch) -> Result<Infallible, Error> {
    let mut number = 0_u64;
    loop {
        tokio::time::sleep(PROBE_EVERY).await;
        for (from, end) in From::ALL.into_iter().zip(ends) {
            if let Some(age) = watch.on_its_way(from) {
                if age > ANSWER_WITHIN {
                    let message = format!("no command of {}'s Redis is seen any more", from.name());
                    return Err(Error::Waited(message));
                }
                continue;
            }
            let Some(place) = places.all.get(usize::from(from == From::Green)) else { continue };
            number += 1;
            let key =
                [place.prefix.as_slice(), PROBE, format!("{}:{number}", from.name()).as_bytes()].concat();
            watch.sent(from, number);
            let mut connection = end.connection.clone();
            let sent = redis::cmd("UNLINK").arg(key).query_async::<()>(&mut connection).await;
            sent.map_err(Error::redis("measure the lag"))?;
        }
    }
}

async fn tell(watch: &Watch, progress: &dyn Progress) -> Infallible {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        progress.report("relay", 1, 1, &watch.summary());
    }
}
