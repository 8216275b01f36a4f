//! What `/metrics` shows, in the text format of `OpenMetrics`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::api::status::FrappeReleaseStatus;
use crate::api::{FrappeRelease, Phase};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Release {
    namespace: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReleasePhase {
    namespace: String,
    name: String,
    phase: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    error: &'static str,
}

/// The operator's metrics.
pub(super) struct Metrics {
    registry: Registry,
    leader: Gauge,
    phase: Family<ReleasePhase, Gauge>,
    weight: Family<Release, Gauge>,
    seconds: Family<Release, Gauge>,
    reconcile: Histogram,
    errors: Family<Failure, Counter>,
    since: Mutex<HashMap<Release, Timestamp>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("crossfade"),
            leader: Gauge::default(),
            phase: Family::default(),
            weight: Family::default(),
            seconds: Family::default(),
            reconcile: Histogram::new(exponential_buckets(0.005, 2.0, 13)),
            errors: Family::default(),
            since: Mutex::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The operator that runs", build);
        registry.register("leader", "1 while this replica acts", self.leader.clone());
        registry.register("release_phase", "1 for the phase a release is in, else 0", self.phase.clone());
        registry.register("release_weight_percent", "Traffic on green", self.weight.clone());
        registry.register("release_phase_seconds", "Time in the present phase", self.seconds.clone());
        registry.register("reconcile_duration_seconds", "Time of one reconcile", self.reconcile.clone());
        registry.register("reconcile_errors", "Reconciles that failed, by what failed", self.errors.clone());
    }

    /// Notes whether this replica acts.
    pub(super) fn set_leader(&self, is_leader: bool) {
        self.leader.set(i64::from(is_leader));
    }

    /// Notes a reconcile and how long it took.
    pub(super) fn reconciled(&self, took: Duration) {
        self.reconcile.observe(took.as_secs_f64());
    }

    /// Notes a reconcile that failed.
    pub(super) fn failed(&self, error: &'static str) {
        self.errors.get_or_create(&Failure { error }).inc();
    }

    /// Notes how a release stands.
    pub(super) fn set_release(&self, release: &FrappeRelease, status: &FrappeReleaseStatus) {
        let labels = labels(release);
        for phase in Phase::ALL {
            let gauge = self.phase.get_or_create_owned(&with_phase(&labels, phase));
            gauge.set(i64::from(status.phase == Some(phase)));
        }
        self.weight.get_or_create(&labels).set(status.weight.unwrap_or(0).into());
        if let Some(since) = &status.phase_since {
            self.since.lock().unwrap_or_else(PoisonError::into_inner).insert(labels, since.0);
        }
    }

    /// Forgets a release that is gone.
    pub(super) fn forget(&self, release: &FrappeRelease) {
        let labels = labels(release);
        for phase in Phase::ALL {
            self.phase.remove(&with_phase(&labels, phase));
        }
        self.weight.remove(&labels);
        self.seconds.remove(&labels);
        self.since.lock().unwrap_or_else(PoisonError::into_inner).remove(&labels);
    }

    /// The text that `/metrics` answers.
    pub(super) fn text(&self, now: Timestamp) -> Result<String, std::fmt::Error> {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (labels, since) in since {
            self.seconds.get_or_create(&labels).set(now.as_second() - since.as_second());
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn labels(release: &FrappeRelease) -> Release {
    Release { namespace: release.namespace().unwrap_or_default(), name: release.name_any() }
}

fn with_phase(labels: &Release, phase: Phase) -> ReleasePhase {
    ReleasePhase { namespace: labels.namespace.clone(), name: labels.name.clone(), phase: phase.name() }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    #[test]
    fn a_release_is_shown_with_its_phase_and_forgotten_when_it_is_gone() {
        let text = "{metadata: {name: erp, namespace: shop}, spec: {image: 'a:1', sites: [],
            bench: {commonConfigSecret: {name: c, key: k}}, database: {adminSecret: {name: a}}, web: {}, traffic: {}},
            apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease}";
        let release: FrappeRelease = serde_yaml::from_str(text).unwrap();
        let status = FrappeReleaseStatus {
            phase: Some(Phase::Shifting),
            phase_since: Some(Time(Timestamp::from_second(100).unwrap())),
            weight: Some(50),
            ..FrappeReleaseStatus::default()
        };
        let metrics = Metrics::default();
        metrics.set_release(&release, &status);
        let shown = metrics.text(Timestamp::from_second(142).unwrap()).unwrap();
        for line in [
            "crossfade_release_phase{namespace=\"shop\",name=\"erp\",phase=\"Shifting\"} 1",
            "crossfade_release_phase{namespace=\"shop\",name=\"erp\",phase=\"Draining\"} 0",
            "crossfade_release_weight_percent{namespace=\"shop\",name=\"erp\"} 50",
            "crossfade_release_phase_seconds{namespace=\"shop\",name=\"erp\"} 42",
        ] {
            assert!(shown.contains(line), "{line} is not in\n{shown}");
        }
        metrics.forget(&release);
        assert!(!metrics.text(Timestamp::UNIX_EPOCH).unwrap().contains("erp"));
    }
}
