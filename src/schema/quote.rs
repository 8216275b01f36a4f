//! Names and values in SQL text: what the engine adds to the one place that quotes, [`crate::plan::quote`].

use sha2::{Digest, Sha256};

pub(crate) use crate::plan::quote::{identifier, literal};

/// `database.object` as two identifiers.
pub(crate) fn qualified(database: &str, object: &str) -> String {
    format!("{}.{}", identifier(database), identifier(object))
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
    fn every_part_of_a_name_is_quoted() {
        assert_eq!(qualified("a`b", "tab`; DROP TABLE x"), "`a``b`.`tab``; DROP TABLE x`");
        assert_eq!(columns(&["a`".to_owned(), "b".to_owned()], "NEW."), "NEW.`a```, NEW.`b`");
    }
}
