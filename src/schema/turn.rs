//! Whose turn it is: of the schedulers of all colours exactly one runs, the one that holds a key in the queues' Redis.
//!
//! The key is where the jobs go, so a scheduler that cannot keep its turn cannot enqueue either. It is a lease: who is
//! killed loses it by time, and who cannot renew it stops its scheduler before anybody else may begin.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use super::Error;
use super::cache::connect;
use super::progress::Progress;

/// How long a turn lasts that is not renewed.
const LEASE: Duration = Duration::from_secs(10);
/// Earlier than that a turn counts as lost: time to end the scheduler while nobody else may have begun.
const LOST_AFTER: Duration = Duration::from_secs(7);
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// One question to Redis takes no longer, or it has failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const ASK_EVERY: Duration = Duration::from_millis(100);
const TELL_EVERY: Duration = Duration::from_secs(30);

/// Takes the turn or renews it, if nobody else has it; gives who has it.
const HOLD: &str = "local held = redis.call('GET', KEYS[1]) \
                    if held and held ~= ARGV[1] then return held end \
                    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) \
                    return ARGV[1]";
const GIVE_UP: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// The place of one scheduler among those of a release.
pub struct Turn {
    url: String,
    key: String,
    holder: String,
    connection: Option<MultiplexedConnection>,
    /// When the turn was asked for that was given last: the lease is not shorter.
    held_since: Instant,
}

impl Turn {
    /// The place of `holder`, which no other process has, among the schedulers of `release` (`<namespace>/<name>`).
    pub fn new(url: String, release: &str, holder: String) -> Self {
        // A user of Redis as Frappe makes them may touch `rq:[^q]*` and its own queues
        // (frappe/utils/redis_queue.py:get_acl_key_rules).
        let key = format!("rq:crossfade:scheduler:{release}");
        Self { url, key, holder, connection: None, held_since: Instant::now() }
    }

    /// Waits until nobody else has the turn, and takes it; says from time to time who has it, or that Redis is away.
    pub async fn take(&mut self, progress: &dyn Progress) {
        let mut told = None::<Instant>;
        loop {
            let why = match self.hold().await {
                Ok(holder) if holder == self.holder => return,
                Ok(holder) => format!("{holder} has the turn"),
                Err(error) => error.to_string(),
            };
            if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                progress.report("schedule", 0, 1, &format!("waiting for the turn: {why}"));
                told = Some(Instant::now());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Renews the turn until it is lost; gives the reason.
    pub async fn lost(&mut self) -> String {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match self.hold().await {
                Ok(holder) if holder == self.holder => {}
                Ok(holder) => return format!("{holder} has it"),
                Err(error) if self.held_since.elapsed() + RENEW_EVERY + ANSWER_WITHIN > LOST_AFTER => {
                    return error.to_string();
                }
                Err(_) => {}
            }
        }
    }

    /// Lets the next one begin; what Redis does not hear ends with the lease.
    pub async fn give_up(&mut self) {
        let _ = self.ask(GIVE_UP).await;
    }

    async fn hold(&mut self) -> Result<String, Error> {
        let asked = Instant::now();
        let holder = self.ask(HOLD).await?;
        if holder == self.holder {
            self.held_since = asked;
        }
        Ok(holder)
    }

    async fn ask(&mut self, script: &str) -> Result<String, Error> {
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.try_ask(script)).await;
        let answer = answer.unwrap_or_else(|_| Err(Error::Waited("Redis gave no answer".to_owned())));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    async fn try_ask(&mut self, script: &str) -> Result<String, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.url).await?,
        };
        let lease = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        let answer = redis::cmd("EVAL")
            .arg(script)
            .arg(1)
            .arg(&self.key)
            .arg(&self.holder)
            .arg(lease)
            .query_async(&mut connection)
            .await
            .map_err(Error::redis("ask whose turn it is to schedule"))?;
        self.connection = Some(connection);
        Ok(answer)
    }
}
