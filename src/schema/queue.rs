//! RQ's queues of one colour, told apart by `bench_id`: are they empty?

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::aio::MultiplexedConnection;

use super::Error;
use super::cache::connect;
use super::progress::Progress;
use crate::api::backlog::Backlog;

/// A job is in no list between its queue and its worker's registry: emptiness must last.
const EMPTY_FOR: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Waits until the queues `names` of `bench_id` are empty, at most `bound`.
pub async fn drain(
    url: &str,
    bench_id: &str,
    names: &[String],
    bound: Duration,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut connection = connect(url).await?;
    let begun = Instant::now();
    let (mut empty_since, mut told, mut most) = (None, None::<Instant>, 0);
    loop {
        let mut left = Vec::new();
        for name in names {
            left.push((name, backlog(&mut connection, &format!("{bench_id}:{name}")).await?));
        }
        let total: u64 = left.iter().map(|(_, backlog)| backlog.total()).sum();
        most = most.max(total);
        if total > 0 {
            empty_since = None;
        } else if empty_since.get_or_insert_with(Instant::now).elapsed() >= EMPTY_FOR {
            progress.report("drain", most, most, &format!("the queues of {bench_id} are empty"));
            return Ok(());
        }
        let overdue = begun.elapsed() >= bound;
        if overdue || told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            let message = describe(&left);
            progress.report("drain", most - total, most, &message);
            told = Some(Instant::now());
            if overdue {
                return Err(Error::Waited(format!(
                    "{total} jobs are left after {} s: {message}",
                    bound.as_secs()
                )));
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What is in each of the queues `names` of `bench_id`, at one look.
pub async fn backlogs(
    url: &str,
    bench_id: &str,
    names: &[String],
) -> Result<BTreeMap<String, Backlog>, Error> {
    let mut connection = connect(url).await?;
    let mut all = BTreeMap::new();
    for name in names {
        all.insert(name.clone(), backlog(&mut connection, &format!("{bench_id}:{name}")).await?);
    }
    Ok(all)
}

/// One look at one queue (its full name, `<bench_id>:<name>`), atomic.
async fn backlog(connection: &mut MultiplexedConnection, queue: &str) -> Result<Backlog, Error> {
    // The score in the registry is the time at which the job counts as lost.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (queued, running, scheduled, deferred) = redis::pipe()
        .atomic()
        .cmd("LLEN")
        .arg(format!("rq:queue:{queue}"))
        .cmd("ZCOUNT")
        .arg(format!("rq:wip:{queue}"))
        .arg(now)
        .arg("+inf")
        .cmd("ZCARD")
        .arg(format!("rq:scheduled:{queue}"))
        .cmd("ZCARD")
        .arg(format!("rq:deferred:{queue}"))
        .query_async(connection)
        .await
        .map_err(Error::redis("look at the queues"))?;
    Ok(Backlog { queued, running, scheduled, deferred })
}

fn describe(left: &[(&String, Backlog)]) -> String {
    let parts: Vec<String> = left
        .iter()
        .filter(|(_, backlog)| backlog.total() > 0)
        .map(|(name, backlog)| format!("{name}: {backlog}"))
        .collect();
    if parts.is_empty() { "empty, waiting whether it lasts".to_owned() } else { parts.join("; ") }
}
