//! What `/metrics` shows, in the text format of `OpenMetrics`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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

use super::error::Error;
use super::figures_metrics::FigureMetrics;
use super::work_queue::WorkQueue;
use crate::api::figures::RelayFigures;
use crate::api::status::{AppStatus, FrappeReleaseStatus, SiteStatus};
use crate::api::{FrappeRelease, Phase, condition};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Release {
    pub(super) namespace: String,
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReleasePhase {
    namespace: String,
    name: String,
    phase: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReleaseInfo {
    namespace: String,
    name: String,
    image: String,
}

/// A release that stands still, and why: one of the reasons of its `Stalled` condition, which are few.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Halt {
    namespace: String,
    name: String,
    reason: String,
}

/// An app of `spec.traffic.apps`, or `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReleaseApp {
    namespace: String,
    name: String,
    app: String,
}

/// What is being done to a site.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteStep {
    namespace: String,
    name: String,
    site: String,
    step: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    error: &'static str,
}

/// What is kept of a release between two reconciles: the times that grow by themselves, and labels that change.
struct Kept {
    phase_since: Option<Timestamp>,
    waiting_since: Option<Timestamp>,
    info: ReleaseInfo,
    halt: Option<Halt>,
    apps: Vec<ReleaseApp>,
    sites: Vec<SiteStep>,
}

/// The operator's metrics.
pub(super) struct Metrics {
    registry: Registry,
    leader: Gauge,
    phase: Family<ReleasePhase, Gauge>,
    info: Family<ReleaseInfo, Gauge>,
    weight: Family<Release, Gauge>,
    app_weight: Family<ReleaseApp, Gauge>,
    done: Family<SiteStep, Gauge>,
    total: Family<SiteStep, Gauge>,
    seconds: Family<Release, Gauge>,
    waiting: Family<Release, Gauge>,
    paused: Family<Release, Gauge>,
    stalled: Family<Halt, Gauge>,
    window: Family<Release, Gauge>,
    reconcile: Histogram,
    errors: Family<Failure, Counter>,
    figures: FigureMetrics,
    /// Which releases are looked at, and which wait for it.
    pub(super) queue: WorkQueue,
    kept: Mutex<HashMap<Release, Kept>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("crossfade"),
            leader: Gauge::default(),
            phase: Family::default(),
            info: Family::default(),
            weight: Family::default(),
            app_weight: Family::default(),
            done: Family::default(),
            total: Family::default(),
            seconds: Family::default(),
            waiting: Family::default(),
            paused: Family::default(),
            stalled: Family::default(),
            window: Family::default(),
            reconcile: Histogram::new(exponential_buckets(0.005, 2.0, 13)),
            errors: Family::default(),
            figures: FigureMetrics::default(),
            queue: WorkQueue::default(),
            kept: Mutex::default(),
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
        registry.register("release_info", "1, with the image that a release asks for", self.info.clone());
        registry.register("release_phase", "1 for the phase a release is in, else 0", self.phase.clone());
        registry.register("release_weight_percent", "Traffic on green", self.weight.clone());
        registry.register("release_app_weight_percent", "An app's traffic on green", self.app_weight.clone());
        registry.register("release_site_done", "Steps or rows that a site's Job has done", self.done.clone());
        registry.register("release_site_total", "Steps or rows that it has to do", self.total.clone());
        registry.register("release_phase_seconds", "Time in the present phase", self.seconds.clone());
        let waiting = "Time that the same has been waited for";
        registry.register("release_waiting_seconds", waiting, self.waiting.clone());
        registry.register("release_paused", "1 while spec.paused holds a release", self.paused.clone());
        registry.register("release_stalled", "1 while nothing goes on by itself", self.stalled.clone());
        let window = "Time that blue is kept before the contraction";
        registry.register("release_rollback_window_seconds", window, self.window.clone());
        registry.register("reconcile_duration_seconds", "Time of one reconcile", self.reconcile.clone());
        registry.register("reconcile_errors", "Reconciles that failed, by what failed", self.errors.clone());
        self.figures.register(registry);
        self.queue.register(registry);
        // A counter that is not there before the first failure hides that failure from rate() and increase().
        for error in Error::LABELS {
            self.errors.get_or_create(&Failure { error }).inc_by(0);
        }
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
    pub(super) fn set_release(
        &self,
        release: &FrappeRelease,
        status: &FrappeReleaseStatus,
        relay: Option<&RelayFigures>,
    ) {
        let (labels, kept) = (labels(release), Kept::new(release, status));
        self.figures.set(&labels, &status.sites, relay);
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = all.remove(&labels) {
            self.forget_changed(&labels, &before, &kept);
        }
        for phase in Phase::ALL {
            let gauge = self.phase.get_or_create_owned(&with_phase(&labels, phase));
            gauge.set(i64::from(status.phase == Some(phase)));
        }
        self.info.get_or_create(&kept.info).set(1);
        self.weight.get_or_create(&labels).set(status.weight.unwrap_or(0).into());
        self.paused.get_or_create(&labels).set(i64::from(is_paused(status)));
        self.window.get_or_create(&labels).set(release.spec.contract.rollback_window_seconds.into());
        if let Some(halt) = &kept.halt {
            self.stalled.get_or_create(halt).set(1);
        }
        for (app, labels) in status.apps.iter().zip(&kept.apps) {
            self.app_weight.get_or_create(labels).set(app.weight.into());
        }
        for (site, labels) in status.sites.iter().zip(&kept.sites) {
            for (family, count) in [(&self.done, site.done), (&self.total, site.total)] {
                family.get_or_create(labels).set(count.and_then(|count| count.try_into().ok()).unwrap_or(0));
            }
        }
        all.insert(labels, kept);
    }

    /// Removes the series whose labels do not hold any more.
    fn forget_changed(&self, labels: &Release, before: &Kept, now: &Kept) {
        if before.info != now.info {
            self.info.remove(&before.info);
        }
        if let Some(halt) = before.halt.as_ref().filter(|halt| now.halt.as_ref() != Some(halt)) {
            self.stalled.remove(halt);
        }
        if now.waiting_since.is_none() {
            self.waiting.remove(labels);
        }
        self.forget_parts(before, &now.apps, &now.sites);
    }

    /// Removes the series of apps and sites, but for those that are still there.
    fn forget_parts(&self, before: &Kept, apps: &[ReleaseApp], sites: &[SiteStep]) {
        for app in before.apps.iter().filter(|app| !apps.contains(app)) {
            self.app_weight.remove(app);
        }
        for site in before.sites.iter().filter(|site| !sites.contains(site)) {
            self.done.remove(site);
            self.total.remove(site);
        }
    }

    /// Forgets a release that is gone.
    pub(super) fn forget(&self, release: &FrappeRelease) {
        let labels = labels(release);
        // Held to the end: a text that is written meanwhile would bring the times back.
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.figures.set(&labels, &[], None);
        for phase in Phase::ALL {
            self.phase.remove(&with_phase(&labels, phase));
        }
        for family in [&self.weight, &self.seconds, &self.waiting, &self.paused, &self.window] {
            family.remove(&labels);
        }
        if let Some(kept) = all.remove(&labels) {
            self.info.remove(&kept.info);
            self.forget_parts(&kept, &[], &[]);
            kept.halt.map(|halt| self.stalled.remove(&halt));
        }
    }

    /// The text that `/metrics` answers.
    pub(super) fn text(&self, now: Timestamp) -> Result<String, std::fmt::Error> {
        let all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (labels, kept) in all.iter() {
            for (family, since) in [(&self.seconds, kept.phase_since), (&self.waiting, kept.waiting_since)] {
                if let Some(since) = since {
                    family.get_or_create(labels).set(now.as_second() - since.as_second());
                }
            }
        }
        drop(all);
        self.queue.count(Instant::now());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Kept {
    fn new(release: &FrappeRelease, status: &FrappeReleaseStatus) -> Self {
        let Release { namespace, name } = labels(release);
        let halt = condition::reason_of(&status.conditions, condition::STALLED);
        let app = |app: &AppStatus| ReleaseApp {
            namespace: namespace.clone(),
            name: name.clone(),
            app: app.name.clone(),
        };
        let site = |site: &SiteStatus| SiteStep {
            namespace: namespace.clone(),
            name: name.clone(),
            site: site.name.clone(),
            step: site.step.clone(),
        };
        Self {
            apps: status.apps.iter().map(app).collect(),
            sites: status.sites.iter().map(site).collect(),
            phase_since: status.phase_since.as_ref().map(|since| since.0),
            waiting_since: status.waiting_since.as_ref().map(|since| since.0),
            info: ReleaseInfo {
                namespace: namespace.clone(),
                name: name.clone(),
                image: release.spec.image.clone(),
            },
            halt: halt.map(|reason| Halt { namespace, name, reason: reason.to_owned() }),
        }
    }
}

fn is_paused(status: &FrappeReleaseStatus) -> bool {
    condition::reason_of(&status.conditions, condition::RECONCILING) == Some("Paused")
}

fn labels(release: &FrappeRelease) -> Release {
    Release { namespace: release.namespace().unwrap_or_default(), name: release.name_any() }
}

fn with_phase(labels: &Release, phase: Phase) -> ReleasePhase {
    ReleasePhase { namespace: labels.namespace.clone(), name: labels.name.clone(), phase: phase.name() }
}

#[cfg(test)]
mod tests;
