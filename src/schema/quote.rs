//! Names and values in SQL text: what the engine adds to the one place that quotes, [`crate::plan::quote`].

pub(crate) use crate::plan::quote::{comparable, identifier, literal, short_hash};

/// `database.object` as two identifiers.
pub(crate) fn qualified(database: &str, object: &str) -> String {
    format!("{}.{}", identifier(database), identifier(object))
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
