//! What was seen of one release so far.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};

use super::told::Told;
use crate::api::FrappeRelease;
use crate::api::figures::RelayFigures;

/// One release and what belongs to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The release; none if there is none of this name.
    pub(super) release: Option<FrappeRelease>,
    /// Its Jobs.
    pub(super) jobs: Vec<Job>,
    /// Its Pods.
    pub(super) pods: Vec<Pod>,
    /// Events of its namespace.
    pub(super) events: Vec<Event>,
    /// What Jobs have told, by the names of their Pods.
    pub(super) told: BTreeMap<String, Told>,
    /// What relays counted last, by the names of their Pods.
    pub(super) counted: BTreeMap<String, RelayFigures>,
    /// What could not be seen, and why.
    pub(super) problems: Vec<String>,
}
