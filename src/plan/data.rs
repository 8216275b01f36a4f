//! What only the rows of a live table can tell: duplicates before a unique index, values that a cast would change.
//!
//! The planner says what it wants to know, `schema` asks the database (within a time, in a sample of a large table), and
//! the planner judges the answers: the SQL is made here, where names are quoted, and run there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{cast, quote};

/// The `sql_mode` that questions are asked in: casts are made to give NULL where strictness would give an error.
pub const DATA_SQL_MODE: &str = cast::SQL_MODE;

/// Characters of a value that an example shows.
const SHOWN: usize = 40;
/// Examples that a question asks for.
const EXAMPLES: u32 = 5;

/// One question to the rows of a live table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataQuestion {
    /// Table name without its database.
    pub table: String,
    /// Column that is asked about.
    pub column: String,
    /// What is in doubt.
    pub doubt: Doubt,
}

/// What is in doubt about the values of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Doubt {
    /// Whether several rows have one value, as a unique index compares: without case and trailing blanks; NULL does not
    /// count.
    Duplicates {
        /// The value: an SQL expression on the columns of the row.
        value: String,
    },
    /// Whether values become others.
    Changed {
        /// What they become: an SQL expression.
        becomes: String,
        /// Which rows have such a value: an SQL condition.
        condition: String,
    },
    /// Whether there are rows that fit a condition.
    Rows {
        /// SQL condition.
        condition: String,
        /// Whether a single row decides, so that a sample is no answer.
        all: bool,
    },
}

/// What the rows say to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataAnswer {
    /// Rows that the question is about: duplicates, values that change, rows that fit.
    pub rows: u64,
    /// How many different values stand in several rows, for duplicates.
    #[serde(default)]
    pub values: u64,
    /// Rows that were looked at; of a whole table the optimiser's guess.
    pub of: u64,
    /// Whether that is a sample: the first rows by name.
    #[serde(default)]
    pub sampled: bool,
    /// Why there is no answer, if there is none: then the numbers mean nothing.
    #[serde(default)]
    pub unanswered: Option<String>,
    /// Some of the values.
    #[serde(default)]
    pub examples: Vec<Example>,
}

/// One value that an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// The value as text, cut; none for NULL.
    pub value: Option<String>,
    /// What it becomes, where the question is about that; none for NULL.
    #[serde(default)]
    pub becomes: Option<String>,
    /// Rows that have it; 0 if they were not counted.
    #[serde(default)]
    pub rows: u64,
}

impl DataQuestion {
    /// The `SELECT` for the numbers: rows concerned, different values. `sample` is how many rows it may look at.
    pub fn count(&self, sample: Option<u64>) -> String {
        let from = self.from(sample);
        match &self.doubt {
            Doubt::Duplicates { value } => format!(
                "SELECT CAST(COALESCE(SUM(n), 0) AS SIGNED), COUNT(*) FROM (SELECT COUNT(*) AS n FROM {from} \
                 WHERE {value} IS NOT NULL GROUP BY {value} HAVING COUNT(*) > 1) AS same"
            ),
            Doubt::Changed { condition, .. } | Doubt::Rows { condition, .. } => {
                format!("SELECT COUNT(*), 0 FROM {from} WHERE {condition}")
            }
        }
    }

    /// The `SELECT` for examples: value, what it becomes, rows. Each value once: most rows of a field may have none.
    pub fn examples(&self, sample: Option<u64>) -> String {
        let (from, column) = (self.from(sample), quote::identifier(&self.column));
        let text = |value: &str| format!("LEFT(CAST({value} AS CHAR), {})", SHOWN + 1);
        match &self.doubt {
            Doubt::Duplicates { value } => format!(
                "SELECT {}, NULL, COUNT(*) FROM {from} WHERE {value} IS NOT NULL GROUP BY {value} \
                 HAVING COUNT(*) > 1 ORDER BY 3 DESC, 1 LIMIT {EXAMPLES}",
                text(&format!("MIN({value})")),
            ),
            Doubt::Changed { becomes, condition } => format!(
                "SELECT DISTINCT {}, {}, 0 FROM {from} WHERE {condition} LIMIT {EXAMPLES}",
                text(&column),
                text(becomes),
            ),
            Doubt::Rows { condition, .. } => {
                format!(
                    "SELECT DISTINCT {}, NULL, 0 FROM {from} WHERE {condition} LIMIT {EXAMPLES}",
                    text(&column)
                )
            }
        }
    }

    fn from(&self, sample: Option<u64>) -> String {
        let table = quote::identifier(&self.table);
        match sample {
            // By the primary key: by an index of the column it would be one end of the values.
            Some(rows) => format!(
                "(SELECT {} FROM {table} ORDER BY `name` LIMIT {rows}) AS sample",
                quote::identifier(&self.column)
            ),
            None => table,
        }
    }
}

impl DataAnswer {
    /// An answer that could not be had.
    pub fn none(reason: &str) -> Self {
        let unanswered = Some(reason.to_owned());
        Self { rows: 0, values: 0, of: 0, sampled: false, unanswered, examples: Vec::new() }
    }

    /// Whether rows are concerned.
    pub(crate) fn has_rows(&self) -> bool {
        self.unanswered.is_none() && self.rows > 0
    }

    /// Whether it is known of every row that it is not concerned.
    pub(crate) fn has_none(&self) -> bool {
        self.unanswered.is_none() && self.rows == 0 && !self.sampled
    }

    /// `a sample of 200,000 rows`, `about 12,000 rows`: what the numbers are of.
    pub(crate) fn scope(&self) -> String {
        let word = if self.sampled { "a sample of" } else { "about" };
        format!("{word} {} rows", grouped(self.of))
    }

    /// `7 of about 12,000 rows`.
    pub(crate) fn share(&self) -> String {
        format!("{} of {}", grouped(self.rows), self.scope())
    }

    /// `"a" (3 rows), "b"`: the examples, so that nothing in them is taken for text of the plan.
    pub(crate) fn show(&self) -> String {
        let shown = self.examples.iter().map(|Example { value, rows, .. }| match rows {
            0 => shown(value.as_deref()),
            rows => format!("{} ({} rows)", shown(value.as_deref()), grouped(*rows)),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// `"abc" becomes "0"`: the examples of an answer about values that change.
    pub(crate) fn show_changes(&self) -> String {
        let shown = self.examples.iter().map(|Example { value, becomes, .. }| {
            format!("{} becomes {}", shown(value.as_deref()), shown(becomes.as_deref()))
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

/// A value of a row in quotes, control characters as escapes, cut.
fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let cut: String = value.chars().take(SHOWN).collect();
    let more = if value.chars().count() > SHOWN { "..." } else { "" };
    format!("{cut:?}{more}")
}

/// 1234567 as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_rows_stay_values() {
        let example = |value: &str| Example { value: Some(value.to_owned()), becomes: None, rows: 2 };
        let answer = DataAnswer {
            rows: 4,
            values: 2,
            of: 1_234_567,
            sampled: false,
            unanswered: None,
            examples: vec![example("a\"\u{1b}[31m"), example(&"x".repeat(50))],
        };
        assert_eq!(
            answer.show(),
            format!("\"a\\\"\\u{{1b}}[31m\" (2 rows), \"{}\"... (2 rows)", "x".repeat(40))
        );
        assert_eq!(answer.scope(), "about 1,234,567 rows");
    }

    #[test]
    fn names_are_quoted_in_every_question() {
        let question = DataQuestion {
            table: "tab`; DROP".to_owned(),
            column: "a`b".to_owned(),
            doubt: Doubt::Duplicates { value: quote::identifier("a`b") },
        };
        for sql in [question.count(None), question.count(Some(5)), question.examples(Some(5))] {
            assert!(sql.contains("`tab``; DROP`") && sql.contains("`a``b`"), "{sql}");
        }
    }
}
