//! A colour's keys in Redis: Frappe puts `<db_name>|` before each, so the schema's name is blue's prefix.

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

use super::Error;
use super::cache_key::{self, DEFERRED, MARK, SEARCH_QUEUE, USER_SETTINGS, lives_in_redis_alone};

/// How the text `{}` ends as Python's pickle writes it (protocol 4 and 5), which is how Frappe keeps what it found in the table for
/// a user without settings (`get_user_settings` in `frappe/model/utils/user_settings.py`): no newer than what waits elsewhere.
const NO_SETTINGS: &[u8] = b"\x8c\x02{}\x94.";

/// How many keys were removed, and how much that waits was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Keys that are gone.
    pub keys: u64,
    /// Rows of deferred inserts, entries for the search index and settings of users that were moved to the other prefix.
    pub moved: u64,
}

/// Deletes `<prefix>|*` except what lives in Redis alone, which stays.
pub async fn clear(url: &str, prefix: &str) -> Result<Cleared, Error> {
    let mut connection = connect(url).await?;
    let prefix = cache_key::prefix(prefix);
    let pattern = [cache_key::escape(&prefix), b"*".to_vec()].concat();
    let keys = unlink(&mut connection, &pattern, &prefix).await?;
    Ok(Cleared { keys, moved: 0 })
}

/// Deletes `<prefix>|*`, after moving what waits to be written to the database behind what waits under the prefix
/// `to`, in Redis `to_url`.
pub async fn retire(url: &str, prefix: &str, to_url: &str, to: &str) -> Result<Cleared, Error> {
    let mut from = connect(url).await?;
    let mut target = connect(to_url).await?;
    let (prefix, to) = (cache_key::prefix(prefix), cache_key::prefix(to));
    let mut moved = 0;
    let everything = keys(&mut from, &[cache_key::escape(&prefix), b"*".to_vec()].concat()).await?;
    for key in &everything {
        let name = key.get(prefix.len()..).unwrap_or_default();
        let there = [&to, name].concat();
        if name.starts_with(DEFERRED) || name == SEARCH_QUEUE {
            moved += move_list(&mut from, &mut target, key, &there).await?;
        } else if name == USER_SETTINGS {
            moved += move_fields(&mut from, &mut target, key, &there).await?;
        }
    }
    // What came while the lists were moved waits for the next run.
    let queued = [&prefix, DEFERRED].concat();
    let doomed: Vec<Vec<u8>> = everything.into_iter().filter(|key| !key.starts_with(&queued)).collect();
    Ok(Cleared { keys: unlink_all(&mut from, &doomed, &prefix).await?, moved })
}

/// Copies the settings of users that wait under one prefix over those under another, which are older; not those that are
/// empty.
pub async fn renew_settings(url: &str, prefix: &str, to_url: &str, to: &str) -> Result<(), Error> {
    let (mut from, mut target) = (connect(url).await?, connect(to_url).await?);
    let failed = || Error::redis("copy settings of users");
    let [here, there] =
        [prefix, to].map(|prefix| [cache_key::prefix(prefix), USER_SETTINGS.to_vec()].concat());
    let mut fields: Vec<(Vec<u8>, Vec<u8>)> = from.hgetall(here).await.map_err(failed())?;
    fields.retain(|(_, settings)| !settings.ends_with(NO_SETTINGS));
    for chunk in fields.chunks(500) {
        let _: () = target.hset_multiple(&there, chunk).await.map_err(failed())?;
    }
    Ok(())
}

/// Row by row, written before it is taken away: a kill between the two gives a row twice and never loses one.
async fn move_list(
    from: &mut MultiplexedConnection,
    target: &mut MultiplexedConnection,
    key: &[u8],
    to: &[u8],
) -> Result<u64, Error> {
    let mut moved = 0;
    let failed = || Error::redis("move deferred inserts");
    let kind: String = redis::cmd("TYPE").arg(key).query_async(from).await.map_err(failed())?;
    if kind != "list" {
        return Ok(0);
    }
    // As many as there are now: two addresses may name the same Redis, and then the list would never get empty.
    let waiting: u64 = from.llen(key).await.map_err(failed())?;
    while moved < waiting {
        let row: Option<Vec<u8>> = from.lindex(key, 0).await.map_err(failed())?;
        let Some(row) = row else { break };
        let _: i64 = target.rpush(to, row).await.map_err(failed())?;
        let _: Option<Vec<u8>> = from.lpop(key, None).await.map_err(failed())?;
        moved += 1;
    }
    Ok(moved)
}

/// A field that is there already is newer, unless it is empty: its user is on the colour that goes on.
async fn move_fields(
    from: &mut MultiplexedConnection,
    target: &mut MultiplexedConnection,
    key: &[u8],
    to: &[u8],
) -> Result<u64, Error> {
    let failed = || Error::redis("move settings of users");
    let fields: Vec<(Vec<u8>, Vec<u8>)> = from.hgetall(key).await.map_err(failed())?;
    let mut moved = 0;
    for (field, value) in fields {
        let there: Option<Vec<u8>> = target.hget(to, &field).await.map_err(failed())?;
        let is_new = if there.is_some_and(|settings| settings.ends_with(NO_SETTINGS)) {
            let _: i64 = target.hset(to, field, value).await.map_err(failed())?;
            true
        } else {
            // What its user saves at this moment stays.
            target.hset_nx(to, field, value).await.map_err(failed())?
        };
        moved += u64::from(is_new);
    }
    Ok(moved)
}

/// Deletes what a pattern finds under a prefix, except what lives in Redis alone; gives the number of keys.
pub(super) async fn unlink(
    connection: &mut MultiplexedConnection,
    pattern: &[u8],
    prefix: &[u8],
) -> Result<u64, Error> {
    let mut doomed = keys(connection, pattern).await?;
    doomed.retain(|key| key.starts_with(prefix) && !is_kept(key, prefix));
    unlink_all(connection, &doomed, prefix).await
}

fn is_kept(key: &[u8], prefix: &[u8]) -> bool {
    key.strip_prefix(prefix).is_some_and(lives_in_redis_alone)
}

/// The last name is that by which a relay knows that it is not to carry this on: the other colour's cache is as good as before.
async fn unlink_all(
    connection: &mut MultiplexedConnection,
    doomed: &[Vec<u8>],
    prefix: &[u8],
) -> Result<u64, Error> {
    let mark = [prefix, MARK].concat();
    let mut gone = 0;
    for chunk in doomed.chunks(500) {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(chunk).arg(&mark);
        let removed: u64 = unlink.query_async(connection).await.map_err(Error::redis("delete keys"))?;
        gone += removed;
    }
    Ok(gone)
}

async fn keys(connection: &mut MultiplexedConnection, pattern: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = std::collections::BTreeSet::new();
    let mut cursor = 0_u64;
    loop {
        let (next, page): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(1000)
            .query_async(connection)
            .await
            .map_err(Error::redis("list keys"))?;
        found.extend(page);
        if next == 0 {
            return Ok(found.into_iter().collect());
        }
        cursor = next;
    }
}

/// A connection to one logical database, as the URL's path says.
pub(crate) async fn connect(url: &str) -> Result<MultiplexedConnection, Error> {
    // The client's message about a bad URL does not quote it; it may hold a password.
    let client = redis::Client::open(url).map_err(Error::redis("read the address of Redis"))?;
    client.get_multiplexed_async_connection().await.map_err(Error::redis("connect to Redis"))
}
