//! Pieces of SQL that several steps need.

use crate::plan::{Column, quote};

/// A column in `CREATE TABLE` and `ADD COLUMN`.
pub(super) fn define(column: &Column) -> String {
    format!("{} {}", quote::identifier(&column.name), column.definition)
}

/// The words for an index.
pub(super) fn index_word(unique: bool) -> &'static str {
    if unique { "UNIQUE INDEX" } else { "INDEX" }
}

/// Columns, quoted, parted by commas.
pub(super) fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quote::identifier(column)).collect::<Vec<_>>().join(", ")
}
