//! The cache relay: what one colour's code deletes from its cache is deleted from the other's as well.
//!
//! Blue and green cache the same rows under two prefixes, in two logical databases (or servers). Each deletes what it
//! changed under its own prefix alone, so a changed role would stay as it was for the users of the other colour. The
//! relay reads all commands by MONITOR, which shows also what deletes nothing (keyspace events do not: the colour that
//! changes a document need not have cached it), and says them again for the other places. It never carries values.
//!
//! | file | |
//! |---|---|
//! | `line` | one line of MONITOR, decoded exactly |
//! | `stale` | which commands make what stale, and what must not cross |
//! | `pending` | what waits for a place, bounded |
//! | `link` | one connected time: from connect to the first failure |
//! | `watch` | lag, counters, readiness |
//!
//! What was said while a server was away is not known. So each time it is connected, the relay first clears all
//! prefixes but for what lives in Redis alone, and is ready after that.

mod line;
mod link;
mod pending;
mod stale;
mod watch;

use std::future::Future;
use std::time::Duration;

use super::Error;
use super::progress::Progress;
pub use watch::Watch;

/// Pauses between two tries to connect: doubled up to the second.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// One site: two names that are prefixes in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The site's database: the prefix of green, and of blue before the hand-over and after a rollback.
    pub database: String,
    /// Blue's schema of this release: the prefix of blue during it.
    pub schema: String,
}

/// What is kept in step.
#[derive(Clone)]
pub struct Settings {
    /// URL of the cache that blue uses, with its logical database.
    pub blue: String,
    /// URL of the cache that green uses.
    pub green: String,
    /// The sites of the bench.
    pub sites: Vec<Site>,
}

// By hand: the URLs hold passwords.
impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Settings").field("sites", &self.sites).finish_non_exhaustive()
    }
}

/// Relays until `stop` ends. A Redis that is away is waited for; one that refuses the relay at the start is an error.
pub async fn run(
    settings: &Settings,
    watch: &Watch,
    progress: &dyn Progress,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    tokio::select! {
        () = stop => Ok(()),
        error = forever(settings, watch, progress) => Err(error),
    }
}

/// Connects again and again; gives the first error that no waiting can mend.
async fn forever(settings: &Settings, watch: &Watch, progress: &dyn Progress) -> Error {
    let mut pause = PAUSES[0];
    loop {
        let error = link::hold(settings, watch, progress).await;
        let was_ready = watch.lost();
        if error.is_refusal() && !watch.was_ever_ready() {
            return error;
        }
        pause = if was_ready { PAUSES[0] } else { (pause * 2).min(PAUSES[1]) };
        let message = format!("{error}; connecting again in {} ms, then all is cleared", pause.as_millis());
        progress.report("relay", 0, 1, &message);
        tokio::time::sleep(pause).await;
    }
}
