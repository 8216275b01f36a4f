//! A bench that something else runs: the official Helm chart, or manifests of the user's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Deployments of another tool that run the bench. While `spec` names them Crossfade starts none of its own: it leads
/// the route to them. When it does not name them any more the bench is handed over to Deployments of Crossfade's own, at
/// the same version and without downtime; named again, it is handed back.
///
/// Crossfade writes two things into them, and only while the bench changes hands: `replicas`, and an annotation with the
/// number that they had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adopted {
    /// What takes the users' requests: nginx in the official chart.
    pub entry: AdoptedEntry,
    /// Names of the Deployments that the entry leads to: gunicorn, socket.io. They stop and start with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        inner(length(min = 1, max = 253)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub web: Vec<String>,
    /// Names of the Deployments that work on the queues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        inner(length(min = 1, max = 253)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub workers: Vec<String>,
    /// Name of the scheduler's Deployment; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub scheduler: Option<String>,
}

/// The Deployment that the route leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdoptedEntry {
    /// Name of the Deployment.
    #[schemars(length(min = 1, max = 253))]
    pub deployment: String,
    /// Port that its Pods take requests at.
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
}

impl Adopted {
    /// Each Deployment with the component that it stands for: `web` for the entry, `web-<name>`, `worker-<name>`,
    /// `scheduler`.
    pub fn components(&self) -> impl Iterator<Item = (String, &str)> {
        let entry = ("web".to_owned(), self.entry.deployment.as_str());
        let web = self.web.iter().map(|name| (format!("web-{name}"), name.as_str()));
        let workers = self.workers.iter().map(|name| (format!("worker-{name}"), name.as_str()));
        let scheduler = self.scheduler.iter().map(|name| ("scheduler".to_owned(), name.as_str()));
        std::iter::once(entry).chain(web).chain(workers).chain(scheduler)
    }
}
