//! Values that would stop a unique index half-way (1062), looked for in all rows before anything is changed: the plan may
//! have looked at a sample, or at nothing.

use std::collections::BTreeMap;

use super::question::Question;
use super::{Error, Session, inspect, quote, rename, step};
use crate::plan::{Assignment, CAST_MODE, Effect, Step, Work};

/// Values that are named for each index.
const NAMED: u32 = 3;

/// A unique index that is to be built on a table with rows.
struct Wanted<'a> {
    /// The table's name as it is now.
    table: &'a str,
    /// The columns of the index, for people.
    columns: String,
    /// What will be in them: SQL expressions on the columns that are there.
    values: Vec<String>,
}

/// Whether what takes a step back can be done: a unique index of blue's comes back only where no value stands twice. What
/// stands in its way is said, and blue goes on without it.
pub(crate) async fn allow(session: &mut Session<'_>, effect: &Effect) -> Result<bool, Error> {
    let Effect::IndexExists { table, columns, unique: true } = effect else { return Ok(true) };
    let values = columns.iter().map(|column| quote::identifier(column)).collect();
    let found = ask(session, &Wanted { table, columns: columns.join(", "), values }).await?;
    if let Some(found) = &found {
        let message = format!("{found}; blue goes on without it: make them differ and add it by hand");
        session.progress.report("unique", 1, 1, &message);
    }
    Ok(found.is_none())
}

/// A sentence for each index that the rows do not allow. Reads whole tables, each in one statement that locks no row.
pub(crate) async fn duplicates(session: &mut Session<'_>, steps: &[Step]) -> Result<Vec<String>, Error> {
    let live = inspect::columns(&mut session.connection, &session.base).await?;
    let mut all = Vec::new();
    for step in steps {
        if let Some(wanted) = wanted(step, steps, &live)
            && !step::is_done(session, step).await?
        {
            all.push(wanted);
        }
    }
    let (mut found, total) = (Vec::new(), all.len() as u64);
    for (done, wanted) in (0_u64..).zip(&all) {
        let Wanted { table, columns, .. } = wanted;
        let message = format!("looking for values of {columns} that stand twice, in all rows of {table}");
        session.progress.report("unique", done, total, &message);
        let twice = ask(session, wanted).await?;
        found.extend(
            twice.map(|twice| format!("{twice}; make all such values differ, or NULL, before the release")),
        );
    }
    Ok(found)
}

fn wanted<'a>(step: &'a Step, steps: &'a [Step], live: &BTreeMap<String, Vec<String>>) -> Option<Wanted<'a>> {
    let Effect::IndexExists { table, columns, unique: true } = &step.effect else { return None };
    let now = rename::old_name(steps, table).filter(|name| live.contains_key(*name)).unwrap_or(table);
    let there = live.get(now)?;
    let fills: Vec<&Assignment> = steps
        .iter()
        .filter_map(|step| match &step.work {
            Work::Backfill { table: filled, columns, .. } => (filled == table).then_some(columns),
            Work::Statement | Work::BlueView { .. } | Work::RenameTable { .. } => None,
        })
        .flatten()
        .collect();
    let values: Option<Vec<String>> = columns.iter().map(|column| value(column, &fills, there)).collect();
    Some(Wanted { table: now, columns: columns.join(", "), values: values? })
}

/// What a column will hold, out of what is there now; `None` for a new one that nothing fills.
fn value(column: &str, fills: &[&Assignment], there: &[String]) -> Option<String> {
    let Some(last) = fills.iter().rposition(|fill| fill.column == column) else {
        let is_there = there.iter().any(|name| name.eq_ignore_ascii_case(column));
        return is_there.then(|| quote::identifier(column));
    };
    // It may look at blue's column, which is filled before it out of one that is there.
    let (before, rest) = fills.split_at(last);
    let value = rest.first()?.value.clone();
    let others = before.iter().filter(|fill| fill.column != column);
    Some(others.fold(value, |value, fill| value.replace(&quote::identifier(&fill.column), &fill.value)))
}

async fn ask(session: &mut Session<'_>, wanted: &Wanted<'_>) -> Result<Option<String>, Error> {
    let Wanted { table, columns, values } = wanted;
    let key = inspect::primary_key(&mut session.connection, &session.base, table).await?;
    let named = |word: &str| match &*key {
        [one] => format!("CAST({word}({}) AS CHAR)", quote::identifier(one)),
        _ => "NULL".to_owned(),
    };
    let given: Vec<String> = values.iter().map(|value| format!("{value} IS NOT NULL")).collect();
    let sql = format!(
        "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT COUNT(*), {}, {} FROM {} WHERE {} GROUP BY {} \
         HAVING COUNT(*) > 1 LIMIT {NAMED}",
        named("MIN"),
        named("MAX"),
        quote::qualified(&session.base, table),
        given.join(" AND "),
        values.join(", "),
    );
    let rows: Vec<(i64, Option<String>, Option<String>)> = Question::of(sql)
        .all(&mut session.connection)
        .await
        .map_err(Error::query(format!("look for values of {columns} of {table} that stand twice")))?;
    if rows.is_empty() {
        return Ok(None);
    }
    let groups: Vec<String> = rows.into_iter().map(group).collect();
    Ok(Some(format!(
        "{table} cannot take the unique index over {columns}: these rows have one value there: {}",
        groups.join("; ")
    )))
}

/// The rows of one value, by their keys: the value itself may be nobody's business.
fn group((rows, first, last): (i64, Option<String>, Option<String>)) -> String {
    match (first, last, rows - 2) {
        (Some(first), Some(last), 0) => format!("{first} and {last}"),
        (Some(first), Some(last), more) => format!("{first}, {last} and {more} more"),
        (None, _, _) | (_, None, _) => format!("{rows} rows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_traced_to_the_columns_that_are_there() {
        let fill =
            |column: &str, value: &str| Assignment { column: column.to_owned(), value: value.to_owned() };
        let (moved, cast) = (fill("code__blue", "`code`"), fill("code", "CAST(`code__blue` AS SIGNED)"));
        let emptied = fill("serial", "NULLIF(`serial`, '')");
        let there = ["name", "code", "serial", "Plain"].map(str::to_owned);
        let value = |column: &str| value(column, &[&moved, &cast, &emptied], &there);
        assert_eq!(value("code").unwrap(), "CAST(`code` AS SIGNED)");
        assert_eq!(value("serial").unwrap(), "NULLIF(`serial`, '')");
        assert_eq!(value("plain").unwrap(), "`plain`");
        assert_eq!(value("new"), None);
    }
}
