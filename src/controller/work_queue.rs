//! The work queue as far as it can be seen from outside of the runtime: which releases are looked at now, and which should be.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// A look that is late by less is on its way: a timer and a task need a moment.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// The releases that a watch knows at the moment, by `namespace/name`.
type Known = Box<dyn Fn() -> Vec<String> + Send + Sync>;

/// How a release stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It is looked at.
    Running,
    /// It should be looked at from then on.
    Due(Instant),
    /// Nothing but a change of it asks for the next look.
    Idle,
}

/// Reconciles that run, and those that wait for a place among them.
#[derive(Default)]
pub(super) struct WorkQueue {
    looks: Mutex<HashMap<String, Look>>,
    watches: Mutex<Vec<Known>>,
    running: Gauge,
    waiting: Gauge,
    oldest: Gauge,
}

impl WorkQueue {
    /// Adds its metrics to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("work_queue_running", "Releases that are looked at now", self.running.clone());
        registry.register("work_queue_waiting", "Releases whose next look is late", self.waiting.clone());
        let oldest = "Time that the latest of them is late";
        registry.register("work_queue_oldest_seconds", oldest, self.oldest.clone());
    }

    /// Asks a watch from now on which releases there are.
    pub(super) fn ask(&self, known: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(known));
    }

    /// A look at a release begins.
    pub(super) fn begun(&self, release: &str) {
        self.note(release, Look::Running);
    }

    /// A look ended; the next is due then, or only a change asks for one.
    pub(super) fn ended(&self, release: &str, next: Option<Instant>) {
        self.note(release, next.map_or(Look::Idle, Look::Due));
    }

    fn note(&self, release: &str, look: Look) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).insert(release.to_owned(), look);
    }

    /// Counts. A release that a watch knows and nobody has looked at yet is due since it was first counted.
    pub(super) fn count(&self, now: Instant) {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let known: BTreeSet<String> = watches.iter().flat_map(|known| known()).collect();
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is gone has no next look, whatever was asked for.
        looks.retain(|release, look| *look == Look::Running || known.contains(release));
        for release in known {
            looks.entry(release).or_insert(Look::Due(now));
        }
        let late = looks.values().filter_map(|look| match look {
            Look::Due(due) => Some(now.saturating_duration_since(*due)).filter(|late| *late >= ON_ITS_WAY),
            Look::Running | Look::Idle => None,
        });
        let late: Vec<Duration> = late.collect();
        let running = looks.values().filter(|look| **look == Look::Running).count();
        let oldest = late.iter().max().map_or(0, Duration::as_secs);
        self.running.set(running.try_into().unwrap_or(i64::MAX));
        self.waiting.set(late.len().try_into().unwrap_or(i64::MAX));
        self.oldest.set(oldest.try_into().unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Running, waiting, and seconds that the latest is late.
    fn counted(queue: &WorkQueue, now: Instant) -> (i64, i64, i64) {
        queue.count(now);
        (queue.running.get(), queue.waiting.get(), queue.oldest.get())
    }

    #[test]
    fn what_is_late_waits_and_what_runs_or_is_gone_does_not() {
        let names = Arc::new(Mutex::new(vec!["a/erp".to_owned(), "b/erp".to_owned()]));
        let (queue, of_watch) = (WorkQueue::default(), names.clone());
        queue.ask(move || of_watch.lock().unwrap().clone());
        let begin = Instant::now();
        let after = |seconds: u64| begin + Duration::from_secs(seconds);
        // Both are listed by the watch, and the operator has just started.
        assert_eq!(counted(&queue, begin), (0, 0, 0));
        assert_eq!(counted(&queue, after(20)), (0, 2, 20));
        queue.begun("a/erp");
        assert_eq!(counted(&queue, after(30)), (1, 1, 30));
        queue.ended("a/erp", Some(after(35)));
        queue.begun("b/erp");
        queue.ended("b/erp", None);
        assert_eq!(counted(&queue, after(35)), (0, 0, 0));
        assert_eq!(counted(&queue, after(42)), (0, 1, 7));
        names.lock().unwrap().retain(|name| name != "a/erp");
        assert_eq!(counted(&queue, after(50)), (0, 0, 0));
    }
}
