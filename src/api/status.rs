//! What the operator says about a release.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Phase;
use super::figures::Figures;
use super::webhook::HookPoint;

/// What is seen of a release. Deleting it loses nothing: it is made anew from the cluster.
// Until the operator has written it the API server fills in a generation that no release has: without one kstatus takes
// a resource for done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct FrappeReleaseStatus {
    /// Generation of the spec that all of this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the release is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Since when it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_since: Option<Time>,
    /// What goes on or is waited for, in a sentence.
    #[serde(default)]
    pub message: String,
    /// Since when the same is waited for (numbers in `message` aside).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Time>,
    /// Percent of the whole traffic that is on green (the least of all apps).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// The version that serves, or served before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue: Option<Colour>,
    /// The version that comes, or came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub green: Option<Colour>,
    /// The plan of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanStatus>,
    /// Per app: its step and weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<AppStatus>,
    /// Per site: what its Job is doing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<SiteStatus>,
    /// The analyses of this release, the last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub analyses: Vec<AnalysisStatus>,
    /// The webhooks that were called in this release, the last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookStatus>,
    /// Who said what to the release: the last ten words, and all that still count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<AuditStatus>,
    /// The phases and kstatus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// One version of the bench.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Colour {
    /// Number of the revision.
    pub revision: u32,
    /// Its image.
    pub image: String,
    /// Pods of its web server that are ready.
    pub ready: i32,
}

/// The plan, as far as a status line needs it. The whole plan is in `ConfigMap`s of the revision, one a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStatus {
    /// Hash over the plans of all sites: what an approval names.
    pub hash: String,
    /// The worst verdict of all sites.
    pub verdict: String,
    /// What changes, in a sentence.
    pub summary: String,
    /// Whether the plan is approved, or needs no approval.
    pub approved: bool,
}

/// The traffic of one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppStatus {
    /// Its name, or `*` for all others.
    pub name: String,
    /// Percent of its traffic on green, as the Gateway has accepted it.
    pub weight: u8,
    /// Number of the step it is at, from 1.
    pub step: u32,
    /// Number of steps.
    pub steps: u32,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub waiting: String,
}

/// The work on one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteStatus {
    /// Name of the site.
    pub name: String,
    /// What is done to it, e.g. `expand`.
    pub step: String,
    /// `Running`, `Succeeded` or `Failed`.
    pub state: String,
    /// Steps (or rows) done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Steps (or rows) in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The last word of the Job.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What the Jobs of this release have counted on the site, until the release has ended.
    #[serde(default, skip_serializing_if = "Figures::is_empty")]
    pub figures: Figures,
}

/// An analysis at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisStatus {
    /// Its name in `spec.analysis`.
    pub name: String,
    /// Where it runs: a traffic step, or `the whole shift`.
    pub place: String,
    /// `Running`, `Passed`, `Failed`, `Inconclusive`, or `Removed` from the spec.
    pub result: String,
    /// When it began.
    pub since: Time,
    /// Measurements that count.
    pub measured: u32,
    /// Measurements after which it has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Measurements that failed.
    pub failed: u32,
    /// Whether its result changes nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Why it failed or is inconclusive.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The last measurements, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<MeasurementStatus>,
}

/// One measurement of an analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementStatus {
    /// Its number, from 1.
    pub number: u32,
    /// When it was taken.
    pub at: Time,
    /// `Passed`, `Failed`, `Inconclusive`, `Error` or `NoData`.
    pub outcome: String,
    /// The value, or what there was instead.
    pub value: String,
}

/// A webhook at one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookStatus {
    /// Its name in `spec.webhooks`.
    pub name: String,
    /// The point.
    pub at: HookPoint,
    /// `Holding` the release, `Retrying`, `Agreed` or `Failed`.
    pub state: String,
    /// When it was called first.
    pub since: Time,
    /// Calls so far.
    pub calls: u32,
    /// What it answered last, if that was not 2xx.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

/// What somebody said to the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditStatus {
    /// `Approved`, `Promoted`, `Paused`, `Resumed`, `Aborted` or `Retried`.
    pub action: String,
    /// What was approved (`plan`, `window`, `promote`, `contract` or the name of a step), or the app that was promoted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// What was written: a plan's hash, the number of a revision (with the step of an app), the value of a retry.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The user, as the client says that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The field manager, as the API server noted: the program, not the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When that manager wrote last before it was seen.
    pub at: Time,
}

impl AuditStatus {
    /// Who it was, as a part of a sentence; empty if nothing is known.
    pub fn author(&self) -> String {
        match (&self.by, &self.manager) {
            (Some(user), Some(manager)) => format!(" by {user} ({manager})"),
            (Some(one), None) | (None, Some(one)) => format!(" by {one}"),
            (None, None) => String::new(),
        }
    }
}

/// A line for people, without the time.
impl std::fmt::Display for AuditStatus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.action)?;
        for word in [&self.what, &self.value].into_iter().filter(|word| !word.is_empty()) {
            write!(formatter, " {word}")?;
        }
        formatter.write_str(&self.author())
    }
}
