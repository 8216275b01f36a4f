//! How the relay does: lag, counters, readiness.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::api::figures::{ColourFigures, RelayFigures};

/// From which colour's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum From {
    /// Blue's.
    Blue,
    /// Green's.
    Green,
}

impl From {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Blue, Self::Green];

    /// The word in labels and in a probe's key.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Side {
    from: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// What the relay tells about itself.
pub struct Watch {
    registry: Registry,
    ready: Gauge,
    lag: Family<Side, Seconds>,
    lags: Family<Side, Histogram>,
    relayed: Family<Side, Counter>,
    lines: Counter,
    clears: Counter,
    lost: Counter,
    is_ready: AtomicBool,
    was_ready: AtomicBool,
    probes: Mutex<HashMap<From, (u64, Instant)>>,
    worst: Mutex<HashMap<From, Duration>>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Watch").field("is_ready", &self.is_ready()).finish_non_exhaustive()
    }
}

impl Default for Watch {
    fn default() -> Self {
        let mut watch = Self {
            registry: Registry::with_prefix("crossfade_relay"),
            ready: Gauge::default(),
            lag: Family::default(),
            lags: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.0, 14))),
            relayed: Family::default(),
            lines: Counter::default(),
            clears: Counter::default(),
            lost: Counter::default(),
            is_ready: AtomicBool::default(),
            was_ready: AtomicBool::default(),
            probes: Mutex::default(),
            worst: Mutex::default(),
        };
        watch.register();
        watch
    }
}

impl Watch {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("ready", "1 while both caches are in step", self.ready.clone());
        let lag = "Age of the last invalidation that arrived, or of the one that is still on its way";
        registry.register("lag_seconds", lag, self.lag.clone());
        registry.register("probe_seconds", "Time from a probe to its arrival", self.lags.clone());
        let relayed = "Keys, fields and patterns that were said again for the other places";
        registry.register("invalidations", relayed, self.relayed.clone());
        registry.register("lines", "Commands that MONITOR showed", self.lines.clone());
        registry.register("clears", "Prefixes that were cleared as a whole", self.clears.clone());
        registry.register("connections_lost", "Times that a Redis went away", self.lost.clone());
    }

    /// Whether both caches are in step now.
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// Whether they ever were.
    pub(super) fn was_ever_ready(&self) -> bool {
        self.was_ready.load(Ordering::Relaxed)
    }

    /// The text of `/metrics`; what is still on its way counts with its age.
    pub fn metrics(&self) -> Result<String, std::fmt::Error> {
        for from in From::ALL {
            if let Some(age) = self.on_its_way(from) {
                let lag = self.lag.get_or_create(&Side { from: from.name() });
                lag.set(lag.get().max(age.as_secs_f64()));
            }
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).map(|()| text)
    }

    /// What the operator is told: the lag of each side, once there is one.
    pub fn figures(&self) -> RelayFigures {
        let colour = |from: From| {
            let known = self.lag.get(&Side { from: from.name() }).map(|lag| lag.get());
            let known = known.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            let lag = known.max(self.on_its_way(from).filter(|_| known.is_some()));
            let milliseconds = lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
            ColourFigures { lag_milliseconds: milliseconds, queues: None }
        };
        RelayFigures { blue: colour(From::Blue), green: colour(From::Green) }
    }

    pub(super) fn ready(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
        self.was_ready.store(true, Ordering::Relaxed);
        self.ready.set(1);
    }

    /// Notes that a server is away; gives whether all was well before.
    pub(super) fn lost(&self) -> bool {
        self.ready.set(0);
        self.lost.inc();
        self.probes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.is_ready.swap(false, Ordering::Relaxed)
    }

    pub(super) fn line(&self) {
        self.lines.inc();
    }

    pub(super) fn cleared(&self) {
        self.clears.inc();
    }

    pub(super) fn relayed(&self, from: From, count: u64) {
        self.relayed.get_or_create(&Side { from: from.name() }).inc_by(count);
    }

    /// How long the probe of a side is on its way; `None` if none is.
    pub(super) fn on_its_way(&self, from: From) -> Option<Duration> {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.get(&from).map(|(_, sent)| sent.elapsed())
    }

    pub(super) fn sent(&self, from: From, number: u64) {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner).insert(from, (number, Instant::now()));
    }

    /// Notes that a probe has come to the other side.
    pub(super) fn arrived(&self, from: From, number: u64) {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, sent)) = probes.get(&from).copied().filter(|(known, _)| *known == number) else {
            return;
        };
        probes.remove(&from);
        let took = sent.elapsed();
        let side = Side { from: from.name() };
        self.lag.get_or_create(&side).set(took.as_secs_f64());
        self.lags.get_or_create(&side).observe(took.as_secs_f64());
        let mut worst = self.worst.lock().unwrap_or_else(PoisonError::into_inner);
        let known = worst.entry(from).or_default();
        *known = took.max(*known);
    }

    /// The longest times since this was asked last, and the numbers so far, as one line.
    pub(super) fn summary(&self) -> String {
        let mut worst = self.worst.lock().unwrap_or_else(PoisonError::into_inner);
        let lags: Vec<String> = From::ALL
            .iter()
            .map(|from| {
                let lag = worst.remove(from).unwrap_or_default();
                format!("longest lag from {} {:.1} ms", from.name(), lag.as_secs_f64() * 1e3)
            })
            .collect();
        let relayed: u64 =
            From::ALL.iter().map(|from| self.relayed.get_or_create(&Side { from: from.name() }).get()).sum();
        let (lines, clears) = (self.lines.get(), self.clears.get());
        format!("{}; {relayed} invalidations of {lines} commands, {clears} clears", lags.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_counts_once_and_only_the_one_that_is_on_its_way() {
        let watch = Watch::default();
        watch.sent(From::Blue, 1);
        watch.arrived(From::Green, 1);
        watch.arrived(From::Blue, 7);
        assert!(watch.on_its_way(From::Blue).is_some());
        watch.arrived(From::Blue, 1);
        watch.arrived(From::Blue, 1);
        assert!(watch.on_its_way(From::Blue).is_none());
        let figures = watch.figures();
        assert_eq!((figures.blue.lag_milliseconds.is_some(), figures.green.lag_milliseconds), (true, None));
        let text = watch.metrics().unwrap();
        assert!(text.contains("crossfade_relay_probe_seconds_count{from=\"blue\"} 1"), "{text}");
    }
}
