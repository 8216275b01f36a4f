//! Analyses: what is measured while traffic moves, and when it takes the release back.
#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]

use k8s_openapi::api::core::v1::EnvVar;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Program;
use super::site::SecretKey;
use super::webhook::Header;

/// A measurement that is taken again and again, and what its values mean for the release. It has exactly one of
/// `prometheus`, `http`, `job`, `gateway` and `verify`.
///
/// In the texts of a provider `$(NAMESPACE)`, `$(RELEASE)`, `$(BLUE)` and `$(GREEN)` (numbers of revisions),
/// `$(BLUE_SERVICE)` and `$(GREEN_SERVICE)` (names of the web Services) stand for those of the release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("[has(self.prometheus), has(self.http), has(self.job), has(self.gateway), has(self.verify)].filter(x, x).size() == 1").message(
    "an analysis has exactly one of prometheus, http, job, gateway, verify"
))]
#[x_kube(validation = kube::core::Rule::new("!has(self.prometheus) || has(self.pass) || has(self.fail)").message(
    "an analysis by prometheus needs pass or fail: say which values are good, e.g. pass: {atMost: '0.01'}"
))]
#[x_kube(validation = kube::core::Rule::new("!has(self.http) || !has(self.http.pointer) || has(self.pass) || has(self.fail)").message(
    "an analysis by http with a pointer needs pass or fail: say which values are good, e.g. pass: {equals: 'ok'}"
))]
#[x_kube(validation = kube::core::Rule::new("!(has(self.job) || has(self.gateway) || has(self.verify)) || !(has(self.pass) || has(self.fail))").message(
    "an analysis by job, gateway or verify has no pass and no fail: a Job passes with exit code 0, a gateway has limits of its own, and no value may differ"
))]
pub struct Analysis {
    /// Name that steps use.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// A query to Prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Prometheus>,
    /// An address whose answer is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// A Job that passes with exit code 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<AnalysisJob>,
    /// Errors and latency of both colours, from the counters that an Envoy gateway keeps for each backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayCounters>,
    /// The values of both versions, compared in the database of every site as `crossfade verify` does: it passes when none
    /// differs, and says which rows do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerifyValues>,
    /// Values that pass. With `fail` as well, a value that is neither is inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Comparison>,
    /// Values that fail. Without `pass` all others pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Comparison>,
    /// Seconds before the first measurement.
    #[serde(default)]
    #[schemars(range(min = 0, max = 86_400))]
    pub initial_delay_seconds: u32,
    /// Seconds between two measurements.
    #[serde(default = "interval_seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub interval_seconds: u32,
    /// Measurements after which it has passed, unless a limit was passed before.
    #[serde(default = "count")]
    #[schemars(range(min = 1, max = 1000))]
    pub count: u32,
    /// Failed measurements that are forgiven.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000))]
    pub failure_limit: u32,
    /// Inconclusive measurements that are forgiven. One more, and the release stands still until a human acts.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000))]
    pub inconclusive_limit: u32,
    /// Measurements in a row that could not be taken (no answer, a wrong one) and are forgiven. One more fails.
    #[serde(default = "error_limit")]
    #[schemars(range(min = 0, max = 1000))]
    pub error_limit: u32,
    /// What a measurement without a value counts as: no series, `NaN`, too few requests.
    #[serde(default)]
    pub no_data: NoData,
    /// Measure and tell, but never hold the release or take it back.
    #[serde(default)]
    pub dry_run: bool,
    /// Seconds that one measurement may take. Default: 10, 300 for a Job, and 3600 for `verify`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub timeout_seconds: Option<u32>,
}

impl Analysis {
    /// Seconds that one measurement may take.
    pub fn timeout(&self) -> u32 {
        let usual = if self.verify.is_some() {
            3600
        } else if self.job.is_some() {
            300
        } else {
            10
        };
        self.timeout_seconds.unwrap_or(usual)
    }

    /// Whether a Job takes each measurement.
    pub const fn is_by_job(&self) -> bool {
        self.job.is_some() || self.verify.is_some()
    }
}

/// A query whose result is one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prometheus {
    /// Address of the server, e.g. `http://prometheus.monitoring:9090`.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^https?://[^/?#]+"))]
    pub address: String,
    /// The query. Its result must be a scalar or a vector of one series.
    #[schemars(length(min = 1, max = 8192))]
    pub query: String,
    /// Headers of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<Header>,
    /// Certificates (PEM) that an `https` address is trusted by. Default: those of the web's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<SecretKey>,
}

/// An address that is asked by GET.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    /// What to get. It is never shown, since it may hold a token.
    #[schemars(length(min = 1, max = 2048), regex(pattern = "^https?://[^/?#]+"))]
    pub url: String,
    /// Where the value is in the answer's JSON, as a JSON Pointer (RFC 6901), e.g. `/data/errors/0`. Without it the
    /// value is the status of the answer, and any 2xx passes unless `pass` or `fail` say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^/"))]
    pub pointer: Option<String>,
    /// Headers of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<Header>,
    /// Certificates (PEM) that an `https` address is trusted by. Default: those of the web's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<SecretKey>,
}

/// A container that is run to its end, once for each measurement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisJob {
    /// Its image. Default: green's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Its command.
    #[serde(flatten)]
    pub program: Program,
    /// Its environment, which may refer to Secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub env: Vec<EnvVar>,
}

/// The comparison of both versions' values; it has no settings of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyValues {}

/// The counters of an Envoy gateway (`/stats/prometheus`), and what of green they must not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayCounters {
    /// Where the counters are, e.g. `http://envoy-stats.projectcontour:8002/stats/prometheus`. Every address that the
    /// name has is read: a headless Service stands for all Pods of the gateway.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^http://[^/?#]+"))]
    pub address: String,
    /// How the gateway calls the backend of a colour in the label `envoy_cluster_name`. `$(SERVICE)` stands for the web
    /// Service of either colour. Default: as Contour does.
    #[serde(default = "cluster")]
    #[schemars(length(min = 1, max = 512))]
    pub cluster: String,
    /// Percentage points that green's share of 5xx answers may be above blue's, as a decimal number.
    #[serde(default = "max_error_percent")]
    #[schemars(length(min = 1, max = 16), regex(pattern = r"^[0-9]+(\.[0-9]+)?$"))]
    pub max_error_percent: String,
    /// Times that green's mean latency may be blue's, as a decimal number. Not compared while blue has less than
    /// `minRequests`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), regex(pattern = r"^[0-9]+(\.[0-9]+)?$"))]
    pub max_latency_ratio: Option<String>,
    /// Requests of green that a measurement needs. With fewer it has no data.
    #[serde(default = "min_requests")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_requests: u32,
}

/// A comparison with a value: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("has(self.atMost) || has(self.atLeast) || has(self.equals)").message(
    "a comparison is empty: give atMost, atLeast or equals"
))]
pub struct Comparison {
    /// The greatest value, as a decimal number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub at_most: Option<String>,
    /// The least value, as a decimal number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub at_least: Option<String>,
    /// The value itself: a number, a text, `true` or `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub equals: Option<String>,
}

/// What a measurement without a value counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NoData {
    /// Nothing: it is taken again after the interval, and the release waits.
    #[default]
    Wait,
    /// Passed.
    Pass,
    /// Failed.
    Fail,
}

const fn interval_seconds() -> u32 {
    30
}

const fn count() -> u32 {
    1
}

const fn error_limit() -> u32 {
    4
}

const fn min_requests() -> u32 {
    20
}

fn cluster() -> String {
    "$(NAMESPACE)_$(SERVICE)_80".to_owned()
}

fn max_error_percent() -> String {
    "1".to_owned()
}
