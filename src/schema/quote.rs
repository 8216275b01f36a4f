//! The one place where names and values enter SQL text. Names from DocType JSON are hostile.

use sha2::{Digest, Sha256};

/// A name as an SQL identifier, in backticks.
pub(crate) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `database.object` as two identifiers.
pub(crate) fn qualified(database: &str, object: &str) -> String {
    format!("{}.{}", identifier(database), identifier(object))
}

/// A value as an SQL string. Sessions of ours and the triggers they store never run with `NO_BACKSLASH_ESCAPES`.
pub(crate) fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

/// Twelve hexadecimal digits that stand for a name where MariaDB's 64 characters do not hold it.
pub(crate) fn short_hash(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().take(6).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Column names as a comma list of identifiers, each behind `prefix` (such as `NEW.`).
pub(crate) fn columns(names: &[String], prefix: &str) -> String {
    names.iter().map(|name| format!("{prefix}{}", identifier(name))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtick_in_a_name_cannot_end_the_identifier() {
        assert_eq!(identifier("tab`; DROP TABLE x; --"), "`tab``; DROP TABLE x; --`");
    }

    #[test]
    fn a_quote_or_backslash_in_a_value_cannot_end_the_string() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\' OR 1"), "'a\\\\'' OR 1'");
    }
}
