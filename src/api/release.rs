//! The `FrappeRelease` resource itself.
#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::adopted::Adopted;
use super::analysis::Analysis;
use super::bench::{Bench, Cache, Migrate, Socketio, Web, Worker};
use super::gate::{Approvals, Contract, Deadlines, Planning};
use super::site::{Database, SecretName, Site};
use super::status::FrappeReleaseStatus;
use super::traffic::Traffic;
use super::webhook::Webhook;

/// What a bench should run. A change of the image (or of anything that makes its Pods) is released without downtime.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "crossfade.dev",
    version = "v1alpha1",
    kind = "FrappeRelease",
    plural = "frappereleases",
    singular = "frapperelease",
    shortname = "fr",
    shortname = "frel",
    category = "all",
    category = "frappe",
    namespaced,
    status = "FrappeReleaseStatus",
    derive = "PartialEq",
    doc = "One bench and the version of it that should run",
    annotation("helm.sh/resource-policy", "keep"),
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Green","type":"integer","jsonPath":".status.weight","description":"Percent of the traffic on green"}"#,
    printcolumn = r#"{"name":"Image","type":"string","jsonPath":".spec.image"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.message","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    validation = kube::core::Rule::new("self.metadata.name.size() <= 40").message(
        "metadata.name must have at most 40 characters: the names of all objects of a release are made from it"
    ),
    validation = kube::core::Rule::new(
        "!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase in ['Complete', 'RolledBack'] || self.spec.sites.map(s, s.name) == oldSelf.spec.sites.map(s, s.name)"
    ).message("spec.sites cannot change while a release runs: wait until it is Complete, or abort it")
)]
#[x_kube(
    validation = kube::core::Rule::new(
        "self.traffic.apps.all(a, a.name == '*' || (has(self.apps) && a.name in self.apps))"
    ).message("spec.traffic.apps names an app that spec.apps does not have: add it there, or use '*' for all other apps")
)]
#[x_kube(
    validation = kube::core::Rule::new(
        "self.traffic.apps.all(a, a.steps.all(s, !has(s.analysis) || (has(self.analysis) && self.analysis.exists(t, t.name == s.analysis))))"
    ).message("a traffic step names an analysis that spec.analysis does not have")
)]
#[x_kube(
    validation = kube::core::Rule::new("!has(self.adopted) || self.traffic.provider == 'GatewayAPI'").message(
        "spec.adopted needs spec.traffic.provider: GatewayAPI: a Service that selects by Crossfade's labels cannot lead to another tool's Pods"
    )
)]
#[x_kube(
    validation = kube::core::Rule::new(
        "!has(self.traffic.analysis) || self.traffic.analysis.all(n, has(self.analysis) && self.analysis.exists(t, t.name == n))"
    ).message("spec.traffic.analysis names an analysis that spec.analysis does not have")
)]
pub struct FrappeReleaseSpec {
    /// The bench's image, by tag or digest.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = kube::core::Rule::new(
        r"self.matches('^[^\\s@]+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?@sha256:[a-f0-9]{64}$') || self.matches('^[^\\s@]+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$')"
    ).message("spec.image needs a tag or a digest, e.g. registry.example.com/erp:v15.41.0: without one nobody can tell blue from green"))]
    pub image: String,
    /// Secrets with which the image is pulled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub image_pull_secrets: Vec<SecretName>,
    /// When the image is pulled. Default: Kubernetes' own rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = kube::core::Rule::new("self in ['Always', 'IfNotPresent', 'Never']").message(
        "spec.imagePullPolicy is one of Always, IfNotPresent, Never"
    ))]
    #[schemars(length(max = 16))]
    pub image_pull_policy: Option<String>,
    /// Apps of the bench that traffic rules name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        inner(length(min = 1, max = 63), regex(pattern = "^[a-z][a-z0-9_]*$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub apps: Vec<String>,
    /// The sites of the bench: all are released together.
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    #[x_kube(validation = kube::core::Rule::new("self.size() > 0").message(
        "spec.sites is empty: name at least one site of the bench"
    ))]
    pub sites: Vec<Site>,
    /// How the image is laid out and what its containers are given.
    pub bench: Bench,
    /// How the Jobs reach the database server.
    pub database: Database,
    /// The web server.
    pub web: Web,
    /// The socket.io server; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socketio: Option<Socketio>,
    /// The workers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub workers: Vec<Worker>,
    /// The scheduler; none if left out. Exactly one runs, of one colour: the Pods of the other one wait for their turn,
    /// so Crossfade has to know the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = kube::core::Rule::new("!has(self.args) || has(self.command)").message(
        "scheduler.args needs scheduler.command, with the image's entry point if that is meant: Crossfade starts it itself"
    ))]
    pub scheduler: Option<super::bench::Program>,
    /// The Deployments of another tool that run the bench, as long as Crossfade does not run it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
    /// Green's own migrate.
    #[serde(default)]
    pub migrate: Migrate,
    /// The caches of both colours.
    #[serde(default)]
    pub cache: Cache,
    /// Where traffic comes in and how it moves.
    pub traffic: Traffic,
    /// What the planner may take on trust.
    #[serde(default)]
    pub planning: Planning,
    /// Where a human has to agree.
    #[serde(default)]
    pub approvals: Approvals,
    /// Analyses that traffic steps and `traffic.analysis` can name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub analysis: Vec<Analysis>,
    /// Addresses that are asked at points of the release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub webhooks: Vec<Webhook>,
    /// How long things may take.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// What happens to blue in the end.
    #[serde(default)]
    pub contract: Contract,
    /// Hold the release where it is. Nothing that serves is touched; what fills columns stops at once and goes on afterwards.
    #[serde(default)]
    pub paused: bool,
}

impl FrappeRelease {
    /// The revision that an annotation of this release names, if it names one.
    pub fn annotated(&self, annotation: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(annotation).map(String::as_str)
    }
}

/// The part of the spec that makes a revision: when it changes there is something to release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// The bench's image.
    pub image: String,
    /// The sites.
    pub sites: Vec<Site>,
    /// Layout and environment.
    pub bench: Bench,
    /// The web server.
    pub web: Web,
    /// The socket.io server.
    pub socketio: Option<Socketio>,
    /// The workers.
    pub workers: Vec<Worker>,
    /// The scheduler.
    pub scheduler: Option<super::bench::Program>,
    /// What runs it, if that is not Crossfade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
}

impl FrappeReleaseSpec {
    /// What of this spec makes a revision.
    pub fn template(&self) -> Template {
        Template {
            image: self.image.clone(),
            sites: self.sites.clone(),
            bench: self.bench.clone(),
            web: self.web.clone(),
            socketio: self.socketio.clone(),
            workers: self.workers.clone(),
            scheduler: self.scheduler.clone(),
            adopted: self.adopted.clone(),
        }
    }
}
