//! What holds a release: approvals, deadlines, the contract policy.
#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a human has to agree, and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approvals {
    /// Before anything touches the database. Approved by the plan's hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Approval>,
    /// Before the first request reaches green. Approved by the revision's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promote: Option<Approval>,
    /// Before the point of no return. Approved by the revision's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Approval>,
    /// Traffic steps that are approved by a commit: `approve` steps of `spec.traffic.apps` by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub steps: Vec<StepApproval>,
}

/// The approval of a traffic step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepApproval {
    /// Name of the step.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The number of the revision that may go on.
    #[schemars(length(min = 1, max = 64))]
    pub approved: String,
}

/// One approval: asked for by being there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// What is approved: the plan's hash, or the number of the revision. The same can be said by
    /// `kubectl crossfade approve`, which sets an annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub approved: Option<String>,
}

/// What the planner may take on trust.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Planning {
    /// Lines of `patches.txt` of green that somebody has read and found harmless for blue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 512)))]
    pub accept_patches: Vec<String>,
    /// The hash of a plan that is Blocking and may run all the same, in a maintenance window: the site is closed (503)
    /// from the end of blue's jobs until green is ready, and there is no way back once green's migrate has begun, so make a
    /// backup first. The same can be said by `kubectl crossfade approve NAME window`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub accept_maintenance_window: Option<String>,
    /// What green has under another name, where the plan asks about it. An entry does nothing once blue has the new
    /// name, so it may stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub renames: Vec<Rename>,
}

/// A field or a `DocType` that was renamed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rename {
    /// The `DocType` of a renamed field; left out where the `DocType` itself was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 61), regex(pattern = "^[^=]+$"))]
    pub doctype: Option<String>,
    /// Its name in blue.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[^=]+$"))]
    pub old: String,
    /// Its name in green.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[^=]+$"))]
    pub new: String,
}

impl Rename {
    /// The same as an argument of `crossfade plan --rename`.
    pub fn argument(&self) -> String {
        match &self.doctype {
            Some(doctype) => format!("{doctype}.{}={}", self.old, self.new),
            None => format!("{}={}", self.old, self.new),
        }
    }
}

/// How long things may take before the release goes back to blue by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deadlines {
    /// Seconds that green's Pods may need to become ready.
    #[serde(default = "ready_seconds")]
    #[schemars(range(min = 10, max = 86_400))]
    pub ready_seconds: u32,
    /// Seconds that blue's queues may need to run out before the release stalls.
    #[serde(default = "drain_seconds")]
    #[schemars(range(min = 10, max = 604_800))]
    pub drain_seconds: u32,
    /// Seconds without a connection of the old user before blue counts as moved: onto its views, and in a rollback off them.
    #[serde(default = "quiet_seconds")]
    #[schemars(range(min = 1, max = 600))]
    pub quiet_seconds: u32,
    /// Seconds that one DDL statement may be tried before the Job fails and names who holds the table.
    #[serde(default = "lock_seconds")]
    #[schemars(range(min = 1, max = 3600))]
    pub lock_seconds: u32,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            ready_seconds: ready_seconds(),
            drain_seconds: drain_seconds(),
            quiet_seconds: quiet_seconds(),
            lock_seconds: lock_seconds(),
        }
    }
}

/// What happens to blue after all traffic is on green.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("!self.dropRemoved || has(self.backupClaim)").message(
    "spec.contract.dropRemoved needs spec.contract.backupClaim: what is dropped is kept there, for crossfade restore"
))]
pub struct Contract {
    /// Seconds that blue is kept, scaled to nothing but able to come back, before the point of no return.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2_592_000))]
    pub rollback_window_seconds: u32,
    /// A `PersistentVolumeClaim` that gets a backup of all that is dropped, a file a site and revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub backup_claim: Option<String>,
    /// Whether columns and tables are dropped that green does not know any more; needs `backupClaim`. Frappe itself never drops them.
    #[serde(default)]
    pub drop_removed: bool,
}

const fn ready_seconds() -> u32 {
    600
}

const fn drain_seconds() -> u32 {
    7200
}

const fn quiet_seconds() -> u32 {
    10
}

const fn lock_seconds() -> u32 {
    60
}
