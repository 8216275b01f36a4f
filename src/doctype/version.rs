//! The version of Frappe that a bench runs: its type map and table layout depend on it.

use serde::{Deserialize, Serialize};

/// Version of the framework, as far as its schema sync differs between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FrappeVersion {
    /// Major version, e.g. 15.
    pub major: u32,
    /// Minor version, e.g. 41.
    pub minor: u32,
}

impl FrappeVersion {
    /// What is assumed when nothing says which version a bench runs.
    pub const ASSUMED: Self = Self { major: 15, minor: 41 };

    /// Reads `15.41.0`, `v15.41.0` or `16.0.0-dev`; `None` for anything else, such as a branch name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_start_matches('v').split('.');
        let major = parts.next()?.parse().ok()?;
        let minor: String = parts.next().unwrap_or("0").chars().take_while(char::is_ascii_digit).collect();
        Some(Self { major, minor: minor.parse().ok()? })
    }

    /// Before 13.12.0 decimals were `decimal(18,6)` unless the field asked for more.
    pub(crate) fn has_short_decimals(self) -> bool {
        self < Self { major: 13, minor: 12 }
    }

    /// Version 13 and older: parent columns in every table, COMPRESSED rows, no default on text columns.
    pub(crate) fn has_legacy_tables(self) -> bool {
        self.major <= 13
    }

    /// Version 16 writes `int` and `tinyint` without display width.
    pub(crate) fn has_plain_integers(self) -> bool {
        self.major >= 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_frappe_writes_them() {
        assert_eq!(FrappeVersion::parse("15.41.0"), Some(FrappeVersion { major: 15, minor: 41 }));
        assert_eq!(FrappeVersion::parse("v16.0.0-dev"), Some(FrappeVersion { major: 16, minor: 0 }));
        assert_eq!(FrappeVersion::parse("version-15"), None);
        assert!(FrappeVersion { major: 13, minor: 11 }.has_short_decimals());
        assert!(!FrappeVersion { major: 13, minor: 12 }.has_short_decimals());
    }
}
