//! What the work of a release counts. Jobs and the relay print it with every line of `--output json`, the operator reads
//! it there, and `/metrics` shows it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backlog::Backlog;

/// What the Jobs of a site have counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Rows that were looked at of the table whose columns are filled, or were filled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_done: Option<u64>,
    /// Rows of that table that are left, as the server guesses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_left: Option<u64>,
    /// Tries of DDL statements that found their table busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_waits: Option<u64>,
    /// Percent of `spec.deadlines.lockSeconds` that a statement has needed to find its table free, the most of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_budget_used_percent: Option<u8>,
    /// Rows and settings in which blue and green differed when they were compared last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differences: Option<u64>,
    /// Why the Job failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureKind>,
}

impl Figures {
    /// Nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes in what was counted after this: waits add up, of the budget the most counts, of all else the last.
    pub fn add(&mut self, later: &Self) {
        let Self { rows_done, rows_left, lock_waits, lock_budget_used_percent, differences, failure } = later;
        self.rows_done = rows_done.or(self.rows_done);
        self.rows_left = rows_left.or(self.rows_left);
        if let Some(waits) = lock_waits {
            self.lock_waits = Some(self.lock_waits.unwrap_or(0).saturating_add(*waits));
        }
        self.lock_budget_used_percent = self.lock_budget_used_percent.max(*lock_budget_used_percent);
        self.differences = differences.or(self.differences);
        self.failure = *failure;
    }
}

/// Why a Job failed, as a short list that a label of a metric can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum FailureKind {
    /// No connection, or one that was lost.
    Connection,
    /// A statement that the server refused.
    Statement,
    /// A table was busy for the whole lock budget.
    Busy,
    /// Another command works on the site.
    Locked,
    /// What cannot or must not be done as it stands.
    Refused,
    /// A step of the plan is not in effect, or a part of blue's schema is not there.
    Incomplete,
    /// Blue and green do not see the same.
    Diverged,
    /// Something did not come about in time.
    Waited,
    /// Redis.
    Redis,
    /// A file, or what is in it.
    File,
    /// The Job's Pod: it could not be started, was ended from outside, or runs a program that tells no kind (green's migrate).
    Pod,
}

impl FailureKind {
    /// The word in labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connection => "Connection",
            Self::Statement => "Statement",
            Self::Busy => "Busy",
            Self::Locked => "Locked",
            Self::Refused => "Refused",
            Self::Incomplete => "Incomplete",
            Self::Diverged => "Diverged",
            Self::Waited => "Waited",
            Self::Redis => "Redis",
            Self::File => "File",
            Self::Pod => "Pod",
        }
    }
}

/// What the relay of a release counts. Not in the status: it changes all the time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayFigures {
    /// Of blue.
    #[serde(default)]
    pub blue: ColourFigures,
    /// Of green.
    #[serde(default)]
    pub green: ColourFigures,
}

impl RelayFigures {
    /// What a line of a relay's log counts, if it counts anything.
    pub fn of_line(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line {
            relay: RelayFigures,
        }
        serde_json::from_str::<Line>(line).ok().map(|line| line.relay)
    }
}

/// What the relay counts of a colour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColourFigures {
    /// Age of the last invalidation of this colour that arrived at the other, or of one that is still on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_milliseconds: Option<u64>,
    /// What is in this colour's queues, by their names without the `bench_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues: Option<BTreeMap<String, Backlog>>,
}

impl ColourFigures {
    /// Jobs in this colour's queues: waiting, running, for later, and waiting for others.
    pub fn jobs(&self) -> Option<u64> {
        let queues = self.queues.as_ref()?;
        Some(queues.values().map(|backlog| backlog.total()).fold(0, u64::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_add_up_the_most_of_the_budget_counts_and_of_all_else_the_last() {
        let mut all = Figures {
            rows_done: Some(1),
            lock_waits: Some(2),
            lock_budget_used_percent: Some(90),
            differences: Some(4),
            failure: Some(FailureKind::Busy),
            ..Figures::default()
        };
        all.add(&Figures {
            rows_done: Some(7),
            rows_left: Some(0),
            lock_waits: Some(3),
            lock_budget_used_percent: Some(10),
            ..Figures::default()
        });
        let expected = Figures {
            rows_done: Some(7),
            rows_left: Some(0),
            lock_waits: Some(5),
            lock_budget_used_percent: Some(90),
            differences: Some(4),
            failure: None,
        };
        assert_eq!(all, expected);
    }
}
