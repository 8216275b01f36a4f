//! A table under another name: the plan's one `RENAME TABLE` gives the table its name and puts a view of that name in the
//! place of blue's. What stands by for it is made here, and what a crash of the server left half done is put right.

use super::inspect::{self, Kind};
use super::inventory;
use super::question::Question;
use super::view::{self, View};
use super::{Error, OWN_PREFIX, Session, quote};
use crate::plan::{Step, Work};

/// What the empty table is marked with that a view is made of before the real one has the name.
const MARK: &str = "__crossfade: stands in for a table that is about to get this name";

/// The names of one rename.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    /// Name that the table has.
    pub(crate) from: &'a str,
    /// Name that it gets.
    pub(crate) to: &'a str,
    /// Blue's view of it, whose name stays.
    pub(crate) view: &'a str,
}

/// What a table is called before these steps, if they give it its name.
pub(crate) fn old_name<'a>(steps: &'a [Step], table: &str) -> Option<&'a str> {
    steps.iter().find_map(|step| match &step.work {
        Work::RenameTable { from, to, .. } if to == table => Some(from.as_str()),
        Work::Statement | Work::Backfill { .. } | Work::BlueView { .. } | Work::RenameTable { .. } => None,
    })
}

/// Renames the table unless that is done, and leaves blue's view right and nothing else.
pub(crate) async fn run(
    session: &mut Session<'_>,
    title: &str,
    sql: &str,
    names: &Names<'_>,
) -> Result<(), Error> {
    let base = inspect::objects(&mut session.connection, &session.base).await?;
    let is_table = |name: &str| base.get(name) == Some(&Kind::Table);
    match (is_table(names.from), is_table(names.to)) {
        (true, there) => {
            if there && !is_stand_in(session, names.to).await? {
                let message =
                    format!("both {} and {} are there: move one away by hand", names.from, names.to);
                return Err(Error::Incomplete(vec![message]));
            }
            stand_by(session, names).await?;
            session.ddl(title, sql).await?;
        }
        // The server died in the middle of the statement: each of its renames is whole, not all of them together.
        (false, true) => {
            let blue = inspect::objects(&mut session.connection, &session.schema).await?;
            if !blue.contains_key(names.view) || !shows(session, names).await? {
                make_view(session, names, names.view).await?;
            }
        }
        (false, false) => {
            let message =
                format!("neither {} nor {} is there: restore the table first", names.from, names.to);
            return Err(Error::Incomplete(vec![message]));
        }
    }
    for left in [old(names.view), new(names.view)] {
        view::drop_view(session, &left).await?;
    }
    Ok(())
}

/// Whether the table has the name, and blue's view shows it.
pub(crate) async fn is_done(
    connection: &mut sqlx::MySqlConnection,
    [base, schema]: [&str; 2],
    names: &Names<'_>,
) -> Result<bool, Error> {
    let tables = inspect::objects(connection, base).await?;
    let views = inspect::objects(connection, schema).await?;
    let is_left = [old(names.view), new(names.view)].iter().any(|name| views.contains_key(name));
    let is_renamed = tables.get(names.to) == Some(&Kind::Table) && !tables.contains_key(names.from);
    Ok(is_renamed && !is_left && reads(connection, [base, schema], names).await?)
}

async fn shows(session: &mut Session<'_>, names: &Names<'_>) -> Result<bool, Error> {
    let databases = [session.base.as_str(), session.schema.as_str()];
    reads(&mut session.connection, databases, names).await
}

async fn reads(
    connection: &mut sqlx::MySqlConnection,
    [base, schema]: [&str; 2],
    names: &Names<'_>,
) -> Result<bool, Error> {
    let definition = inspect::view_definition(connection, schema, names.view).await?;
    let from = format!(" from {}", quote::qualified(base, names.to));
    Ok(definition.is_some_and(|definition| definition.ends_with(&from)))
}

/// A view of the table under its new name, made of an empty table that goes again: a view can be made of what is there only.
async fn stand_by(session: &mut Session<'_>, names: &Names<'_>) -> Result<(), Error> {
    let [from, to] = [names.from, names.to].map(|name| quote::qualified(&session.base, name));
    let drop = format!("DROP TABLE IF EXISTS {to}");
    let make =
        format!("CREATE TABLE {to} COMMENT = {} AS SELECT * FROM {from} WHERE 0", quote::literal(MARK));
    session.ddl_all(&format!("make room for {}", names.to), &[drop.clone(), make]).await?;
    make_view(session, names, &new(names.view)).await?;
    session.ddl(&format!("make room for {}", names.to), &drop).await
}

async fn make_view(session: &mut Session<'_>, names: &Names<'_>, called: &str) -> Result<(), Error> {
    let entries = inventory::read(session).await?;
    let Some(entry) = entries.get(names.view) else {
        let message = format!("blue's schema has no {}: was it isolated by this plan?", names.view);
        return Err(Error::Refused(message));
    };
    let stands = View {
        name: called.to_owned(),
        of: names.to,
        kind: Kind::Table,
        columns: &entry.columns,
        renamed: &view::AS_THEY_ARE,
    };
    view::create(session, &[stands]).await
}

async fn is_stand_in(session: &mut Session<'_>, table: &str) -> Result<bool, Error> {
    let sql = format!(
        "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} \
         AND TABLE_COMMENT = {}",
        quote::literal(&session.base),
        quote::literal(table),
        quote::literal(MARK)
    );
    let found: i64 = Question::of(sql)
        .scalar(&mut session.connection)
        .await
        .map_err(Error::query(format!("see what {table} is")))?;
    Ok(found > 0)
}

fn old(view: &str) -> String {
    format!("{OWN_PREFIX}_old_{}", quote::short_hash(&[view]))
}

fn new(view: &str) -> String {
    format!("{OWN_PREFIX}_new_{}", quote::short_hash(&[view]))
}
