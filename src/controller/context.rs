//! What every reconcile is given.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource, ResourceExt};

use super::error::Backoff;
use super::job_log::JobLogs;
use super::measure::InFlight;
use super::metrics::Metrics;
use crate::api::FrappeRelease;

/// Client, image and memory of the running operator. Nothing in it must survive a restart.
pub(super) struct Context {
    /// The API server.
    pub(super) client: Client,
    /// Image of Jobs and init containers.
    pub(super) operator_image: String,
    /// Publishes events.
    pub(super) recorder: kube::runtime::events::Recorder,
    /// What `/metrics` shows.
    pub(super) metrics: Metrics,
    /// Last words of Jobs.
    pub(super) logs: JobLogs,
    /// Waits after failures.
    pub(super) backoff: Backoff,
    /// Measurements and webhooks that are waited for.
    pub(super) in_flight: InFlight,
}

impl Context {
    /// A context of a client.
    pub(super) fn new(client: Client, operator_image: String, metrics: Metrics) -> Self {
        let reporter = kube::runtime::events::Reporter::from("crossfade");
        Self {
            recorder: kube::runtime::events::Recorder::new(client.clone(), reporter),
            client,
            operator_image,
            metrics,
            logs: JobLogs::default(),
            backoff: Backoff::default(),
            in_flight: InFlight::default(),
        }
    }

    /// The objects of a kind in the namespace of a release.
    pub(super) fn api<K>(&self, release: &FrappeRelease) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default + Debug,
    {
        Api::namespaced(self.client.clone(), &release.namespace().unwrap_or_default())
    }
}

/// How an object is called in messages.
pub(super) fn title<K: Resource>(kind: &K::DynamicType, name: &str) -> String {
    format!("{} '{name}'", K::kind(kind))
}
