//! Labels, annotations, field managers, finalizer, event reasons: every name that others may rely on.

use sha2::{Digest, Sha256};

/// API group of the resource.
pub const GROUP: &str = "crossfade.dev";
/// Label on every object of a release: the name of its `FrappeRelease`.
pub const LABEL_RELEASE: &str = "crossfade.dev/release";
/// Label on every object of one revision: its number.
pub const LABEL_REVISION: &str = "crossfade.dev/revision";
/// Label that names the part of a revision: `web`, `worker-short`, `scheduler`, `socketio`, a Job's step, `record`, ...
pub const LABEL_COMPONENT: &str = "crossfade.dev/component";
/// Label of objects that belong to one site: its slug, see [`site_slug`].
pub const LABEL_SITE: &str = "crossfade.dev/site";
/// Label that tells who made the object.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`LABEL_MANAGED_BY`].
pub const MANAGED_BY: &str = "crossfade";

/// Annotation on Pods: the hash of the configuration they should see. Touching it makes the kubelet refresh Secrets.
pub const ANNOTATION_CONFIG: &str = "crossfade.dev/config-hash";
/// Annotation on a `FrappeRelease`: the hash of the plan that is approved.
pub const ANNOTATION_APPROVE_PLAN: &str = "crossfade.dev/approve-plan";
/// Annotation on a `FrappeRelease`: the hash of the Blocking plan that may run in a maintenance window.
pub const ANNOTATION_APPROVE_WINDOW: &str = "crossfade.dev/approve-window";
/// Annotation: the number of the revision whose promotion (the first traffic) is approved.
pub const ANNOTATION_APPROVE_PROMOTE: &str = "crossfade.dev/approve-promote";
/// Annotation: the number of the revision whose contraction is approved.
pub const ANNOTATION_APPROVE_CONTRACT: &str = "crossfade.dev/approve-contract";
/// Annotation: the number of the revision that is aborted.
pub const ANNOTATION_ABORT: &str = "crossfade.dev/abort";
/// Annotation: any new value lets failed Jobs run again.
pub const ANNOTATION_RETRY: &str = "crossfade.dev/retry";
/// Stands for `spec.paused` in the annotation that says who wrote it (see [`author_annotation`]).
pub const KEY_PAUSED: &str = "crossfade.dev/paused";
/// Annotation: why this version, as `kubectl` has it for Deployments; kept in the history.
pub const ANNOTATION_CAUSE: &str = "kubernetes.io/change-cause";
/// Annotation on the Job of an analysis: the key of its run.
pub const ANNOTATION_RUN: &str = "crossfade.dev/run";
/// Annotation on the Job of an analysis: the number of the measurement.
pub const ANNOTATION_MEASUREMENT: &str = "crossfade.dev/measurement";
/// Annotation on another tool's Deployment that was stopped when the bench changed hands: the Pods that it had.
pub const ANNOTATION_REPLICAS: &str = "crossfade.dev/replicas";
/// Annotation on a bridge between two routes: when it was written as it is.
pub const ANNOTATION_SINCE: &str = "crossfade.dev/since";
/// Annotation on a Job: the value of [`ANNOTATION_RETRY`] that it was made under.
pub const ANNOTATION_ATTEMPT: &str = "crossfade.dev/attempt";

/// Before the name of an `approve` step: the annotation's value is the number of the revision that may go on.
pub const ANNOTATION_APPROVE_STEP: &str = "step.crossfade.dev/";
/// Before the name of an app (see [`promotion_annotation`]): `<revision>/<number of the step>` lets it go on from there,
/// `<revision>/full` takes it to 100 % without a pause.
pub const ANNOTATION_PROMOTE: &str = "promote.crossfade.dev/";
/// Annotation on routes and Services of the provider: how the traffic is split, as JSON.
pub const ANNOTATION_SPLIT: &str = "crossfade.dev/split";

/// The annotation that promotes an app: `*` cannot be part of its name.
pub fn promotion_annotation(app: &str) -> String {
    let name = if app == "*" { "everything-else" } else { app };
    format!("{ANNOTATION_PROMOTE}{name}")
}

/// The annotation beside another one in which a client names its user: `<value of the other one> <user>`.
pub fn author_annotation(key: &str) -> String {
    format!("by.{key}")
}

/// Annotation on a revision's configuration Secret: where it sends the sites, `tables` or `views-<green's revision>`.
pub const ANNOTATION_PLACEMENT: &str = "crossfade.dev/placement";
/// Annotation on objects of one site: its whole name (the label holds the slug).
pub const ANNOTATION_SITE: &str = "crossfade.dev/site";
/// Annotation on a stored plan: its hash.
pub const ANNOTATION_PLAN_HASH: &str = "crossfade.dev/plan-hash";
/// Annotation on a stored plan: its verdict.
pub const ANNOTATION_PLAN_VERDICT: &str = "crossfade.dev/plan-verdict";
/// Annotation on a stored plan: its summary.
pub const ANNOTATION_PLAN_SUMMARY: &str = "crossfade.dev/plan-summary";

/// Finalizer: an expanded database and a moved route are not left behind.
pub const FINALIZER: &str = "crossfade.dev/release";

/// Field manager of Deployments, Services, Jobs, Secrets, `ConfigMaps`.
pub const MANAGER_OBJECTS: &str = "crossfade/objects";
/// Field manager of routes.
pub const MANAGER_ROUTE: &str = "crossfade/route";
/// Field manager of the status.
pub const MANAGER_STATUS: &str = "crossfade/status";
/// Field manager of finalizers.
pub const MANAGER_FINALIZER: &str = "crossfade/finalizer";

/// Reasons of events, in the past tense where something happened.
pub mod reason {
    /// A release entered a phase.
    pub const PHASE: &str = "PhaseChanged";
    /// The green weight was moved.
    pub const WEIGHT: &str = "WeightChanged";
    /// A Job failed or an object is wrong: a human must act.
    pub const STALLED: &str = "Stalled";
    /// The release waits for an approval.
    pub const APPROVAL: &str = "ApprovalRequired";
    /// An app's traffic waits at a pause without an end.
    pub const PROMOTION: &str = "PromotionRequired";
    /// Somebody agreed to what the release asks for.
    pub const APPROVED: &str = "Approved";
    /// Somebody let an app's traffic go on.
    pub const PROMOTED: &str = "Promoted";
    /// Somebody holds the release.
    pub const PAUSED: &str = "Paused";
    /// Somebody let a paused release go on.
    pub const RESUMED: &str = "Resumed";
    /// Somebody asked for another try.
    pub const RETRIED: &str = "Retried";
    /// The release goes back to blue.
    pub const ABORTED: &str = "Aborted";
    /// A measurement of an analysis did not pass.
    pub const MEASUREMENT: &str = "MeasurementFailed";
    /// An analysis ended.
    pub const ANALYSIS: &str = "AnalysisEnded";
    /// A webhook agreed, holds the release or has failed.
    pub const WEBHOOK: &str = "WebhookAnswered";
}

/// A short name for a site that fits labels and object names: at most 30 characters, unique by a hash of the whole.
pub fn site_slug(site: &str) -> String {
    let digest = format!("{:x}", Sha256::digest(site.as_bytes()));
    let hash = &digest[..8];
    let mut head: String = site
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(21)
        .collect();
    head = head.trim_matches('-').to_owned();
    if head.is_empty() { hash.to_owned() } else { format!("{head}-{hash}") }
}

/// Name of everything of one revision: `<release>-r<number>`.
pub fn revision_name(release: &str, revision: u32) -> String {
    format!("{release}-r{revision}")
}

/// Name of a part of a revision: `<release>-r<number>-<part>`.
pub fn part_name(release: &str, revision: u32, part: &str) -> String {
    format!("{release}-r{revision}-{part}")
}

/// Name of the schema of views (a MariaDB database, its user and the Redis prefix): `<database>__r<number>`.
///
/// The number is the revision that comes: each release has a name of its own, so no cache of an earlier one is met.
/// MariaDB allows 64 characters for a database and 80 for a user; the database's name is cut, not the number.
pub fn schema_name(database: &str, green_revision: u32) -> String {
    let tail = format!("__r{green_revision}");
    let head: String = database.chars().take(64 - tail.len()).collect();
    format!("{head}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_fits_a_label_and_differs_where_sites_differ() {
        let long = "a-very-long-site-name.with.many.parts.example.com";
        assert!(site_slug(long).len() <= 30);
        assert_ne!(site_slug("a.b"), site_slug("a-b"));
        assert!(site_slug("erp.example.com").starts_with("erp-example-com-"));
    }

    #[test]
    fn a_schema_name_keeps_its_number_whatever_the_database_is_called() {
        let name = schema_name(&"d".repeat(64), 12);
        assert_eq!(name.len(), 64);
        assert!(name.ends_with("__r12"));
    }
}
