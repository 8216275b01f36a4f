//! How the traffic is split between two revisions, app by app.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::traffic::REST;

/// Who gets how much of each app's traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The revision that gets the rest; `None` when `green` gets all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue: Option<u32>,
    /// The revision that the weights are about.
    pub green: u32,
    /// Percent for green by app; `*` is for all that are not named.
    pub apps: BTreeMap<String, u8>,
}

impl Split {
    /// All traffic to one revision.
    pub fn only(revision: u32) -> Self {
        Self { blue: None, green: revision, apps: BTreeMap::from([(REST.to_owned(), 100)]) }
    }

    /// The weight of an app, or of the rest if it is not named.
    pub fn of(&self, app: &str) -> u8 {
        self.apps.get(app).or_else(|| self.apps.get(REST)).copied().unwrap_or(0)
    }

    /// Percent of an app's traffic that goes to a revision.
    pub fn weight(&self, revision: u32, app: &str) -> u8 {
        if revision == self.green {
            self.of(app)
        } else if self.blue == Some(revision) {
            100 - self.of(app).min(100)
        } else {
            0
        }
    }

    /// The least weight of all apps: what is safely on green.
    pub fn least(&self, revision: u32) -> u8 {
        self.apps.keys().map(|app| self.weight(revision, app)).min().unwrap_or(0)
    }

    /// Whether a revision gets any traffic.
    pub fn serves(&self, revision: u32) -> bool {
        self.apps.keys().any(|app| self.weight(revision, app) > 0)
    }
}
