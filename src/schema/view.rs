//! Blue's views: updatable, merged into each query, read with the administrator's rights.

use std::collections::BTreeMap;

use super::inspect::Kind;
use super::{Error, Session, quote};

/// Statements that are sent in one go: beside traffic each round trip waits for its turn.
const BATCH: usize = 25;

/// A view to be made.
pub(crate) struct View<'a> {
    /// Its name in blue's schema.
    pub(crate) name: String,
    /// The table or view of the base that it shows.
    pub(crate) of: &'a str,
    /// What that is.
    pub(crate) kind: Kind,
    /// The columns that it shows: what green adds to the table later stays out of blue's sight.
    pub(crate) columns: &'a [String],
    /// Columns of the base that it shows under other names: name in the view -> column.
    pub(crate) renamed: &'a BTreeMap<String, String>,
}

/// No column under another name.
pub(crate) static AS_THEY_ARE: BTreeMap<String, String> = BTreeMap::new();

/// Makes or replaces views of blue's.
pub(crate) async fn create(session: &mut Session<'_>, views: &[View<'_>]) -> Result<(), Error> {
    for (position, chunk) in (0_u64..).zip(views.chunks(BATCH)) {
        session.progress.report(
            "views",
            position * BATCH as u64,
            views.len() as u64,
            "creating blue's views",
        );
        let statements: Vec<String> =
            chunk.iter().map(|view| statement(&session.base, &session.schema, view)).collect();
        // Each statement may be repeated, so a busy table in the middle repeats the batch.
        session.ddl("create blue's views", &statements.join(";\n")).await?;
    }
    Ok(())
}

fn statement(base: &str, schema: &str, view: &View<'_>) -> String {
    let algorithm = match view.kind {
        Kind::Table => "MERGE",
        // A view of the base may aggregate: MariaDB would warn at MERGE and decide by itself anyway.
        Kind::View | Kind::Sequence => "UNDEFINED",
    };
    let shown: Vec<String> = view
        .columns
        .iter()
        .map(|name| match view.renamed.get(name) {
            Some(column) => format!("{} AS {}", quote::identifier(column), quote::identifier(name)),
            None => quote::identifier(name),
        })
        .collect();
    format!(
        "CREATE OR REPLACE ALGORITHM={algorithm} SQL SECURITY DEFINER VIEW {} AS SELECT {} FROM {}",
        quote::qualified(schema, &view.name),
        shown.join(", "),
        quote::qualified(base, view.of)
    )
}

/// Drops a view of blue's.
pub(crate) async fn drop_view(session: &mut Session<'_>, name: &str) -> Result<(), Error> {
    let sql = format!("DROP VIEW IF EXISTS {}", quote::qualified(&session.schema, name));
    session.ddl(&format!("drop blue's view {name}"), &sql).await
}
