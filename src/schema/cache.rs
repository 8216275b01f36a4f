//! A colour's keys in Redis: Frappe puts `<db_name>|` before each, so the schema's name is blue's prefix.

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

use super::Error;

/// What follows the prefix of Frappe's deferred inserts: lists of rows that are not in the database yet. They are
/// never deleted: whoever works under the prefix they are moved to writes them.
const DEFERRED: &str = "insert_queue_for_";

/// How many keys were removed, and how many waiting rows were moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Keys that are gone.
    pub keys: u64,
    /// Rows of deferred inserts that were moved to the other prefix.
    pub moved: u64,
}

/// Deletes `<prefix>|*` except deferred inserts, which stay.
pub async fn clear(url: &str, prefix: &str) -> Result<Cleared, Error> {
    let mut connection = connect(url).await?;
    remove(&mut connection, prefix).await
}

/// Deletes `<prefix>|*`, after moving its deferred inserts behind those of the prefix `to`, in Redis `to_url`.
pub async fn retire(url: &str, prefix: &str, to_url: &str, to: &str) -> Result<Cleared, Error> {
    let mut from = connect(url).await?;
    let mut target = connect(to_url).await?;
    let mut moved = 0;
    for key in keys(&mut from, &format!("{}|{DEFERRED}*", escape(prefix))).await? {
        let kind: String = redis::cmd("TYPE")
            .arg(&key)
            .query_async(&mut from)
            .await
            .map_err(Error::redis("look at a key"))?;
        if kind == "list" {
            moved += move_list(&mut from, &mut target, &key, &key.replacen(prefix, to, 1)).await?;
        }
    }
    let cleared = remove(&mut from, prefix).await?;
    Ok(Cleared { moved, ..cleared })
}

/// Row by row, written before it is taken away: a kill between the two gives a row twice and never loses one.
async fn move_list(
    from: &mut MultiplexedConnection,
    target: &mut MultiplexedConnection,
    key: &str,
    to: &str,
) -> Result<u64, Error> {
    let mut moved = 0;
    let failed = || Error::redis("move deferred inserts");
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

async fn remove(connection: &mut MultiplexedConnection, prefix: &str) -> Result<Cleared, Error> {
    let kept = format!("{prefix}|{DEFERRED}");
    let mut found = keys(connection, &format!("{}|*", escape(prefix))).await?;
    found.retain(|key| !key.starts_with(&kept));
    let mut cleared = Cleared::default();
    for chunk in found.chunks(500) {
        let removed: u64 = redis::cmd("UNLINK")
            .arg(chunk)
            .query_async(connection)
            .await
            .map_err(Error::redis("delete keys"))?;
        cleared.keys += removed;
    }
    Ok(cleared)
}

async fn keys(connection: &mut MultiplexedConnection, pattern: &str) -> Result<Vec<String>, Error> {
    let mut found = std::collections::BTreeSet::new();
    let mut cursor = 0_u64;
    loop {
        let (next, page): (u64, Vec<String>) = redis::cmd("SCAN")
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

/// A prefix as literal text of a SCAN pattern.
fn escape(prefix: &str) -> String {
    prefix.chars().flat_map(|c| if "*?[]\\^".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}
