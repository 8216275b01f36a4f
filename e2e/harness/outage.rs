//! A server that a bench rests on is killed: from when until when users may notice.

use std::time::Duration;

use serde_json::Value;

use super::Fallible;
use super::bench::Bench;
use super::cluster::{Namespace, until};
use super::load::{Request, now};

/// Seconds after a server is ready again in which a request may still fail: it had begun with a connection, an address or
/// a state of the time before.
const MARGIN: f64 = 3.0;

/// A server that a bench rests on and Crossfade does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The database.
    MariaDb,
    /// Redis of the caches, which loses all it holds.
    RedisCache,
    /// Redis of the queues, which keeps what it holds.
    RedisQueue,
    /// What carries the gateway's requests.
    Envoy,
    /// What tells Envoy of routes, and routes that they are accepted.
    Contour,
}

impl Server {
    /// Every server.
    pub const ALL: [Self; 5] =
        [Self::MariaDb, Self::RedisCache, Self::RedisQueue, Self::Envoy, Self::Contour];

    /// Where its Pod is, and the label that names it.
    fn place(self, bench: &Bench) -> (Namespace, &'static str) {
        let gateway = || Namespace { name: "projectcontour".to_owned() };
        match self {
            Self::MariaDb => (bench.namespace.clone(), "app=mariadb"),
            Self::RedisCache => (bench.namespace.clone(), "app=redis-cache"),
            Self::RedisQueue => (bench.namespace.clone(), "app=redis-queue"),
            Self::Envoy => (gateway(), "app=envoy-gw"),
            Self::Contour => (gateway(), "app=contour-gw"),
        }
    }

    /// Whether the requests of the load need it: then somebody must meet its outage, and else nobody may.
    pub fn is_missed(self) -> bool {
        match self {
            Self::MariaDb | Self::RedisCache | Self::Envoy => true,
            Self::RedisQueue | Self::Contour => false,
        }
    }

    /// Kills its Pod without grace and waits until another one is ready.
    pub fn kill(self, bench: &Bench) -> Fallible<Outage> {
        let (namespace, label) = self.place(bench);
        let before = namespace.list("pods", label)?;
        let is_new = |pod: &Value| before.iter().all(|old| old["metadata"]["uid"] != pod["metadata"]["uid"]);
        let from = now();
        namespace.kubectl(&["delete", "pod", "-l", label, "--force", "--grace-period=0"])?;
        until(&format!("another Pod of {self:?}"), Duration::from_mins(2), || {
            let pods = namespace.list("pods", label)?;
            Ok(pods.iter().any(|pod| is_new(pod) && is_ready(pod)).then_some(()))
        })?;
        Ok(Outage { server: self, from, until: now() })
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}

/// A server was away.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    /// Which one.
    pub server: Server,
    /// When it was killed, in seconds since 1970.
    pub from: f64,
    /// When it was ready again.
    pub until: f64,
}

impl Outage {
    /// Whether a request that failed can have met it: it had not ended before and did not begin after.
    pub fn explains(&self, request: &Request) -> bool {
        self.server.is_missed() && self.overlaps(request.time - request.ms / 1000.0, request.time, MARGIN)
    }

    /// Whether the time from `begin` to `end` has a part in it, or in so many seconds after it.
    pub fn overlaps(&self, begin: f64, end: f64, margin: f64) -> bool {
        end >= self.from && begin <= self.until + margin
    }

    /// Seconds that it lasted.
    pub fn seconds(&self) -> f64 {
        self.until - self.from
    }
}
