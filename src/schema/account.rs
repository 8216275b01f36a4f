//! Blue's database user: named like its schema (Frappe's rule), with rights on that schema's objects alone. A user
//! that sees two schemas gets wrong DDL from Frappe, whose queries on `information_schema` name no schema.

use std::time::Duration;

use super::inventory::Shape;
use super::ledger::{self, Part};
use super::question::Question;
use super::{Error, Session, connection, inspect, quote};

/// The ledger's name for making the user.
pub(crate) const STEP: &str = "user";
/// `ER_CANNOT_USER`: there is one of that name.
const CANNOT_CREATE_USER: u16 = 1396;

/// How often somebody who uses blue's schema is looked for again, and how long after.
const LOOKS: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Statements that are sent in one go: beside traffic each round trip waits for its turn.
const BATCH: usize = 50;

/// The account as SQL, `'name'@'%'`.
pub(crate) fn account(schema: &str) -> String {
    format!("{}@'%'", quote::literal(schema))
}

/// Whether a user of this name exists on any host, as far as the administrator may see other users at all.
pub(crate) async fn exists(session: &mut Session<'_>) -> Result<bool, Error> {
    let count: i64 = Question::fixed(
        "SELECT COUNT(DISTINCT GRANTEE) FROM information_schema.USER_PRIVILEGES \
         WHERE LEFT(GRANTEE, CHAR_LENGTH(?) + 3) = CONCAT('\\'', ?, '\\'@')",
    )
    .with(&session.schema)
    .with(&session.schema)
    .scalar(&mut session.connection)
    .await
    .map_err(Error::query("look for blue's user"))?;
    Ok(count > 0)
}

/// Creates the user, or gives the one that an earlier run made this password.
pub(crate) async fn ensure(session: &mut Session<'_>, password: &str, plan_hash: &str) -> Result<(), Error> {
    let (account, password) = (account(&session.schema), quote::literal(password));
    let is_ours = ledger::has_begun(session, Part::Isolate, STEP).await?;
    ledger::begin(session, Part::Isolate, STEP, plan_hash, "").await?;
    let create = format!("CREATE USER {account} IDENTIFIED BY {password}");
    match connection::run(&mut session.connection, create).await {
        Ok(_) => {}
        Err(error) if connection::error_number(&error) == CANNOT_CREATE_USER && is_ours => {}
        Err(error) if connection::error_number(&error) == CANNOT_CREATE_USER => {
            ledger::strike(session, Part::Isolate, STEP).await?;
            let name = &session.schema;
            return Err(Error::Refused(format!(
                "a user {name} exists that is not Crossfade's: drop it or choose another schema name"
            )));
        }
        Err(error) => return Err(without_password(&error)),
    }
    let alter = format!("ALTER USER {account} IDENTIFIED BY {password} ACCOUNT UNLOCK");
    connection::run(&mut session.connection, alter).await.map_err(|error| without_password(&error))?;
    // For the schema as a whole: reading, so that a table that is missing is 1146 to Frappe as ever and not 1142;
    // temporary tables, which reports of ERPNext use and which cannot be granted otherwise.
    let whole =
        format!("GRANT SELECT, CREATE TEMPORARY TABLES ON {}.* TO {account}", pattern(&session.schema));
    session.execute("let blue read its schema", whole).await?;
    ledger::end(session, Part::Isolate, STEP).await
}

/// The server's message could quote the statement and with it the password: only its number is told.
fn without_password(error: &sqlx::Error) -> Error {
    let number = connection::error_number(error);
    let told = sqlx::Error::Protocol(format!("the server answered with error {number}"));
    Error::query("make blue's user")(told)
}

/// Gives blue its rights to write: on views and copies, but on no metadata.
pub(crate) async fn grant(session: &mut Session<'_>, objects: &[(&str, Shape)]) -> Result<(), Error> {
    for chunk in objects.chunks(BATCH) {
        let statements: Vec<String> = chunk
            .iter()
            .filter_map(|(object, shape)| grant_statement(&session.schema, object, *shape))
            .collect();
        if !statements.is_empty() {
            session.execute("let blue write", statements.join(";\n")).await?;
        }
    }
    Ok(())
}

fn grant_statement(schema: &str, object: &str, shape: Shape) -> Option<String> {
    let rights = match shape {
        Shape::View | Shape::Copy => "INSERT, UPDATE, DELETE",
        Shape::ReadOnlyCopy => return None,
        // NEXTVAL asks for it.
        Shape::Sequence => "INSERT",
    };
    Some(format!("GRANT {rights} ON {} TO {}", quote::qualified(schema, object), account(schema)))
}

/// Locks the account, so that no new connection can come.
pub(crate) async fn lock(session: &mut Session<'_>, locked: bool) -> Result<(), Error> {
    let state = if locked { "LOCK" } else { "UNLOCK" };
    let sql = format!("ALTER USER IF EXISTS {} ACCOUNT {state}", account(&session.schema));
    session.execute("lock blue's user", sql).await.map(drop)
}

/// Removes the user with all its rights.
pub(crate) async fn drop_user(session: &mut Session<'_>) -> Result<(), Error> {
    let sql = format!("DROP USER IF EXISTS {}", account(&session.schema));
    session.execute("drop blue's user", sql).await.map(drop)
}

/// Fails with exit code 3 if a connection of blue lives, or anybody else uses blue's schema (a report, a person).
pub(crate) async fn refuse_if_connected(session: &mut Session<'_>) -> Result<(), Error> {
    let connected = inspect::connections_of(&mut session.connection, &session.schema).await?;
    if connected.is_empty() {
        return refuse_if_in_use(session).await;
    }
    let list: Vec<String> = connected.iter().take(10).map(ToString::to_string).collect();
    Err(Error::Refused(format!(
        "blue is still connected as {} ({}): stop its web, workers and scheduler first: {}",
        session.schema,
        connected.len(),
        list.join(", ")
    )))
}

/// What is seen once may be a command before this one that has its answer already: the server's thread forgets the
/// statement a moment later.
async fn refuse_if_in_use(session: &mut Session<'_>) -> Result<(), Error> {
    let mut used = Vec::new();
    for _ in 0..LOOKS {
        used = inspect::connections_in(&mut session.connection, &session.schema).await?;
        if used.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let list: Vec<String> = used.iter().take(10).map(|(user, one)| format!("{one} as {user}")).collect();
    Err(Error::Refused(format!("{} is in use: {}", session.schema, list.join(", "))))
}

/// A database name as a pattern of GRANT, where `_` and `%` are wildcards.
fn pattern(database: &str) -> String {
    quote::identifier(&database.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%"))
}
