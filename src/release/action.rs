//! What a decision asks for. Every action is idempotent: it is asked for again until its effect is seen.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::gate::{Calls, Question, Run};
use super::history::Entry;
use super::{Record, Split};
use crate::api::webhook::{HookPoint, Webhook};

/// One thing to do in the cluster.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Write the record of a revision.
    Record {
        /// Number of the revision.
        revision: u32,
        /// What it says.
        record: Box<Record>,
    },
    /// Write a revision's configuration Secret: `common_site_config.json` and a `site_config.json` a site.
    Config {
        /// Number of the revision.
        revision: u32,
        /// Which database its sites are sent to.
        placement: Placement,
    },
    /// Make the Secret with a generated password for the user of the view schemas, unless it is there.
    SchemaPassword {
        /// Green's revision.
        revision: u32,
    },
    /// Tell the Pods of a revision which configuration they should see (which makes the kubelet refresh it).
    TouchPods {
        /// Number of the revision.
        revision: u32,
        /// Hash of the configuration.
        hash: String,
    },
    /// Start a Job.
    Job {
        /// Green's revision: all Jobs of a release belong to it.
        revision: u32,
        /// What it does.
        step: JobStep,
        /// The site it does it to; `None` for the whole bench.
        site: Option<String>,
    },
    /// Delete a Job (a failed one before it is tried again, or one that an abort stops).
    DeleteJob {
        /// Green's revision.
        revision: u32,
        /// What it does.
        step: JobStep,
        /// Its site.
        site: Option<String>,
    },
    /// Read the plan from the log of the finished planning Job and store it.
    StorePlan {
        /// Green's revision.
        revision: u32,
        /// The site.
        site: String,
    },
    /// Make the Deployments and the Service of a revision, scaled as told.
    Workloads {
        /// Number of the revision.
        revision: u32,
        /// Which parts run.
        running: Running,
    },
    /// Start the relay between the caches of a release's colours, or remove it.
    Relay {
        /// Green's revision: the relay belongs to it.
        revision: u32,
        /// Whether it runs.
        is_running: bool,
    },
    /// Split the traffic so: write every part of the route, and delete those that are not needed any more.
    Route {
        /// Who gets how much.
        split: Split,
    },
    /// Delete every part of the route, but not the bridge.
    NoRoute,
    /// Write the bridge between the route and its rivals.
    Bridge {
        /// Now.
        since: Timestamp,
    },
    /// Delete the bridge.
    NoBridge,
    /// Write entries of the runs and calls of a revision; `None` deletes one.
    Gate {
        /// Green's revision.
        revision: u32,
        /// Texts by key.
        entries: BTreeMap<String, Option<String>>,
    },
    /// Take a measurement in the background and store the run with it.
    Measure {
        /// Green's revision.
        revision: u32,
        /// Key of the run.
        key: String,
        /// The run so far.
        run: Box<Run>,
        /// What is asked.
        question: Box<Question>,
    },
    /// Start the Job that takes a measurement.
    AnalysisJob {
        /// Green's revision.
        revision: u32,
        /// Key of the run.
        key: String,
        /// Number of the question.
        number: u32,
        /// What is asked.
        question: Box<Question>,
    },
    /// Delete the Job of a measurement that nobody waits for any more.
    DeleteAnalysisJob {
        /// Green's revision.
        revision: u32,
        /// Key of the run.
        key: String,
        /// Number of the question.
        number: u32,
    },
    /// Call a webhook in the background and store its answer.
    Call {
        /// Green's revision.
        revision: u32,
        /// Key of the calls.
        key: String,
        /// The webhook.
        hook: Box<Webhook>,
        /// The calls so far.
        calls: Calls,
        /// What it is told.
        body: serde_json::Value,
    },
    /// Write the history of the release.
    History {
        /// All of it, the oldest first.
        entries: Vec<Entry>,
    },
    /// Delete everything of a revision but its record and its runs and calls.
    Remove {
        /// Number of the revision.
        revision: u32,
    },
    /// Delete what `Remove` leaves of a revision that nobody needs any more.
    Forget {
        /// Number of the revision.
        revision: u32,
    },
}

impl Action {
    /// Its kind, as traces call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Record { .. } => "Record",
            Self::Config { .. } => "Config",
            Self::SchemaPassword { .. } => "SchemaPassword",
            Self::TouchPods { .. } => "TouchPods",
            Self::Job { .. } => "Job",
            Self::DeleteJob { .. } => "DeleteJob",
            Self::StorePlan { .. } => "StorePlan",
            Self::Workloads { .. } => "Workloads",
            Self::Relay { .. } => "Relay",
            Self::Route { .. } => "Route",
            Self::NoRoute => "NoRoute",
            Self::Bridge { .. } => "Bridge",
            Self::NoBridge => "NoBridge",
            Self::Gate { .. } => "Gate",
            Self::Measure { .. } => "Measure",
            Self::AnalysisJob { .. } => "AnalysisJob",
            Self::DeleteAnalysisJob { .. } => "DeleteAnalysisJob",
            Self::Call { .. } => "Call",
            Self::History { .. } => "History",
            Self::Remove { .. } => "Remove",
            Self::Forget { .. } => "Forget",
        }
    }

    /// Whether its failure is only logged: it tells somebody, and nothing rests on it.
    pub fn only_tells(&self) -> bool {
        match self {
            Self::History { .. } => true,
            Self::Call { hook, .. } => match hook.at {
                HookPoint::PostRollout | HookPoint::Rollback | HookPoint::Event => true,
                HookPoint::ConfirmRollout
                | HookPoint::PreRollout
                | HookPoint::Rollout
                | HookPoint::ConfirmTrafficIncrease
                | HookPoint::ConfirmPromotion
                | HookPoint::BeforeContract => false,
            },
            Self::Record { .. }
            | Self::Config { .. }
            | Self::SchemaPassword { .. }
            | Self::TouchPods { .. }
            | Self::Job { .. }
            | Self::DeleteJob { .. }
            | Self::StorePlan { .. }
            | Self::Workloads { .. }
            | Self::Route { .. }
            | Self::NoRoute
            | Self::Bridge { .. }
            | Self::NoBridge
            | Self::Relay { .. }
            | Self::Gate { .. }
            | Self::Measure { .. }
            | Self::AnalysisJob { .. }
            | Self::DeleteAnalysisJob { .. }
            | Self::Remove { .. }
            | Self::Forget { .. } => false,
        }
    }
}

/// What a Job does: the commands of the same names, and green's own migrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobStep {
    /// Read both images and the site, and plan.
    Plan,
    /// Make blue's schema of views.
    Isolate,
    /// Wait until nobody uses the tables' own user.
    Handover,
    /// Make the tables serve both versions.
    Expand,
    /// Green's own migrate.
    Migrate,
    /// Compare the live schema with the plan.
    Verify,
    /// Wait until blue's queues are empty.
    Drain,
    /// Remove what only blue needed.
    Contract,
    /// Wait until green's queues are empty (before a rollback).
    DrainGreen,
    /// Give tables and metadata back to blue.
    RollbackTables,
    /// Remove the schema when blue has left it.
    RollbackFinish,
}

impl JobStep {
    /// Every step.
    pub const ALL: [Self; 11] = [
        Self::Plan,
        Self::Isolate,
        Self::Handover,
        Self::Expand,
        Self::Migrate,
        Self::Verify,
        Self::Drain,
        Self::Contract,
        Self::DrainGreen,
        Self::RollbackTables,
        Self::RollbackFinish,
    ];

    /// Its name in labels and object names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Isolate => "isolate",
            Self::Handover => "handover",
            Self::Expand => "expand",
            Self::Migrate => "migrate",
            Self::Verify => "verify",
            Self::Drain => "drain",
            Self::Contract => "contract",
            Self::DrainGreen => "drain-green",
            Self::RollbackTables => "rollback-tables",
            Self::RollbackFinish => "rollback-finish",
        }
    }

    /// The step of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// Which database the sites of a revision are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// The tables themselves, with the credentials of the site's own configuration.
    Tables,
    /// The tables, but the site is closed: Frappe answers 503 to everybody (`maintenance_mode`).
    Closed,
    /// The schema of views that was made for the release of this (green) revision.
    Views {
        /// Green's revision.
        green: u32,
    },
}

/// Which parts of a revision run: their spec's replicas, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Web and socketio.
    pub web: bool,
    /// Workers.
    pub workers: bool,
    /// Scheduler.
    pub scheduler: bool,
}

impl Running {
    /// All parts run.
    pub const ALL: Self = Self { web: true, workers: true, scheduler: true };
    /// All but the scheduler.
    pub const WITHOUT_SCHEDULER: Self = Self { web: true, workers: true, scheduler: false };
    /// Only web and socketio, which say that the site is closed.
    pub const WEB: Self = Self { web: true, workers: false, scheduler: false };
    /// Only the workers, to run out the queues.
    pub const WORKERS: Self = Self { web: false, workers: true, scheduler: false };
    /// Nothing runs.
    pub const NONE: Self = Self { web: false, workers: false, scheduler: false };
}
