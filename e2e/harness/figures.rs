//! What the users saw, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::load::Request;

/// Figures of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// All requests.
    pub requests: usize,
    /// Requests that failed for everybody to see.
    pub hard: usize,
    /// Requests with a good status that lost or hid a value.
    pub silent: usize,
    /// Failures by what they were: `<name> <status or silent>`.
    pub kinds: BTreeMap<String, usize>,
    /// Median and 99th percentile in milliseconds before, during and after the release.
    pub before: Latency,
    /// While it ran.
    pub during: Latency,
    /// Once it was over.
    pub after: Latency,
}

/// Latency of a window, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Requests in the window.
    pub requests: usize,
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
}

impl Figures {
    /// Counts requests; the release ran from `begin` to `end` (seconds since 1970).
    pub fn of(requests: &[Request], begin: f64, end: f64) -> Self {
        let failed = |kind: &str| requests.iter().filter(|r| r.failure.as_deref() == Some(kind)).count();
        let mut kinds = BTreeMap::new();
        for request in requests.iter().filter(|r| r.failure.is_some()) {
            *kinds.entry(kind(request)).or_insert(0) += 1;
        }
        let window = |from: f64, to: f64| latency(requests.iter().filter(|r| r.time >= from && r.time < to));
        Self {
            requests: requests.len(),
            hard: failed("hard"),
            silent: failed("silent"),
            kinds,
            before: window(0.0, begin),
            during: window(begin, end),
            after: window(end, f64::INFINITY),
        }
    }

    /// Whether no request failed, in any way.
    pub fn is_clean(&self) -> bool {
        self.hard == 0 && self.silent == 0
    }
}

fn kind(request: &Request) -> String {
    let class = if request.failure.as_deref() == Some("silent") {
        "silent".to_owned()
    } else {
        // Frappe's error body names the exception first.
        let word = [
            "ImportError",
            "OperationalError",
            "DataError",
            "MandatoryError",
            "ProgrammingError",
            "LinkValidationError",
        ]
        .into_iter()
        .find(|word| request.words.contains(word))
        .unwrap_or_default();
        format!("{} {word}", request.status).trim_end().to_owned()
    };
    format!("{} {class}", request.name)
}

fn latency<'a>(requests: impl Iterator<Item = &'a Request>) -> Latency {
    let mut all: Vec<f64> = requests.map(|request| request.ms).collect();
    all.sort_by(f64::total_cmp);
    let at = |share: usize| {
        all.get((all.len() * share / 100).min(all.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    Latency { requests: all.len(), p50: at(50), p99: at(99) }
}
