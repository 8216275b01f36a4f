//! What is seen of one release in the cluster: everything that a decision may rest on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::gate::Gates;
use super::history::Entry;
use super::{JobStep, Placement, Split};
use crate::api::figures::{Figures, RelayFigures};
use crate::api::{FrappeRelease, Phase, Template};
use crate::plan::{Routing, Verdict};

/// All that a decision may look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The resource as it was read.
    pub release: FrappeRelease,
    /// The revisions that have a record, by their number.
    pub revisions: BTreeMap<u32, Revision>,
    /// The route, if there is one.
    pub route: Option<RouteSeen>,
    /// Per site what its configuration says, or why it cannot be read (a sentence that names the Secret).
    pub sites: BTreeMap<String, Result<SiteFacts, String>>,
    /// Why the bench's common configuration cannot be read, if it cannot.
    pub common_config: Result<(), String>,
    /// The history of the release as it is stored, the oldest first.
    pub history: Vec<Entry>,
    /// Routes of the namespace that are none of ours and take a hostname of the sites as well; looked at while the bench
    /// changes hands.
    pub rival_routes: Vec<String>,
    /// The bridge between the route and its rivals, if there is one.
    pub bridge: Option<BridgeSeen>,
}

/// The route by which every proxy knows where the release's own route and its rivals lead to (`traffic::bridge`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BridgeSeen {
    /// When it was written as it is.
    pub since: Timestamp,
    /// Whether it leads to all that the routes lead to now.
    pub is_whole: bool,
}

/// What a site's configuration says about its database. No credential is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFacts {
    /// `db_name`: the database with the site's tables.
    pub database: String,
    /// `db_user`, or the database's name where the site has none: who the tables belong to.
    pub user: String,
    /// Host of the server.
    pub host: String,
    /// Port of the server.
    pub port: u16,
}

/// One revision of the bench and what there is of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Its record.
    pub record: Record,
    /// Where the configuration Secret sends its Pods, and the Secret's hash; `None` while there is no Secret.
    pub config: Option<(Placement, String)>,
    /// The stored plans by site.
    pub plans: BTreeMap<String, PlanSeen>,
    /// Which requests belong to which app, as the planning Job has read both versions.
    pub routing: Routing,
    /// The Jobs of this revision.
    pub jobs: Vec<JobSeen>,
    /// The Deployments by their component: `web`, `socketio`, `worker-<name>`, `scheduler`.
    pub workloads: BTreeMap<String, Workload>,
    /// The Pods of those Deployments, also those that are ending.
    pub pods: Vec<PodSeen>,
    /// The relay between blue's cache and this green's, if there is one.
    pub relay: Option<Workload>,
    /// What the relay has counted, while it runs.
    pub relay_figures: Option<RelayFigures>,
    /// Whether the Secret with the password of the schema's user exists (it belongs to green's revision).
    pub has_schema_password: bool,
    /// Analyses and webhooks so far.
    pub gates: Gates,
    /// The Jobs that take measurements.
    pub analysis_jobs: Vec<AnalysisJobSeen>,
}

/// A Job that takes a measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysisJobSeen {
    /// Key of the run.
    pub key: String,
    /// Number of the question.
    pub number: u32,
    /// How it stands.
    pub state: JobState,
}

/// What must outlive the operator: a `ConfigMap` for each revision, written by the operator alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// What the revision runs, as the spec was when its release began.
    pub template: Template,
    /// Number of the revision that was active then; `None` for the first.
    pub blue: Option<u32>,
    /// Where its release stands.
    pub state: RecordState,
    /// When each phase was entered for the first time.
    #[serde(default)]
    pub entered: BTreeMap<Phase, Timestamp>,
    /// Where each app is in its traffic steps.
    #[serde(default)]
    pub traffic: BTreeMap<String, AppStep>,
    /// Value of the retry annotation when the release began.
    #[serde(default)]
    pub attempt: String,
    /// Who wrote the image into the spec, as far as the API server says: a tool, not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What the annotation `kubernetes.io/change-cause` said then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Which of the two logical databases of the cache server it uses, 0 or 1: never the one of its blue.
    #[serde(default)]
    pub cache_slot: u32,
}

/// Where a revision's release stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RecordState {
    /// It is being released.
    Releasing,
    /// It goes back to blue.
    Aborting {
        /// Why, in a sentence.
        reason: String,
        /// Whether the spec has asked for what blue is.
        #[serde(default)]
        is_withdrawn: bool,
    },
    /// It is what runs.
    Active,
    /// It is what runs, but its FrappeRelease goes: no route of the release leads to it any more.
    Leaving {
        /// Since when.
        since: Timestamp,
    },
    /// It was taken back. It is not tried again until the spec changes or somebody asks.
    RolledBack {
        /// Why, in a sentence.
        reason: String,
        /// Whether the spec has asked for what blue is: from then on the same is begun again when it is asked for again.
        #[serde(default)]
        is_withdrawn: bool,
    },
}

/// Where an app is in its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppStep {
    /// Index of the step, from 0; the number of steps when all are done.
    pub step: usize,
    /// When it got there.
    pub since: Timestamp,
}

/// A plan as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSeen {
    /// Its hash.
    pub hash: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its summary.
    pub summary: String,
}

/// A Job of a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSeen {
    /// What it does.
    pub step: JobStep,
    /// The site it does it to; `None` for the whole bench.
    pub site: Option<String>,
    /// Value of the retry annotation when it was made.
    pub attempt: String,
    /// Whether it is being deleted.
    pub is_deleting: bool,
    /// How it stands.
    pub state: JobState,
    /// The last progress line of its Pod.
    pub progress: Option<Progress>,
    /// What it has counted.
    pub figures: Figures,
}

/// How a Job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Not ended yet.
    Running,
    /// Done.
    Succeeded,
    /// Given up; with its last words.
    Failed(String),
}

impl JobState {
    /// The word in status and on pages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed(_) => "Failed",
        }
    }
}

/// A progress line of a Job: what every command prints with `--output json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is done, e.g. `view` or `backfill`.
    #[serde(default)]
    pub step: String,
    /// How much of it is done.
    #[serde(default)]
    pub done: Option<u64>,
    /// How much there is.
    #[serde(default)]
    pub total: Option<u64>,
    /// A sentence.
    #[serde(default)]
    pub message: String,
}

impl Progress {
    /// The progress that a line of a Job's log tells, if it tells any.
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str::<Self>(line).ok().filter(Self::is_told)
    }

    /// Whether a line of JSON that reads as progress is one: it says of what.
    pub(crate) fn is_told(&self) -> bool {
        !self.step.is_empty()
    }
}

/// A Deployment of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Pods that its spec asks for.
    pub desired: i32,
    /// Pods that it has when it runs, as far as the cluster says: of a Deployment of another tool the number that it had
    /// before it was stopped. Of ours the template says it.
    pub full: i32,
    /// Pods that are ready; 0 unless the controller has seen the last spec.
    pub ready: i32,
    /// Pods that exist, also those that are ending; counted from the Pods themselves.
    pub existing: i32,
}

/// A Pod of a revision's Deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSeen {
    /// Its name.
    pub name: String,
    /// Its component.
    pub component: String,
    /// Hash of the configuration it was told to see.
    pub config_hash: Option<String>,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Whether it is ending.
    pub is_ending: bool,
}

/// The route (or the Services of the provider) as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSeen {
    /// How it splits the traffic; `None` if it does not say.
    pub split: Option<Split>,
    /// Whether all of its parts are there as they should be, and nothing else.
    pub is_whole: bool,
    /// Whether every Gateway has accepted exactly this generation of every part.
    pub is_accepted: bool,
    /// What the Gateway says when it has not.
    pub message: String,
}

impl RouteSeen {
    /// Percent of an app's traffic that goes to a revision.
    pub fn weight(&self, revision: u32, app: &str) -> u8 {
        self.split.as_ref().map_or(0, |split| split.weight(revision, app))
    }
}
