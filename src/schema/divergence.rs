//! Do both versions see the same? Every pair of columns that triggers keep in step is compared row by row, both ways,
//! and blue's copy of the Singles with the tables' for the fields that both versions know.
//!
//! A range is compared in one statement, so on one snapshot: what the triggers do to a row is done with it. Texts are
//! compared byte by byte. A value that the other side's type cannot hold was decided by rule, or will be when that side
//! saves a Single: it is counted, not taken for a difference.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::keyset::{Key, Range};
use super::question::Question;
use super::{Error, Session, inventory, quote, singles};
use crate::api::figures::Figures;
use crate::plan::{CAST_MODE, InStep, Plan, SingleField};

/// Rows of one statement.
const ROWS: u64 = 5_000;
/// So many keys are named.
const NAMED: usize = 10;
/// How often a long comparison says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// What was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// Rows looked at; a table with several pairs counts once.
    pub rows: u64,
    /// Values of blue that green's type cannot hold.
    pub into_green: u64,
    /// Values of green that blue's type cannot hold.
    pub into_blue: u64,
}

impl std::fmt::Display for Compared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} rows compared, none differs", self.rows)?;
        let decided = self.into_green + self.into_blue;
        if decided > 0 {
            write!(formatter, ", {decided} values do not fit the other side and were decided by rule")?;
        }
        Ok(())
    }
}

/// Compares everything that is to be in step; fails with what differs.
pub async fn run(session: &mut Session<'_>, plan: &Plan) -> Result<Compared, Error> {
    let mut tables: BTreeMap<&str, Vec<&InStep>> = BTreeMap::new();
    for pair in &plan.in_step {
        tables.entry(&pair.table).or_default().push(pair);
    }
    let (mut compared, mut differences, mut differing) = (Compared::default(), Vec::new(), 0);
    for (table, pairs) in tables {
        let key = Key::of(&mut session.connection, &session.base, table).await?;
        let comparison = Comparison { key, pairs, differing: BTreeMap::new() };
        differing += comparison.run(session, &mut compared, &mut differences).await?;
    }
    let mut settings = 0;
    if is_copied(session, plan).await? {
        let (differing, words) = singles(session, plan).await?;
        settings = differing;
        differences.extend(words);
        misread(session, plan, &mut compared).await?;
    }
    let count = Figures { differences: Some(differing + settings), ..Figures::default() };
    session.progress.count(&count);
    if differences.is_empty() { Ok(compared) } else { Err(Error::Diverged(differences)) }
}

/// Compares again and again for so long, at least once, while both versions write.
pub async fn keep_on(
    session: &mut Session<'_>,
    plan: &Plan,
    how_long: Duration,
) -> Result<(Compared, u64), Error> {
    let begun = Instant::now();
    for passes in 1.. {
        let compared = run(session, plan).await?;
        if begun.elapsed() >= how_long {
            return Ok((compared, passes));
        }
        session.progress.report("compare", passes, 0, &format!("pass {passes}: {compared}"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok((Compared::default(), 0))
}

/// The pairs of one table.
struct Comparison<'p> {
    key: Key,
    pairs: Vec<&'p InStep>,
    /// Pair -> rows that differ, and the keys of the first ones.
    differing: BTreeMap<usize, (u64, Vec<String>)>,
}

impl Comparison<'_> {
    /// Compares the table; gives the number of its values that differ.
    async fn run(
        mut self,
        session: &mut Session<'_>,
        compared: &mut Compared,
        differences: &mut Vec<String>,
    ) -> Result<u64, Error> {
        let table = self.pairs.first().map_or("", |pair| pair.table.as_str());
        let Some(last) = self.key.last(&mut session.connection).await? else { return Ok(0) };
        let mut rest = Range { after: None, to: Some(last) };
        let mut said = Instant::now();
        let before = compared.rows;
        loop {
            let next = self.key.at(&mut session.connection, &rest, ROWS).await?;
            let range = Range { after: rest.after.clone(), to: next.clone().or(rest.to.clone()) };
            self.range(session, &range, compared).await?;
            if said.elapsed() > SAY_EVERY {
                said = Instant::now();
                let done = compared.rows - before;
                session.progress.report("compare", done, 0, &format!("{done} rows of {table} compared"));
            }
            match next {
                Some(next) if rest.to.as_ref() != Some(&next) => rest.after = Some(next),
                Some(_) | None => break,
            }
            tokio::task::yield_now().await;
        }
        for (pair, (count, keys)) in &self.differing {
            if let Some(pair) = self.pairs.get(*pair) {
                let more = if keys.len() as u64 == *count { "" } else { ", ..." };
                let InStep { blue, green, .. } = pair;
                differences.push(format!(
                    "{count} rows of {table} differ in {blue} (blue) and {green} (green): {}{more}",
                    keys.join(", ")
                ));
            }
        }
        Ok(self.differing.values().map(|(count, _)| count).sum())
    }

    /// One range in one statement; only one with differences is read again for its keys.
    async fn range(
        &mut self,
        session: &mut Session<'_>,
        range: &Range,
        compared: &mut Compared,
    ) -> Result<(), Error> {
        let counts: Vec<String> = self
            .pairs
            .iter()
            .flat_map(|pair| [differs(pair), into_green(pair), into_blue(pair)])
            .map(|condition| format!("CAST(COALESCE(SUM({condition}), 0) AS SIGNED)"))
            .collect();
        let sql = format!(
            "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT CONCAT_WS(' ', COUNT(*), {}) FROM {} WHERE {}",
            counts.join(", "),
            self.key.table(),
            self.key.within(range)
        );
        let text: String = Question::of(sql)
            .scalar(&mut session.connection)
            .await
            .map_err(Error::query("compare both versions' columns"))?;
        let mut numbers = text.split(' ').map(|number| number.parse::<u64>().unwrap_or(0));
        compared.rows += numbers.next().unwrap_or(0);
        for at in 0..self.pairs.len() {
            let differing = numbers.next().unwrap_or(0);
            compared.into_green += numbers.next().unwrap_or(0);
            compared.into_blue += numbers.next().unwrap_or(0);
            if differing > 0 {
                self.enter(session, at, range, differing).await?;
            }
        }
        Ok(())
    }

    async fn enter(
        &mut self,
        session: &mut Session<'_>,
        at: usize,
        range: &Range,
        count: u64,
    ) -> Result<(), Error> {
        let Some(pair) = self.pairs.get(at) else { return Ok(()) };
        let (known, keys) = self.differing.entry(at).or_default();
        *known += count;
        if keys.len() < NAMED {
            let sql = format!(
                "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT CAST({} AS CHAR) FROM {} WHERE {} AND {} LIMIT {}",
                self.key.column(),
                self.key.table(),
                self.key.within(range),
                differs(pair),
                NAMED - keys.len()
            );
            let found: Vec<String> = Question::of(sql)
                .scalars(&mut session.connection)
                .await
                .map_err(Error::query("list the rows that differ"))?;
            keys.extend(found);
        }
        Ok(())
    }
}

/// Neither value is what the other becomes.
fn differs(InStep { green_follows, blue_follows, .. }: &InStep) -> String {
    format!("(NOT ({green_follows}) AND NOT ({blue_follows}))")
}

/// Green has what blue's value becomes, which does not become blue's again.
fn into_green(InStep { blue, green_follows, blue_follows, .. }: &InStep) -> String {
    format!("(({green_follows}) AND NOT ({blue_follows}) AND {})", holds_something(blue))
}

/// Blue has what green's value becomes, which does not become green's again.
fn into_blue(InStep { green, green_follows, blue_follows, .. }: &InStep) -> String {
    format!("(({blue_follows}) AND NOT ({green_follows}) AND {})", holds_something(green))
}

/// Neither NULL nor an empty text: of those a number is 0 and a date is none, as Frappe reads them (`cint`, `getdate`), so
/// nothing is lost where the other side has that.
fn holds_something(column: &str) -> String {
    format!("COALESCE(CAST({} AS CHAR), '') <> ''", quote::identifier(column))
}

/// Whether blue has Singles of its own that are to be in step.
async fn is_copied(session: &mut Session<'_>, plan: &Plan) -> Result<bool, Error> {
    if plan.singles.is_empty() || inventory::stage(session).await?.is_none() {
        return Ok(false);
    }
    Ok(inventory::read(session).await?.get(singles::TABLE).is_some_and(|entry| entry.shape.is_copy()))
}

/// Settings whose text one version reads as another number: they are named, their values are not.
async fn misread(session: &mut Session<'_>, plan: &Plan, compared: &mut Compared) -> Result<(), Error> {
    let table = quote::qualified(&session.base, singles::TABLE);
    for single in &plan.singles {
        let SingleField { doctype, field, misread_by_green, misread_by_blue, .. } = single;
        let sides = [
            ("green", misread_by_green, &mut compared.into_green),
            ("blue", misread_by_blue, &mut compared.into_blue),
        ];
        for (colour, condition, count) in sides {
            let Some(condition) = condition else { continue };
            let sql = format!(
                "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT COUNT(*) FROM {table} \
                 WHERE doctype = {} AND field = {} AND {condition}",
                quote::literal(doctype),
                quote::literal(field)
            );
            let question = Question::of(sql).scalar(&mut session.connection);
            let found: i64 =
                question.await.map_err(Error::query("look for settings that a version misreads"))?;
            if found > 0 {
                *count += 1;
                let message = format!(
                    "{doctype}.{field} holds what is no such number to {colour}: a save of {colour}'s writes the number that it reads, for both"
                );
                session.progress.report("compare", 0, 0, &message);
            }
        }
    }
    Ok(())
}

/// Fields of Singles that both versions know and that are not the same in both tables: how many, and in words.
async fn singles(session: &mut Session<'_>, plan: &Plan) -> Result<(u64, Option<String>), Error> {
    let sql = singles::differences_sql(session, &plan.singles);
    let rows: Vec<(String, String)> = Question::of(sql)
        .all(&mut session.connection)
        .await
        .map_err(Error::query("compare blue's Singles with the tables'"))?;
    if rows.is_empty() {
        return Ok((0, None));
    }
    let mut fields: Vec<String> = rows.iter().map(|(doctype, field)| format!("{doctype}.{field}")).collect();
    fields.sort();
    fields.dedup();
    let count = fields.len();
    fields.truncate(NAMED);
    let shown = fields.join(", ");
    let words = format!(
        "{count} settings differ between {} and {}: {shown}",
        quote::qualified(&session.base, singles::TABLE),
        quote::qualified(&session.schema, singles::TABLE)
    );
    Ok((count as u64, Some(words)))
}
