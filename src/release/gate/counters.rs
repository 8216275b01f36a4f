//! The counters that a gateway keeps for each backend: two looks at them are one measurement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::run::Outcome;
use crate::api::analysis::Analysis;

/// What one proxy has counted for one colour since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Answers, of every class.
    pub requests: u64,
    /// Answers with 5xx, also those that the proxy gave for a backend that did not.
    pub errors: u64,
    /// Milliseconds that the timed requests took together.
    pub milliseconds: f64,
    /// Requests that were timed.
    pub timed: u64,
}

/// The counters of both colours, by the address of the proxy that counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Green.
    pub green: BTreeMap<String, Counters>,
    /// Blue.
    pub blue: BTreeMap<String, Counters>,
}

/// What was counted between two looks, over all proxies.
///
/// A proxy that is new has counted all of its requests in between; so has one that was restarted, whose counters are
/// less than they were. What a proxy that went away has counted since the first look is lost.
fn between(before: &BTreeMap<String, Counters>, after: &BTreeMap<String, Counters>) -> Counters {
    let mut all = Counters::default();
    for (proxy, now) in after {
        let was = before.get(proxy).filter(|was| was.requests <= now.requests && was.timed <= now.timed);
        let was = was.copied().unwrap_or_default();
        all.requests += now.requests - was.requests;
        all.errors += now.errors.saturating_sub(was.errors);
        all.timed += now.timed - was.timed;
        all.milliseconds += (now.milliseconds - was.milliseconds).max(0.0);
    }
    all
}

impl Counters {
    #[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
    fn error_percent(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.errors as f64 * 100.0 / self.requests as f64 }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
    fn mean(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.milliseconds / self.timed as f64)
    }
}

/// Compares green with blue; an error says why there is not enough to compare.
pub(super) fn judge(
    analysis: &Analysis,
    before: &Sample,
    after: &Sample,
) -> Result<(Outcome, String), String> {
    let Some(limits) = &analysis.gateway else { return Err("the analysis is none of a gateway".to_owned()) };
    let green = between(&before.green, &after.green);
    let blue = between(&before.blue, &after.blue);
    let enough = u64::from(limits.min_requests);
    if green.requests < enough {
        return Err(format!("{} requests of green, {enough} are needed", green.requests));
    }
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("'{text}' is no number"));
    let mut has_failed = green.error_percent() > blue.error_percent() + number(&limits.max_error_percent)?;
    let mut words = format!(
        "green {:.2} % errors of {}, blue {:.2} % of {}",
        green.error_percent(),
        green.requests,
        blue.error_percent(),
        blue.requests
    );
    if let Some(ratio) = &limits.max_latency_ratio
        && blue.requests >= enough
        && let (Some(of_green), Some(of_blue)) = (green.mean(), blue.mean())
    {
        has_failed |= of_green > of_blue * number(ratio)?;
        words = format!("{words}; mean {of_green:.1} ms, {of_blue:.1} ms");
    }
    Ok((if has_failed { Outcome::Failed } else { Outcome::Passed }, words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::gate::run::{Reading, Run};

    fn analysis() -> Analysis {
        serde_yaml::from_str(
            "{name: colours, gateway: {address: 'http://x', maxErrorPercent: '1', maxLatencyRatio: '2', minRequests: 10}}",
        )
        .unwrap()
    }

    fn counters(requests: u64, errors: u64, mean: u32) -> Counters {
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        Counters { requests, errors, timed: requests, milliseconds: requests as f64 * f64::from(mean) }
    }

    fn sample(green: Counters, blue: Counters) -> Sample {
        Sample { green: [("a".to_owned(), green)].into(), blue: [("a".to_owned(), blue)].into() }
    }

    fn compared(green: Counters, blue: Counters) -> (Outcome, String) {
        judge(&analysis(), &Sample::default(), &sample(green, blue)).unwrap()
    }

    #[test]
    fn green_is_held_to_blue_and_not_to_perfection() {
        let fine = compared(counters(100, 3, 20), counters(100, 2, 20));
        assert_eq!(fine.0, Outcome::Passed);
        assert_eq!(fine.1, "green 3.00 % errors of 100, blue 2.00 % of 100; mean 20.0 ms, 20.0 ms");
        assert_eq!(compared(counters(100, 4, 20), counters(100, 2, 20)).0, Outcome::Failed);
        // A blue that is broken does not stop the version that mends it.
        assert_eq!(compared(counters(100, 20, 20), counters(100, 90, 20)).0, Outcome::Passed);
        assert_eq!(compared(counters(100, 0, 41), counters(100, 0, 20)).0, Outcome::Failed);
        // Blue has nothing to compare with when all traffic is on green.
        assert_eq!(compared(counters(100, 0, 41), counters(0, 0, 0)).0, Outcome::Passed);
    }

    #[test]
    fn the_stretch_grows_until_it_has_enough_requests() {
        let analysis = analysis();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let look = |run: &Run, requests: u64, errors: u64| {
            let sample = sample(counters(requests, errors, 20), counters(1000, 0, 20));
            run.take(&analysis, Reading::Counters(sample), now)
        };
        let first = look(&Run::new("colours", "step 2", "", now), 500, 100);
        assert_eq!((first.asked, first.measurements.len()), (1, 0), "the first look is only where it begins");
        let few = look(&first, 506, 100);
        assert_eq!(few.measurements[0].value, "6 requests of green, 10 are needed");
        let enough = look(&few, 512, 112);
        assert_eq!((enough.failed, enough.without_data), (1, 1));
        assert!(enough.measurements[1].value.starts_with("green 100.00 % errors of 12"), "{enough:?}");
        assert_eq!(look(&enough, 530, 112).passed, 1);
    }

    #[test]
    fn a_proxy_that_came_or_was_restarted_has_counted_from_nothing() {
        let both = |a: Counters, b: Counters| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        let before =
            BTreeMap::from([("a".to_owned(), counters(100, 50, 10)), ("gone".to_owned(), counters(9, 9, 9))]);
        let all = between(&before, &both(counters(20, 1, 10), counters(30, 2, 10)));
        assert_eq!((all.requests, all.errors, all.timed), (50, 3, 50));
    }
}
