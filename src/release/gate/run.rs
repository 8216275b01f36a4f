//! The measurements of one analysis at one place, folded one by one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::comparison;
use super::counters::{self, Sample};
use crate::api::analysis::{Analysis, NoData};

/// Measurements that are kept; the counts go on.
const KEPT: usize = 10;
/// Characters of a value or a note that are kept.
const WORDS: usize = 200;
/// Seconds after which a measurement that could not be taken is tried again, if the interval is longer.
const ERROR_INTERVAL: u32 = 10;

/// What was asked gave this.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A value.
    Value(Value),
    /// A Job that ended: well, or with these last words.
    Ended(Result<(), String>),
    /// The gateway's counters.
    Counters(Sample),
    /// An answer without a value, and why.
    Nothing(String),
    /// No answer, or one that cannot be read.
    Broken(String),
}

/// A value that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A text, also `true` and `false`.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What one measurement counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The value is good.
    Passed,
    /// The value is bad.
    Failed,
    /// The value is neither.
    Inconclusive,
    /// It could not be taken.
    Error,
    /// There was no value, and that counts as nothing.
    NoData,
}

impl Outcome {
    /// The name as it stands in status and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Inconclusive => "Inconclusive",
            Self::Error => "Error",
            Self::NoData => "NoData",
        }
    }
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Its number, from 1.
    pub number: u32,
    /// When it was taken.
    pub at: Timestamp,
    /// What it counts as.
    pub outcome: Outcome,
    /// The value, or what there was instead.
    pub value: String,
}

/// The measurements of one analysis at one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Name of the analysis.
    pub analysis: String,
    /// Where it runs: a traffic step, or beside the whole shift.
    pub place: String,
    /// Value of the retry annotation when it began.
    #[serde(default)]
    pub attempt: String,
    /// When it began.
    pub began: Timestamp,
    /// When the last answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Questions that were answered: the measurements, and the first look at counters.
    #[serde(default)]
    pub asked: u32,
    /// Measurements that passed.
    #[serde(default)]
    pub passed: u32,
    /// Measurements that failed.
    #[serde(default)]
    pub failed: u32,
    /// Measurements that were neither.
    #[serde(default)]
    pub inconclusive: u32,
    /// Measurements without a value that count as nothing.
    #[serde(default)]
    pub without_data: u32,
    /// Measurements in a row that could not be taken.
    #[serde(default)]
    pub errors_in_row: u32,
    /// The last measurements, the newest last.
    #[serde(default)]
    pub measurements: Vec<Measurement>,
    /// Counters at the beginning of the next measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

impl Run {
    /// A run that begins.
    pub fn new(analysis: &str, place: &str, attempt: &str, now: Timestamp) -> Self {
        Self {
            analysis: analysis.to_owned(),
            place: place.to_owned(),
            attempt: attempt.to_owned(),
            began: now,
            last: None,
            asked: 0,
            passed: 0,
            failed: 0,
            inconclusive: 0,
            without_data: 0,
            errors_in_row: 0,
            measurements: Vec::new(),
            sample: None,
        }
    }

    /// The run with one more answer.
    #[must_use]
    pub fn take(&self, analysis: &Analysis, reading: Reading, now: Timestamp) -> Self {
        let mut run = self.clone();
        run.asked += 1;
        run.last = Some(now);
        let (outcome, value) = match reading {
            Reading::Value(value) => match comparison::judge(analysis, &value) {
                Ok(outcome) => (outcome, value.to_string()),
                Err(why) => (Outcome::Error, why),
            },
            Reading::Ended(Ok(())) => (Outcome::Passed, "exit code 0".to_owned()),
            Reading::Ended(Err(words)) => (Outcome::Failed, words),
            Reading::Nothing(why) => (without_data(analysis), why),
            Reading::Broken(why) => (Outcome::Error, why),
            Reading::Counters(sample) => {
                let Some(before) = run.sample.replace(sample.clone()) else { return run };
                match counters::judge(analysis, &before, &sample) {
                    Ok(judged) => judged,
                    Err(why) => {
                        // The stretch that is measured grows until there are enough requests in it.
                        run.sample = Some(before);
                        (without_data(analysis), why)
                    }
                }
            }
        };
        run.note(outcome, &value, now);
        run
    }

    fn note(&mut self, outcome: Outcome, value: &str, now: Timestamp) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Inconclusive => self.inconclusive += 1,
            Outcome::NoData => self.without_data += 1,
            Outcome::Error => {}
        }
        self.errors_in_row = if outcome == Outcome::Error { self.errors_in_row + 1 } else { 0 };
        let number = self.measurements.last().map_or(0, |last| last.number) + 1;
        let value = value.chars().take(WORDS).collect();
        self.measurements.push(Measurement { number, at: now, outcome, value });
        let surplus = self.measurements.len().saturating_sub(KEPT);
        self.measurements.drain(..surplus);
    }

    /// Measurements that count towards the end.
    pub fn counted(&self) -> u32 {
        self.passed + self.failed + self.inconclusive
    }

    /// When the next measurement is due.
    pub fn due(&self, analysis: &Analysis) -> Timestamp {
        let after = |from: Timestamp, seconds: u32| {
            from.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(from)
        };
        match self.last {
            None => after(self.began, analysis.initial_delay_seconds),
            Some(last) if self.errors_in_row > 0 => {
                after(last, analysis.interval_seconds.min(ERROR_INTERVAL))
            }
            Some(last) => after(last, analysis.interval_seconds),
        }
    }
}

const fn without_data(analysis: &Analysis) -> Outcome {
    match analysis.no_data {
        NoData::Wait => Outcome::NoData,
        NoData::Pass => Outcome::Passed,
        NoData::Fail => Outcome::Failed,
    }
}
