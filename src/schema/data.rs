//! Asks the rows of a live site what a plan wants to know: read-only, each question within a time, all within another.

use std::time::{Duration, Instant};

use sqlx::mysql::MySqlConnection;

use super::connection;
use super::question::Question;
use crate::plan::{DATA_SQL_MODE, DataAnswer, DataQuestion, Doubt, Example, Site};

/// Tables with more rows are asked in a sample at once.
const SAMPLED_FROM: u64 = 2_000_000;
/// Rows of a sample.
const SAMPLE: u64 = 200_000;
/// MariaDB's number for a statement that took too long.
const TIMED_OUT: u16 = 1969;

/// How long the rows may be asked.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One question.
    pub question: Duration,
    /// All of them.
    pub all: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { question: Duration::from_secs(20), all: Duration::from_mins(5) }
    }
}

/// Asks all questions; one that cannot be answered is answered with the reason.
///
/// # Errors
/// If the connection cannot be prepared for them.
pub async fn answers(
    connection: &mut MySqlConnection,
    site: &Site,
    questions: Vec<DataQuestion>,
    patience: Patience,
) -> Result<Vec<(DataQuestion, DataAnswer)>, super::Error> {
    let seconds = patience.question.as_secs_f64();
    let prepare = format!("SET SESSION sql_mode = '{DATA_SQL_MODE}', max_statement_time = {seconds}");
    connection::execute(connection, "prepare the questions to the rows", prepare).await?;
    let begun = Instant::now();
    let mut answers = Vec::new();
    for question in questions {
        let answer = if begun.elapsed() < patience.all {
            answer(connection, site, &question, patience.question).await
        } else {
            DataAnswer::none(&format!("all questions took longer than {} s", patience.all.as_secs()))
        };
        answers.push((question, answer));
    }
    Ok(answers)
}

/// The whole table if it is not too large; a sample where it is, or where it took too long.
async fn answer(
    connection: &mut MySqlConnection,
    site: &Site,
    question: &DataQuestion,
    bound: Duration,
) -> DataAnswer {
    let rows = site.tables.get(&question.table).map_or(0, |table| table.rows);
    let is_whole = rows <= SAMPLED_FROM || matches!(question.doubt, Doubt::Rows { all: true, .. });
    let whole = is_whole.then_some(None);
    for sample in whole.into_iter().chain([Some(SAMPLE)]) {
        match ask(connection, question, sample).await {
            Ok((concerned, values, examples)) => {
                let of = sample.map_or(rows, |sample| sample.min(rows));
                let sampled = sample.is_some();
                return DataAnswer { rows: concerned, values, of, sampled, unanswered: None, examples };
            }
            Err(error) if connection::error_number(&error) == TIMED_OUT => {}
            Err(error) => {
                // What the server says may hold a value of a row; its number does not.
                let number = connection::error_number(&error);
                return DataAnswer::none(&format!("the server did not answer, error {number}"));
            }
        }
    }
    DataAnswer::none(&format!("it took longer than {} s, in a sample too", bound.as_secs_f64()))
}

async fn ask(
    connection: &mut MySqlConnection,
    question: &DataQuestion,
    sample: Option<u64>,
) -> Result<(u64, u64, Vec<Example>), sqlx::Error> {
    let count = question.count(sample);
    let (rows, values): (i64, i64) = Question::of(count).one(&mut *connection).await?;
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    if rows == 0 {
        return Ok((0, 0, Vec::new()));
    }
    let sql = question.examples(sample);
    let found: Vec<(Option<String>, Option<String>, i64)> = Question::of(sql).all(&mut *connection).await?;
    let examples = found
        .into_iter()
        .map(|(value, becomes, rows)| Example { value, becomes, rows: number(rows) })
        .collect();
    Ok((number(rows), number(values), examples))
}
