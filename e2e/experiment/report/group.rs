//! The repetitions of one scenario by one way: median and range of each figure.

use std::collections::BTreeMap;

use crate::experiment::record::{Record, Run};
use crate::experiment::scenario::{self, Scenario};
use crate::experiment::way::Way;
use crate::harness::figures::Figures;

/// Repetitions, in order; there is at least one.
#[derive(Debug)]
pub struct Group<'a> {
    /// What was changed.
    pub scenario: Scenario,
    /// How it was released.
    pub way: Way,
    /// The runs.
    pub runs: Vec<&'a Run>,
}

/// A figure over the repetitions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one; of two the greater.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub most: f64,
}

/// A figure: its name for programs, and how it is read.
pub type Measure = (&'static str, fn(&Record, &Figures) -> f64);

/// Every figure that has a median.
pub const MEASURES: [Measure; 23] = [
    ("requests", |_, figures| count(figures.requests)),
    ("hard", |_, figures| count(figures.hard)),
    ("silent", |_, figures| count(figures.silent)),
    ("deadlocks", |_, figures| count(figures.deadlocks)),
    ("seconds_without_service", |_, figures| count(figures.seconds_without_service)),
    ("before_p50_ms", |_, figures| figures.before.p50),
    ("before_p95_ms", |_, figures| figures.before.p95),
    ("before_p99_ms", |_, figures| figures.before.p99),
    ("during_p50_ms", |_, figures| figures.during.p50),
    ("during_p95_ms", |_, figures| figures.during.p95),
    ("during_p99_ms", |_, figures| figures.during.p99),
    ("after_p50_ms", |_, figures| figures.after.p50),
    ("after_p95_ms", |_, figures| figures.after.p95),
    ("after_p99_ms", |_, figures| figures.after.p99),
    ("jobs", |record, _| count(record.jobs.enqueued)),
    ("jobs_lost", |record, _| count(record.jobs.lost)),
    ("jobs_doubled", |record, _| count(record.jobs.doubled)),
    ("ticks", |record, _| count(record.jobs.ticks.runs)),
    ("ticks_missed", |record, _| record.jobs.ticks.missed),
    ("ticks_missed_before", |record, _| record.jobs.ticks_before.missed),
    ("ticks_doubled", |record, _| count(record.jobs.ticks.doubled)),
    ("release_seconds", |record, _| record.release_seconds()),
    ("fill_seconds", |record, _| record.fill_seconds),
];

#[allow(clippy::cast_precision_loss, reason = "requests and jobs of a run are fewer than 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let median = *values.get(values.len() / 2)?;
        Some(Self { median, least: *values.first()?, most: *values.last()? })
    }

    /// `12 (10-15)`, or `12` where all are the same.
    pub fn words(&self) -> String {
        self.words_by(whole)
    }

    /// The same for seconds: with tenths where there are few.
    pub fn seconds(&self) -> String {
        let is_short = self.most < 10.0;
        self.words_by(|seconds| if is_short { format!("{seconds:.1}") } else { whole(seconds) })
    }

    fn words_by(&self, words: impl Fn(f64) -> String) -> String {
        let [median, least, most] = [self.median, self.least, self.most].map(words);
        if least == most { median } else { format!("{median} ({least}-{most})") }
    }
}

/// A number without a fraction, its thousands parted.
pub fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut parted = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    parted
}

impl Group<'_> {
    /// A figure over the repetitions, by its name in `MEASURES`; zero for one that is not there.
    pub fn spread(&self, name: &str) -> Spread {
        let measure = MEASURES.iter().find(|(known, _)| *known == name).map(|(_, measure)| measure);
        let values = self.runs.iter().filter_map(|run| Some(measure?(&run.record, &run.figures)));
        Spread::of(values).unwrap_or(Spread { median: 0.0, least: 0.0, most: 0.0 })
    }

    /// The run whose release took as long as the median: the one that is drawn.
    pub fn middle(&self) -> &Run {
        let mut runs = self.runs.clone();
        runs.sort_by(|a, b| a.record.release_seconds().total_cmp(&b.record.release_seconds()));
        runs[runs.len() / 2]
    }

    /// Failures by kind, of all repetitions together; the most frequent first.
    pub fn kinds(&self) -> Vec<(String, usize)> {
        let mut kinds = BTreeMap::new();
        for (kind, count) in self.runs.iter().flat_map(|run| &run.figures.kinds) {
            *kinds.entry(kind.clone()).or_insert(0) += count;
        }
        let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kinds
    }

    /// Each phase with its seconds, in the order of the middle run.
    pub fn phases(&self) -> Vec<(&str, Spread)> {
        let of = |name: &str| {
            let all = self.runs.iter().flat_map(|run| run.record.phases());
            Spread::of(all.filter(|(phase, _)| *phase == name).map(|(_, seconds)| seconds))
        };
        self.middle().record.phases().into_iter().filter_map(|(name, _)| Some((name, of(name)?))).collect()
    }

    /// Columns that were filled beside traffic, with rows a second.
    pub fn backfills(&self) -> Vec<(&str, Spread)> {
        let all = || self.runs.iter().flat_map(|run| &run.record.released.backfills);
        let mut names: Vec<&str> = all().map(|filled| filled.what.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let rate = |filled: u64| f64::from(u32::try_from(filled).unwrap_or(u32::MAX));
        let of = |name: &str| {
            Spread::of(all().filter(|filled| filled.what == name).map(|filled| rate(filled.rows_per_second)))
        };
        names.into_iter().filter_map(|name| Some((name, of(name)?))).collect()
    }

    /// File name of its picture.
    pub fn picture(&self) -> String {
        format!("{}-{}.svg", self.scenario.name, self.way)
    }
}

/// The runs by scenario and way, in the order of the report; those of a scenario that is no more are left out.
pub fn groups(runs: &[Run]) -> Vec<Group<'_>> {
    let pairs = scenario::ALL.into_iter().flat_map(|scenario| Way::ALL.map(|way| (scenario, way)));
    let group = |(scenario, way): (Scenario, Way)| {
        let of = runs.iter().filter(|run| run.record.scenario == scenario.name && run.record.way == way);
        Group { scenario, way, runs: of.collect() }
    };
    pairs.map(group).filter(|group| !group.runs.is_empty()).collect()
}
