//! What the rows of the live site say to a change: questions that its file asks, and the answers as sentences.

use crate::doctype::ColumnShape;
use crate::plan::data::grouped;
use crate::plan::operation::{Conversion, Operation, SyncPair, has_empty, null_for_empty};
use crate::plan::{DataAnswer, DataQuestion, Doubt, cast, quote};

use super::{Findings, Versions};

/// A sentence with the numbers that it rests on.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The sentence; empty if there is nothing to say.
    pub(super) text: String,
    /// The answer of the rows.
    pub(super) data: Option<DataAnswer>,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, data: None }
    }
}

impl Said {
    /// The sentence after another one.
    pub(super) fn after(self, first: &str) -> Self {
        let text = if self.text.is_empty() { first.to_owned() } else { format!("{first}; {}", self.text) };
        Self { text, data: self.data }
    }
}

/// Asks a question; nothing if the site has no such column, or was not asked yet.
fn ask(
    versions: &Versions<'_>,
    findings: &mut Findings,
    doctype: &str,
    column: &str,
    doubt: Doubt,
) -> Option<DataAnswer> {
    versions.live(doctype)?.column(column)?;
    let question = DataQuestion {
        table: crate::doctype::table_name(versions.blue_name(doctype)),
        column: column.to_owned(),
        doubt,
    };
    let answer = versions.site?.answer(&question).cloned();
    findings.asked.push(question);
    answer
}

/// A column that is there becomes unique: from then on an empty text in it is NULL, as green writes it. Gives what the rows
/// say to the index.
pub(super) fn becomes_unique(
    versions: &Versions<'_>,
    findings: &mut Findings,
    (doctype, column): (&str, &str),
    shape: &ColumnShape,
    table: String,
) -> Result<Said, Said> {
    let value = if has_empty(shape) { null_for_empty(column, "") } else { quote::identifier(column) };
    let said = duplicates(versions, findings, (doctype, column), value)?;
    if has_empty(shape) {
        findings.operations.push(Operation::EmptyIsNull { table, field: column.to_owned() });
    }
    Ok(said)
}

/// Whether several rows have one value where a unique index is to be: the reason against it, or what is known.
fn duplicates(
    versions: &Versions<'_>,
    findings: &mut Findings,
    (doctype, column): (&str, &str),
    value: String,
) -> Result<Said, Said> {
    let Some(answer) = ask(versions, findings, doctype, column, Doubt::Duplicates { value }) else {
        return Ok(Said::default());
    };
    if answer.has_rows() {
        let text = format!(
            "{} share values that a unique index takes for the same ({} of them: {}): migrate would stop half-way with 1062; make them differ, or NULL, before the release",
            answer.share(),
            grouped(answer.values),
            answer.show(),
        );
        return Err(Said { text, data: Some(answer) });
    }
    let text = match &answer.unanswered {
        Some(reason) => {
            format!("whether there are duplicates is not known ({reason}): isolate looks at all rows")
        }
        None if answer.sampled => {
            format!("no duplicates in {}: isolate looks at all of them", answer.scope())
        }
        None => format!("no duplicates in {}", answer.scope()),
    };
    Ok(Said { text, data: Some(answer) })
}

/// What a cast does to the values that are there.
pub(super) fn changed(
    versions: &Versions<'_>,
    findings: &mut Findings,
    doctype: &str,
    pair: &SyncPair,
) -> Said {
    let (column, shape) = (source(pair), &pair.blue.1);
    let Conversion::Cast { from, to, not_null, .. } = &pair.to_green else { return Said::default() };
    let value = quote::identifier(column);
    let Some(condition) = cast::changes(&value, from, to, [!shape.not_null, *not_null]) else {
        return Said::default();
    };
    let Some(becomes) = pair.to_green.sql("", column) else { return Said::default() };
    let Some(answer) = ask(versions, findings, doctype, column, Doubt::Changed { becomes, condition }) else {
        return Said::default();
    };
    let text = if answer.has_rows() {
        format!(
            "in {} the value does not stay what it is ({}): blue keeps it until the contract",
            answer.share(),
            answer.show_changes()
        )
    } else {
        unharmed(&answer, "every value stays what it is")
    };
    Said { text, data: Some(answer) }
}

/// Rows that fit a condition on a column.
pub(super) fn fitting(
    versions: &Versions<'_>,
    findings: &mut Findings,
    (doctype, column): (&str, &str),
    condition: String,
) -> Option<DataAnswer> {
    ask(versions, findings, doctype, column, Doubt::Rows { condition, all: false })
}

/// The same, where a single row decides: all of them are looked at.
pub(super) fn longer(
    versions: &Versions<'_>,
    findings: &mut Findings,
    (doctype, column): (&str, &str),
    condition: String,
) -> Option<DataAnswer> {
    ask(versions, findings, doctype, column, Doubt::Rows { condition, all: true })
}

/// A sentence for an answer that names no row.
pub(super) fn unharmed(answer: &DataAnswer, found_none: &str) -> String {
    match &answer.unanswered {
        Some(reason) => format!("what the rows hold is not known ({reason})"),
        None => format!("{found_none} in {}", answer.scope()),
    }
}

/// The column that holds the values now.
fn source(pair: &SyncPair) -> &str {
    // Whatever happens to the field, before the release its values are under blue's name.
    &pair.field
}

/// What is known of a pair's values: duplicates where green's column is unique, and what the cast changes.
pub(super) fn of_pair(
    versions: &Versions<'_>,
    findings: &mut Findings,
    doctype: &str,
    pair: &SyncPair,
    was_unique: bool,
) -> Result<Said, Said> {
    let is_unique = pair.indexes.iter().any(|index| index.unique);
    let said = changed(versions, findings, doctype, pair);
    let may_collide = is_unique && (!was_unique || said.data.as_ref().is_none_or(|data| !data.has_none()));
    if !may_collide {
        return Ok(said);
    }
    let column = source(pair);
    let Some(value) = pair.to_green.sql("", column) else { return Ok(said) };
    let unique = duplicates(versions, findings, (doctype, column), value)?;
    Ok(match (said.text.is_empty(), unique.text.is_empty()) {
        (true, _) => unique,
        (false, true) => said,
        (false, false) => Said { text: format!("{}; {}", said.text, unique.text), data: said.data },
    })
}
