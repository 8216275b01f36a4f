//! Labels: how the objects of a release are found again.

use std::collections::BTreeMap;

use crate::api::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_RELEASE, LABEL_REVISION, MANAGED_BY};

/// The component of the relay between the caches.
pub const RELAY: &str = "relay";

/// What an object is within its revision: the value of the component label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component<'a> {
    /// The revision's record.
    Record,
    /// A stored plan.
    StoredPlan,
    /// The analyses and webhooks of a revision's release.
    Gates,
    /// The history of the release; it belongs to no revision.
    History,
    /// A Job that takes a measurement.
    Analysis,
    /// The configuration Secret.
    Config,
    /// The password of the view schema's user.
    SchemaPassword,
    /// The web server.
    Web,
    /// The socket.io server.
    Socketio,
    /// The workers of this name.
    Worker(&'a str),
    /// The scheduler.
    Scheduler,
    /// The relay between the caches.
    Relay,
    /// A Job's step.
    Job(&'a str),
}

impl Component<'_> {
    /// The label's value.
    pub fn label(self) -> String {
        match self {
            Self::Record => "record".to_owned(),
            Self::StoredPlan => "stored-plan".to_owned(),
            Self::Gates => "gates".to_owned(),
            Self::History => "history".to_owned(),
            Self::Analysis => "analysis".to_owned(),
            Self::Config => "config".to_owned(),
            Self::SchemaPassword => "schema-password".to_owned(),
            Self::Web => "web".to_owned(),
            Self::Socketio => "socketio".to_owned(),
            Self::Worker(name) => format!("worker-{name}"),
            Self::Scheduler => "scheduler".to_owned(),
            Self::Relay => RELAY.to_owned(),
            Self::Job(step) => step.to_owned(),
        }
    }
}

/// The labels of an object.
pub(super) fn labels(release: &str, revision: u32, component: Component<'_>) -> BTreeMap<String, String> {
    let mut labels = identity(release, revision, component);
    labels.insert(LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned());
    labels
}

/// The labels by which a Deployment or a Service finds its Pods. They can never change.
pub(super) fn identity(release: &str, revision: u32, component: Component<'_>) -> BTreeMap<String, String> {
    BTreeMap::from([
        (LABEL_RELEASE.to_owned(), release.to_owned()),
        (LABEL_REVISION.to_owned(), revision.to_string()),
        (LABEL_COMPONENT.to_owned(), component.label()),
    ])
}

/// The label selector for all objects of a release.
pub fn selector(release: &str) -> String {
    format!("{LABEL_RELEASE}={release}")
}

/// The label selector for all objects of one revision, to be joined with [`selector`].
pub fn of_revision(revision: u32) -> String {
    format!("{LABEL_REVISION}={revision}")
}
