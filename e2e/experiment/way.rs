//! How a version is released. A way is a file; each begins with a bench at v1 that serves, and gives what it did.

mod crossfade;
mod locked;
mod naive;
mod usual;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::harness::Fallible;
use crate::harness::bench::Bench;

/// A way to release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Maintenance mode on, migrate, roll the Pods, maintenance mode off.
    Locked,
    /// Migrate beside traffic, then roll the Pods.
    Naive,
    /// A `FrappeRelease`.
    Crossfade,
}

/// What was done in a release, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Released {
    /// When each phase began, in seconds since 1970.
    pub phases: Vec<(String, f64)>,
    /// Each run of `bench migrate`, in order.
    pub migrations: Vec<Migration>,
    /// What was filled beside traffic.
    pub backfills: Vec<Backfill>,
    /// Why the new version does not serve; nothing if it does.
    pub failure: Option<String>,
}

/// A run of `bench migrate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// How long it took.
    pub seconds: f64,
    /// The last words of one that failed.
    pub failure: Option<String>,
}

/// Columns of a table that were filled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backfill {
    /// Which ones, of which table.
    pub what: String,
    /// Rows looked at.
    pub rows: u64,
    /// Rows a second over the whole of it.
    pub rows_per_second: u64,
}

impl Way {
    /// Every way, in the order of the report.
    pub const ALL: [Self; 3] = [Self::Locked, Self::Naive, Self::Crossfade];

    /// Name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Naive => "naive",
            Self::Crossfade => "crossfade",
        }
    }

    /// What is done, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Locked => locked::TITLE,
            Self::Naive => naive::TITLE,
            Self::Crossfade => crossfade::TITLE,
        }
    }

    /// A bench at v1 that serves, in a namespace of this name.
    pub fn install(self, namespace: &str) -> Fallible<Bench> {
        match self {
            Self::Locked | Self::Naive => usual::install(namespace),
            Self::Crossfade => crossfade::install(namespace),
        }
    }

    /// Releases a version; `say` is told what goes on.
    pub fn release(self, bench: &Bench, version: &str, say: &dyn Fn(&str)) -> Fallible<Released> {
        match self {
            Self::Locked => locked::release(bench, version, say),
            Self::Naive => naive::release(bench, version, say),
            Self::Crossfade => crossfade::release(bench, version, say),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|way| way.name() == name);
        found.ok_or_else(|| format!("there is no way {name}: locked, naive or crossfade"))
    }
}
