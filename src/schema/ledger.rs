//! The history of every release in the site's database: row first, then the statement, then done. What has been
//! done is asked of the database itself (a step's effect); the ledger says what was begun, by whom, and how far.

use std::collections::BTreeMap;

use super::question::Question;
use super::{Error, Session, connection, quote};

const TABLE: &str = "__crossfade_ledger";

/// Part of a release that the ledger keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Making blue's schema.
    Isolate,
    /// The plan's steps before green.
    Expand,
    /// Removing what blue needed.
    Contract,
    /// Giving the tables back to blue.
    Rollback,
    /// Putting back what a contract dropped.
    Restore,
}

impl Part {
    fn text(self) -> &'static str {
        match self {
            Self::Isolate => "isolate",
            Self::Expand => "expand",
            Self::Contract => "contract",
            Self::Rollback => "rollback",
            Self::Restore => "restore",
        }
    }
}

/// Creates the ledger if it is not there.
pub(crate) async fn create(session: &mut Session<'_>) -> Result<(), Error> {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, \
         release_schema varchar(64) NOT NULL, part varchar(20) NOT NULL, step varchar(200) NOT NULL, \
         plan_hash varchar(64) NOT NULL, statement longtext NOT NULL, state enum('running','done') NOT NULL, \
         attempts int NOT NULL DEFAULT 1, started datetime(6) NOT NULL, ended datetime(6) DEFAULT NULL, \
         UNIQUE KEY step (release_schema, part, step)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
        table(session)
    );
    session.ddl("create the ledger", &sql).await
}

/// Enters a step as running, or counts one more attempt.
pub(crate) async fn begin(
    session: &mut Session<'_>,
    part: Part,
    step: &str,
    plan_hash: &str,
    statement: &str,
) -> Result<(), Error> {
    let values = [&session.schema, part.text(), step, plan_hash, statement].map(quote::literal).join(", ");
    let sql = format!(
        "INSERT INTO {} (release_schema, part, step, plan_hash, statement, state, started) \
         VALUES ({values}, 'running', NOW(6)) ON DUPLICATE KEY UPDATE attempts = attempts + 1, \
         state = 'running', plan_hash = VALUES(plan_hash), statement = VALUES(statement), started = NOW(6), ended = NULL",
        table(session)
    );
    session.execute("enter a step in the ledger", sql).await.map(drop)
}

/// Closes a step.
pub(crate) async fn end(session: &mut Session<'_>, part: Part, step: &str) -> Result<(), Error> {
    let sql = format!(
        "UPDATE {} SET state = 'done', ended = NOW(6) WHERE {}",
        table(session),
        row(session, part, step)
    );
    session.execute("close a step in the ledger", sql).await.map(drop)
}

/// Keeps a text with a step that is entered: what came of it.
pub(crate) async fn note(session: &mut Session<'_>, part: Part, step: &str, text: &str) -> Result<(), Error> {
    let text = quote::literal(text);
    let sql = format!("UPDATE {} SET statement = {text} WHERE {}", table(session), row(session, part, step));
    session.execute("keep a text in the ledger", sql).await.map(drop)
}

/// The texts of the steps whose names begin so, the oldest first, and whether each is done. The ledger is there.
pub(crate) async fn texts(
    session: &mut Session<'_>,
    part: Part,
    prefix: &str,
) -> Result<Vec<(String, bool)>, Error> {
    let [schema, part, prefix] = [&session.schema, part.text(), prefix].map(quote::literal);
    let sql = format!(
        "SELECT CAST(statement AS CHAR), CAST(state = 'done' AS SIGNED) FROM {} WHERE release_schema = {schema} \
         AND part = {part} AND LEFT(step, CHAR_LENGTH({prefix})) = {prefix} ORDER BY id",
        table(session)
    );
    let rows: Vec<(String, i64)> =
        Question::of(sql).all(&mut session.connection).await.map_err(Error::query("read the ledger"))?;
    Ok(rows.into_iter().map(|(text, done)| (text, done != 0)).collect())
}

/// Takes a step out again that turned out not to be ours to do.
pub(crate) async fn strike(session: &mut Session<'_>, part: Part, step: &str) -> Result<(), Error> {
    let sql = format!("DELETE FROM {} WHERE {}", table(session), row(session, part, step));
    session.execute("take a step out of the ledger", sql).await.map(drop)
}

fn table(session: &Session<'_>) -> String {
    quote::qualified(&session.base, TABLE)
}

/// The condition on the one row of a step.
fn row(session: &Session<'_>, part: Part, step: &str) -> String {
    let [schema, part, step] = [&session.schema, part.text(), step].map(quote::literal);
    format!("release_schema = {schema} AND part = {part} AND step = {step}")
}

/// A small write with a commit of its own: while a step is running its `ended` says when it was last at work.
pub(crate) fn heartbeat_sql(session: &Session<'_>) -> String {
    format!(
        "UPDATE {} SET ended = NOW(6) WHERE release_schema = {} AND state = 'running'",
        table(session),
        quote::literal(&session.schema)
    )
}

/// Takes out what an earlier release under the same schema name left: its steps are not in effect any more.
pub(crate) async fn begin_anew(session: &mut Session<'_>) -> Result<(), Error> {
    let sql = format!(
        "DELETE FROM {} WHERE release_schema = {} AND part <> {}",
        table(session),
        quote::literal(&session.schema),
        quote::literal(Part::Isolate.text())
    );
    session.execute("take an earlier release out of the ledger", sql).await.map(drop)
}

/// The steps of this release that the ledger knows, and whether each is done. The ledger is there.
pub(crate) async fn steps(session: &mut Session<'_>, part: Part) -> Result<BTreeMap<String, bool>, Error> {
    let sql = format!(
        "SELECT CAST(step AS CHAR), CAST(state = 'done' AS SIGNED) FROM {} WHERE release_schema = {} AND part = {}",
        table(session),
        quote::literal(&session.schema),
        quote::literal(part.text())
    );
    let rows: Vec<(String, i64)> =
        Question::of(sql).all(&mut session.connection).await.map_err(Error::query("read the ledger"))?;
    Ok(rows.into_iter().map(|(step, done)| (step, done != 0)).collect())
}

/// Whether a step of this release is in the ledger, done or not.
pub(crate) async fn has_begun(session: &mut Session<'_>, part: Part, step: &str) -> Result<bool, Error> {
    Ok(line(session, part, step).await?.is_some())
}

/// Whether a step of this release is in the ledger as done; not where there is no ledger.
pub(crate) async fn is_done(session: &mut Session<'_>, part: Part, step: &str) -> Result<bool, Error> {
    Ok(line(session, part, step).await?.is_some_and(|(state, _)| state == "done"))
}

/// Refuses another plan than the one that a step of this release was begun by: its steps have other names, so what ran would
/// neither be found nor taken back, and it copies other tables.
pub(crate) async fn refuse_other_plan(
    session: &mut Session<'_>,
    part: Part,
    step: &str,
    plan_hash: &str,
) -> Result<(), Error> {
    match line(session, part, step).await? {
        Some((_, begun_by)) if begun_by != plan_hash => Err(Error::Refused(format!(
            "{} is of another plan ({begun_by:.12}) than this one ({plan_hash:.12}): give that plan, or take its release back first",
            session.schema
        ))),
        Some(_) | None => Ok(()),
    }
}

/// The state (`running` or `done`) and the plan of a step; `None` where the step, or the whole ledger, is not there.
async fn line(session: &mut Session<'_>, part: Part, step: &str) -> Result<Option<(String, String)>, Error> {
    const NO_SUCH_TABLE: u16 = 1146;
    let sql = format!(
        "SELECT CAST(state AS CHAR), CAST(plan_hash AS CHAR) FROM {} WHERE {}",
        table(session),
        row(session, part, step)
    );
    match Question::of(sql).optional(&mut session.connection).await {
        Err(error) if connection::error_number(&error) == NO_SUCH_TABLE => Ok(None),
        line => line.map_err(Error::query("read the ledger")),
    }
}
