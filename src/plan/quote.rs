//! The one place where names and texts become SQL. Names come from DocType JSON and are hostile.

use sha2::{Digest, Sha256};

/// An identifier in backticks; a backtick within it is doubled.
pub fn identifier(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('`');
    if name.contains(['`', '\0']) {
        for character in name.chars() {
            match character {
                // MariaDB takes no NUL in a name; without it nothing can end the quote early.
                '\0' => {}
                '`' => quoted.push_str("``"),
                _ => quoted.push(character),
            }
        }
    } else {
        quoted.push_str(name);
    }
    quoted.push('`');
    quoted
}

/// A text in single quotes, for a session whose `sql_mode` lacks `NO_BACKSLASH_ESCAPES` (as Frappe's does).
pub fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''").replace('\0', "\\0"))
}

/// A value as a text that compares as names do in Frappe's tables. By itself it has the collation of the connection or of another
/// table, and two that differ cannot be compared (error 1267).
pub(crate) fn comparable(value: &str) -> String {
    format!("CONVERT({value} USING utf8mb4) COLLATE utf8mb4_unicode_ci")
}

/// Twelve hexadecimal digits that stand for names where MariaDB's 64 characters do not hold them.
pub(crate) fn short_hash(names: &[&str]) -> String {
    hex::encode(&Sha256::digest(names.join("\0"))[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(identifier("tab`; DROP TABLE x; --"), "`tab``; DROP TABLE x; --`");
        assert_eq!(literal(r"a\' OR 1=1"), r"'a\\'' OR 1=1'");
        assert_eq!(literal("x'y"), "'x''y'");
    }
}
