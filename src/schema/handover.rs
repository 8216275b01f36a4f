//! The hand-over: blue's configuration names its schema now, and this waits until nobody is left on the tables.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sqlx::MySqlConnection;

use super::connection::Database;
use super::inspect::{self, Connected};
use super::progress::Progress;
use super::question::Question;
use super::{Error, Session};

/// Frappe is connected for the length of a request or job, some 10 ms at least: between two looks further apart a short one
/// would go unseen where the server does not count.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const TELL_EVERY: Duration = Duration::from_secs(5);
/// So many connections are named where they are asked for once.
const NAMED: usize = 10;

/// Waits until no connection of `user` was seen for `quiet`, at most `bound`; gives the time it took.
///
/// Where the server keeps `performance_schema`, its count of all connections that the user ever made must stand
/// still as well, so that none can slip through between two looks.
pub async fn run(
    database: &Database,
    user: &str,
    quiet: Duration,
    bound: Duration,
    progress: &dyn Progress,
) -> Result<Duration, Error> {
    let mut connection = database.connect().await?;
    let begun = Instant::now();
    let (mut quiet_since, mut told, mut made) =
        (None, None::<Instant>, connections_made(&mut connection, user).await);
    loop {
        let connected = inspect::connections_of(&mut connection, user).await?;
        let made_now = connections_made(&mut connection, user).await;
        if !connected.is_empty() || made_now != made {
            quiet_since = None;
        } else if quiet_since.get_or_insert_with(Instant::now).elapsed() >= quiet {
            progress.report("handover", 1, 1, &format!("no connection of {user} for {} s", quiet.as_secs()));
            return Ok(begun.elapsed());
        }
        made = made_now;
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            progress.report("handover", 0, 1, &describe(user, &connected, quiet, 1));
            told = Some(Instant::now());
        }
        if begun.elapsed() >= bound {
            let description = describe(user, &connected, quiet, 1);
            return Err(Error::Waited(format!("{description}; waited {} s", bound.as_secs())));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Says who is connected as the tables' own user, in a sentence.
pub async fn connected(session: &mut Session<'_>) -> Result<String, Error> {
    let user = session.tables_user();
    let connected = inspect::connections_of(&mut session.connection, &user).await?;
    if connected.is_empty() {
        return Ok(format!("nobody is connected as {user}"));
    }
    Ok(describe(&user, &connected, Duration::ZERO, NAMED))
}

/// Waits until no connection of a user lives, as long as the session's settings allow.
pub(crate) async fn wait_until_gone(session: &mut Session<'_>, user: &str) -> Result<(), Error> {
    let begun = Instant::now();
    let mut told = None::<Instant>;
    loop {
        let connected = inspect::connections_of(&mut session.connection, user).await?;
        if connected.is_empty() {
            return Ok(());
        }
        let description = describe(user, &connected, Duration::ZERO, 1);
        if begun.elapsed() >= session.settings.connection_wait {
            return Err(Error::Waited(format!("{description}; waited {} s", begun.elapsed().as_secs())));
        }
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            session.progress.report("connections", 0, 1, &description);
            told = Some(Instant::now());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How many connections a user has made since the server's start; `None` where the server does not count.
async fn connections_made(connection: &mut MySqlConnection, user: &str) -> Option<i64> {
    Question::fixed("SELECT CAST(TOTAL_CONNECTIONS AS SIGNED) FROM performance_schema.users WHERE USER = ?")
        .with(user)
        .scalar_optional(connection)
        .await
        .ok()
        .flatten()
}

/// How many there are, where from, and the `named` ones that are longest at what they do.
fn describe(user: &str, connected: &[Connected], quiet: Duration, named: usize) -> String {
    if connected.is_empty() {
        return format!("nobody is connected as {user}; waiting for {} quiet seconds", quiet.as_secs());
    }
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in connected {
        let host = one.host.rsplit_once(':').map_or(one.host.as_str(), |(host, _)| host);
        *hosts.entry(host).or_default() += 1;
    }
    let hosts: Vec<String> = hosts.into_iter().map(|(host, count)| format!("{host} ({count})")).collect();
    let mut longest: Vec<&Connected> = connected.iter().collect();
    longest.sort_by_key(|one| std::cmp::Reverse(one.seconds));
    let more = if connected.len() > named && named > 1 { ", ..." } else { "" };
    let longest: Vec<String> = longest.into_iter().take(named).map(ToString::to_string).collect();
    format!(
        "{} still connected as {user}, from {}; longest: {}{more}",
        connected.len(),
        hosts.join(", "),
        longest.join(", ")
    )
}
