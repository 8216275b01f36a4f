//! Releases as they run, for the dashboard. Times are RFC 3339.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Change;

/// All releases that the dashboard shows.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Releases {
    /// The namespace that is shown; none for all of them.
    pub namespace: Option<String>,
    /// Whether nothing can be said to releases here.
    pub read_only: bool,
    /// Each release, by namespace and name.
    pub releases: Vec<ReleaseLine>,
    /// What could not be seen, and why.
    pub problems: Vec<String>,
}

/// One release in the list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReleaseLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The image that it asks for.
    pub image: String,
    /// Whether the manifest holds it.
    pub paused: bool,
    /// How it stands.
    pub standing: Standing,
    /// Percent of the traffic on green, if a release is going on.
    pub weight: Option<u8>,
    /// Sites of the bench.
    pub sites: usize,
}

/// How a release stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Standing {
    /// The phase; none until the operator has looked at it.
    pub phase: Option<String>,
    /// Since when it is there.
    pub phase_since: Option<String>,
    /// The way so far.
    pub phases: Vec<PhaseStep>,
    /// What goes on or is waited for, in a sentence.
    pub message: String,
    /// Since when the same is waited for.
    pub waiting_since: Option<String>,
    /// How to take it.
    pub mood: Mood,
    /// Reason of the condition Stalled, if nothing goes on without a human.
    pub stalled: Option<String>,
    /// Whether the operator has not seen the manifest's last change yet.
    pub is_stale: bool,
}

/// How to take the state of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mood {
    /// It is done and healthy.
    Good,
    /// It goes on by itself.
    Going,
    /// It waits for a human who was asked: an approval, a promotion, a pause.
    Asking,
    /// It stands still for trouble, or goes back.
    Bad,
}

/// A phase on the way.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PhaseStep {
    /// Its name.
    pub name: String,
    /// Where the release is to it.
    pub state: StepState,
    /// Since when its condition is true.
    pub since: Option<String>,
}

/// Where a release is to a step or a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Behind it.
    Done,
    /// At it.
    Here,
    /// Before it.
    Ahead,
    /// It was left for the way back.
    Left,
}

/// One release with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Release {
    /// What the list says of it.
    pub line: ReleaseLine,
    /// Whether nothing can be said to releases here.
    pub read_only: bool,
    /// The version that serves, or served before.
    pub blue: Option<ColourView>,
    /// The version that comes, or came.
    pub green: Option<ColourView>,
    /// The plan, as far as the status has it.
    pub plan: Option<PlanLine>,
    /// The traffic of each app.
    pub apps: Vec<AppView>,
    /// The Jobs at work, and the last of each site.
    pub work: Vec<Work>,
    /// Queues that run out.
    pub queues: Vec<Queue>,
    /// The analyses of this release.
    pub analyses: Vec<AnalysisView>,
    /// The webhooks that were called in this release.
    pub webhooks: Vec<WebhookView>,
    /// The conditions.
    pub conditions: Vec<ConditionView>,
    /// What happened, the newest first.
    pub events: Vec<EventView>,
    /// What can be said to it.
    pub offers: Vec<OfferView>,
    /// What could not be seen, and why.
    pub problems: Vec<String>,
}

/// One version of the bench.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ColourView {
    /// Number of the revision.
    pub revision: u32,
    /// Its image.
    pub image: String,
    /// Pods of its web server that are ready.
    pub ready: i32,
    /// Its Pods, by what they are.
    pub parts: Vec<Part>,
    /// Background jobs in its queues: waiting, running, for later, waiting for others. As the relay counts them while both
    /// colours are there; none before and after.
    pub jobs: Option<u64>,
}

/// The Pods of one part of a colour.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Part {
    /// `web`, `socketio`, `scheduler`, `worker-...`.
    pub name: String,
    /// Pods that are ready.
    pub ready: usize,
    /// Pods that are there.
    pub pods: usize,
    /// What keeps one of them from being ready; empty for nothing.
    pub trouble: String,
}

/// The plan, as far as the status has it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlanLine {
    /// Hash over the plans of all sites.
    pub hash: String,
    /// The worst verdict.
    pub verdict: String,
    /// What changes, in a sentence.
    pub summary: String,
    /// Whether it is approved, or needs no approval.
    pub approved: bool,
}

/// The traffic of one app.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AppView {
    /// Its name, or `*` for all others.
    pub name: String,
    /// Percent on green.
    pub weight: u8,
    /// The steps.
    pub steps: Vec<StepView>,
    /// What it waits for; empty for nothing.
    pub waiting: String,
}

/// A traffic step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StepView {
    /// What it is, in a few words.
    pub words: String,
    /// Where the app is to it.
    pub state: StepState,
}

/// What a Job does.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Work {
    /// The site; empty for the whole bench.
    pub site: String,
    /// What is done, e.g. `expand`.
    pub step: String,
    /// `Running`, `Succeeded` or `Failed`.
    pub state: String,
    /// What of it is done now, e.g. `backfill`; empty if it does not say.
    pub part: String,
    /// Steps or rows done.
    pub done: Option<u64>,
    /// Steps or rows in all; 0 where it is not known.
    pub total: Option<u64>,
    /// Its last word.
    pub message: String,
    /// When the Job began.
    pub began: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// What the Jobs of this site have done so far, oldest first.
    pub ledger: Vec<LedgerLine>,
}

/// One thing that a Job has done, or how far it is with it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LedgerLine {
    /// When, as the Job says it; empty if it does not.
    pub at: String,
    /// What the Job is for, e.g. `expand`.
    pub step: String,
    /// What of it was done, e.g. `steps` for one of the plan.
    pub part: String,
    /// Steps or rows done with it.
    pub done: Option<u64>,
    /// Steps or rows in all; 0 where it is not known.
    pub total: Option<u64>,
    /// A sentence.
    pub message: String,
}

/// One queue of a colour.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Queue {
    /// `blue` or `green`.
    pub colour: String,
    /// Its name.
    pub name: String,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that a worker has.
    pub running: u64,
    /// Jobs for a later time.
    pub scheduled: u64,
    /// Jobs that wait for others.
    pub deferred: u64,
}

/// An analysis at one place.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AnalysisView {
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub place: String,
    /// `Running`, `Passed`, `Failed`, `Inconclusive` or `Removed`.
    pub result: String,
    /// When it began.
    pub since: String,
    /// Measurements that count.
    pub measured: u32,
    /// Measurements after which it has passed.
    pub count: Option<u32>,
    /// Measurements that failed.
    pub failed: u32,
    /// Whether its result changes nothing.
    pub dry_run: bool,
    /// Why it failed or is inconclusive.
    pub message: String,
    /// The last measurements, the newest last.
    pub measurements: Vec<Measurement>,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Measurement {
    /// Its number, from 1.
    pub number: u32,
    /// When it was taken.
    pub at: String,
    /// `Passed`, `Failed`, `Inconclusive`, `Error` or `NoData`.
    pub outcome: String,
    /// The value, or what there was instead.
    pub value: String,
}

/// A webhook at one point.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WebhookView {
    /// Its name.
    pub name: String,
    /// The point.
    pub at: String,
    /// `Holding`, `Retrying`, `Agreed` or `Failed`.
    pub state: String,
    /// When it was called first.
    pub since: String,
    /// Calls so far.
    pub calls: u32,
    /// What it answered last, if that was not 2xx.
    pub answer: String,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConditionView {
    /// Its type.
    pub name: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Since when its status is this.
    pub since: String,
}

/// An event of the release, its Jobs or its Pods.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EventView {
    /// Its name: one event that happens again keeps it.
    pub id: String,
    /// When it happened last.
    pub at: String,
    /// Whether it is a warning.
    pub is_warning: bool,
    /// A word.
    pub reason: String,
    /// A sentence.
    pub note: String,
    /// What it is about, if that is not the release itself.
    pub about: String,
    /// How often it happened.
    pub count: i32,
}

/// What can be said to a release, or why it cannot.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OfferView {
    /// The same on the command line, without the release's name: `approve plan`, `promote --full`.
    pub command: String,
    /// The button.
    pub label: String,
    /// Why it cannot be said; none if it can.
    pub reason: Option<String>,
    /// What it comes to, for who is asked once more; empty for what needs no second question.
    pub warning: String,
    /// Whether the release waits for exactly this.
    pub is_awaited: bool,
    /// What exactly would be written.
    pub mark: String,
}

/// What is said to a release.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct Say {
    /// `command` of the offer.
    pub command: String,
    /// `mark` of the offer that was seen.
    pub mark: String,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Said {
    /// In a sentence.
    pub words: String,
}

/// The plan of one site.
#[derive(Debug, Serialize, ToSchema)]
pub struct SitePlan {
    /// The site.
    pub site: String,
    /// The worst verdict of its changes.
    pub verdict: String,
    /// What changes, in a sentence.
    pub summary: String,
    /// Its hash.
    pub hash: String,
    /// What to do with it, a sentence each.
    pub advice: Vec<String>,
    /// Every change.
    pub changes: Vec<Change>,
    /// Patches that run in green's migrate.
    pub patches: Vec<String>,
}
