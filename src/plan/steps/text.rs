//! Pieces of SQL that several steps need.

use sha2::{Digest, Sha256};

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

/// Twelve hexadecimal digits for names that must fit 64 characters whatever the DocType is called.
pub(super) fn short_hash(parts: &[&str]) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(parts.join("\0"));
    digest.iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
