//! What can go wrong in a reconcile, and how long to wait before the next try.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::manifest::config::ConfigError;
use crate::manifest::job::JobError;
use crate::manifest::plan_store::PlanStoreError;
use crate::manifest::record::RecordError;

/// A reconcile that failed. "Not ready yet" is never an error: that is a decision.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The API server did not give an object or a list.
    #[error("failed to read {what}")]
    Read {
        /// Kind and name.
        what: String,
        /// What the API server says.
        #[source]
        source: kube::Error,
    },
    /// The API server did not take an object.
    #[error("failed to write {what}")]
    Write {
        /// Kind and name.
        what: String,
        /// What the API server says.
        #[source]
        source: kube::Error,
    },
    /// The API server did not delete an object.
    #[error("failed to delete {what}")]
    Delete {
        /// Kind and name.
        what: String,
        /// What the API server says.
        #[source]
        source: kube::Error,
    },
    /// An object of somebody else has the name that is needed.
    #[error(
        "failed to write {0}: an object of this name exists that this FrappeRelease did not make; remove or rename it"
    )]
    Foreign(String),
    /// A Deployment that `spec.adopted` names belongs to a controller, which would undo what is written.
    #[error(
        "failed to adopt {0}: a controller has made it; name Deployments that a person or a chart has made"
    )]
    Owned(String),
    /// A selector of another tool's Deployment cannot be read.
    #[error("failed to list {what}")]
    Selector {
        /// What is selected.
        what: String,
        /// Why.
        #[source]
        source: kube::core::ParseExpressionError,
    },
    /// A user's Secret cannot be used.
    #[error("failed to use Secret '{secret}', key '{key}'")]
    Config {
        /// Name of the Secret.
        secret: String,
        /// Key in it.
        key: String,
        /// What is wrong.
        #[source]
        source: ConfigError,
    },
    /// A user's Secret or a key of it does not exist.
    #[error(
        "failed to find key '{key}' in Secret '{secret}': create it, or correct the name in the FrappeRelease"
    )]
    NoSecret {
        /// Name of the Secret.
        secret: String,
        /// Key in it.
        key: String,
    },
    /// The configuration of a site cannot be read now.
    #[error(transparent)]
    Site(#[from] NoFacts),
    /// A revision that an action names has no record.
    #[error(transparent)]
    NoRevision(#[from] NoRevision),
    /// A record cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A Job cannot be made.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A plan cannot be stored.
    #[error(transparent)]
    Plan(#[from] PlanStoreError),
    /// The history cannot be written as JSON.
    #[error("failed to write the history as JSON")]
    History(#[from] serde_json::Error),
    /// The resource itself cannot be read.
    #[error("failed to read the FrappeRelease: {0}; correct it, or update the CustomResourceDefinition")]
    Malformed(String),
}

/// A revision that has no record.
#[derive(Debug, thiserror::Error)]
#[error("failed to find the record of revision {0}")]
pub(super) struct NoRevision(pub(super) u32);

/// A site whose configuration cannot be read now.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the configuration of site '{site}': {why}")]
pub(super) struct NoFacts {
    /// Name of the site.
    pub(super) site: String,
    /// A sentence that names its Secret.
    pub(super) why: String,
}

impl Error {
    /// Every name that `label` gives.
    pub(super) const LABELS: [&str; 15] = [
        "read",
        "write",
        "delete",
        "foreign",
        "owned",
        "selector",
        "config",
        "no_secret",
        "site",
        "no_revision",
        "record",
        "job",
        "plan",
        "history",
        "malformed",
    ];

    /// The name of the variant, for metrics.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Delete { .. } => "delete",
            Self::Foreign(_) => "foreign",
            Self::Owned(_) => "owned",
            Self::Selector { .. } => "selector",
            Self::Config { .. } => "config",
            Self::NoSecret { .. } => "no_secret",
            Self::Site(_) => "site",
            Self::NoRevision(_) => "no_revision",
            Self::Record(_) => "record",
            Self::Job(_) => "job",
            Self::Plan(_) => "plan",
            Self::History(_) => "history",
            Self::Malformed(_) => "malformed",
        }
    }

    /// Whether nothing new can be written because the namespace is being deleted (the API server's admission plugin
    /// `NamespaceLifecycle`).
    pub(super) fn is_of_a_namespace_that_goes(&self) -> bool {
        let Self::Write { source: kube::Error::Api(status), .. } = self else { return false };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
    }

    /// The whole chain of causes in one line.
    pub(super) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // An answer of the API server says everything twice, and again in its own source.
            if let Some(kube::Error::Api(status)) = error.downcast_ref::<kube::Error>() {
                return format!("{text}: {}", status.message);
            }
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// Waits that grow for each object by itself: one that fails does not slow the others down.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: Mutex<HashMap<String, u32>>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_mins(5);

    /// Notes a failure of an object and says how long to wait.
    pub(super) fn failed(&self, object: &str) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = failures.entry(object.to_owned()).or_default();
        let wait = Self::FIRST.saturating_mul(2_u32.saturating_pow(*count)).min(Self::LONGEST);
        *count = count.saturating_add(1);
        wait
    }

    /// Notes that an object is well again.
    pub(super) fn succeeded(&self, object: &str) {
        self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_for_one_object_and_begin_anew_after_success() {
        let backoff = Backoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.failed("a").as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(backoff.failed("b").as_secs(), 5);
        backoff.succeeded("a");
        assert_eq!(backoff.failed("a").as_secs(), 5);
    }

    #[test]
    fn every_label_is_listed() {
        let source = include_str!("error.rs");
        let (_, function) = source.split_once("fn label(&self)").unwrap();
        let (function, _) = function.split_once("\n    }\n").unwrap();
        let given: Vec<&str> = function.split('"').skip(1).step_by(2).collect();
        assert_eq!(given, Error::LABELS);
    }

    #[test]
    fn a_namespace_that_goes_is_told_from_other_refusals() {
        let refused = |causes: &str| {
            let text =
                format!("{{code: 403, reason: Forbidden, status: Failure, details: {{causes: [{causes}]}}}}");
            let status: kube::core::Status = serde_yaml::from_str(&text).unwrap();
            Error::Write { what: "Job".into(), source: kube::Error::Api(status.boxed()) }
        };
        let goes = refused("{reason: NamespaceTerminating, field: metadata.namespace, message: it goes}");
        assert!(goes.is_of_a_namespace_that_goes());
        assert!(!refused("").is_of_a_namespace_that_goes());
    }

    #[test]
    fn a_chain_says_what_was_done_and_what_the_server_said() {
        let status = kube::core::Status::failure("quota exceeded", "Forbidden").boxed();
        let error = Error::Write { what: "Job 'erp-r2-plan'".into(), source: kube::Error::Api(status) };
        assert_eq!(error.chain(), "failed to write Job 'erp-r2-plan': quota exceeded");
    }
}
