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
    /// Those of the hard ones that the database ended because of a deadlock.
    pub deadlocks: usize,
    /// Whole seconds in which not one request ended well.
    pub seconds_without_service: usize,
    /// Failures by what they were: `<name> <status or silent>`.
    pub kinds: BTreeMap<String, usize>,
    /// Latency before, during and after the release.
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
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// What ended in one second.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Second {
    /// Its beginning, in seconds since 1970.
    pub at: f64,
    /// Requests that failed for everybody to see.
    pub hard: usize,
    /// Requests with a good status that lost or hid a value.
    pub silent: usize,
    /// All requests, with their latency; 0 where there was none.
    #[serde(flatten)]
    pub latency: Latency,
}

impl Second {
    /// Requests that ended well.
    pub fn good(&self) -> usize {
        self.latency.requests - self.hard - self.silent
    }
}

impl Figures {
    /// Counts requests, which are in the order of time; the release ran from `begin` to `end` (seconds since 1970).
    pub fn of(requests: &[Request], begin: f64, end: f64) -> Self {
        let mut kinds = BTreeMap::new();
        for request in requests.iter().filter(|r| r.failure.is_some()) {
            *kinds.entry(kind(request)).or_insert(0) += 1;
        }
        let window = |from: f64, to: f64| latency(requests.iter().filter(|r| r.time >= from && r.time < to));
        Self {
            requests: requests.len(),
            hard: failed(requests, "hard"),
            silent: failed(requests, "silent"),
            deadlocks: requests.iter().filter(|r| r.failure.is_some() && is_deadlock(r)).count(),
            seconds_without_service: by_second(requests).iter().filter(|second| second.good() == 0).count(),
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

/// The whole seconds between the first request and the last, which are in the order of time.
pub fn by_second(requests: &[Request]) -> Vec<Second> {
    let (Some(first), Some(last)) = (requests.first(), requests.last()) else { return Vec::new() };
    let (mut rest, mut seconds) = (requests, Vec::new());
    let mut at = first.time.ceil();
    while at + 1.0 <= last.time {
        rest = &rest[rest.partition_point(|request| request.time < at)..];
        let ended = &rest[..rest.partition_point(|request| request.time < at + 1.0)];
        let (hard, silent) = (failed(ended, "hard"), failed(ended, "silent"));
        seconds.push(Second { at, hard, silent, latency: latency(ended.iter()) });
        at += 1.0;
    }
    seconds
}

fn failed(requests: &[Request], kind: &str) -> usize {
    requests.iter().filter(|request| request.failure.as_deref() == Some(kind)).count()
}

fn is_deadlock(request: &Request) -> bool {
    request.words.contains("Deadlock found") || request.words.contains("(1213")
}

fn kind(request: &Request) -> String {
    let class = if request.failure.as_deref() == Some("silent") {
        "silent".to_owned()
    } else {
        format!("{} {}", request.status, exception(&request.words)).trim_end().to_owned()
    };
    format!("{} {class}", request.name)
}

/// `OperationalError 1054` of `pymysql.err.OperationalError: (1054, "...")`; nothing of what is no exception of Python.
fn exception(words: &str) -> String {
    let Some((path, text)) = words.split_once(':') else { return String::new() };
    if path.is_empty() || !path.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c)) {
        return String::new();
    }
    let name = path.rsplit('.').next().unwrap_or_default();
    let number = text.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(','));
    match number.filter(|(number, _)| number.chars().all(|c| c.is_ascii_digit())) {
        Some((number, _)) => format!("{name} {number}"),
        None => name.to_owned(),
    }
}

fn latency<'a>(requests: impl Iterator<Item = &'a Request>) -> Latency {
    let mut all: Vec<f64> = requests.map(|request| request.ms).collect();
    all.sort_by(f64::total_cmp);
    let at = |share: usize| {
        all.get((all.len() * share / 100).min(all.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    Latency { requests: all.len(), p50: at(50), p95: at(95), p99: at(99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(time: f64, failure: Option<(&str, &str)>) -> Request {
        Request {
            time,
            name: "update".to_owned(),
            ms: 10.0,
            status: if failure.is_some_and(|(kind, _)| kind == "hard") { 500 } else { 200 },
            failure: failure.map(|(kind, _)| kind.to_owned()),
            words: failure.map(|(_, words)| words.to_owned()).unwrap_or_default(),
            version: None,
            token: None,
        }
    }

    #[test]
    fn a_second_without_a_good_answer_is_one_without_service_whether_there_were_failures_or_nothing() {
        let deadlock = Some(("hard", "frappe.exceptions.QueryDeadlockError: (1213, 'Deadlock found')"));
        let requests = [
            request(0.5, None),
            request(1.5, None),
            request(2.5, deadlock),
            request(2.6, Some(("silent", "note: None"))),
            request(4.5, None),
            request(5.0, None),
        ];
        let figures = Figures::of(&requests, 2.0, 3.0);
        assert_eq!(figures.seconds_without_service, 2, "the seconds from 2 and from 3");
        assert_eq!((figures.hard, figures.silent, figures.deadlocks), (1, 1, 1));
        assert_eq!(figures.during.requests, 2);
        let kinds: Vec<&str> = figures.kinds.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["update 500 QueryDeadlockError 1213", "update silent"]);
    }

    #[test]
    fn what_is_no_exception_has_no_name() {
        assert_eq!(exception("upstream connect error: reset"), "");
        assert_eq!(exception("ImportError: No module"), "ImportError");
        assert_eq!(exception("pymysql.err.DataError: (1292, \"Truncated\")"), "DataError 1292");
    }
}
