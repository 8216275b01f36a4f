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

use super::error::Error;
use super::figures_metrics::FigureMetrics;
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
        relay: Option<RelayFigures>,
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
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::api::figures::{ColourFigures, FailureKind, Figures};

    fn release() -> FrappeRelease {
        let text = "{metadata: {name: erp, namespace: shop}, spec: {image: 'a:1', sites: [],
            bench: {commonConfigSecret: {name: c, key: k}}, database: {adminSecret: {name: a}}, web: {}, traffic: {},
            contract: {rollbackWindowSeconds: 600}},
            apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease}";
        serde_yaml::from_str(text).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn relay() -> RelayFigures {
        let counted = ColourFigures { lag_milliseconds: Some(1), jobs: Some(2) };
        RelayFigures { blue: counted, green: counted }
    }

    fn status(true_condition: &'static str, reason: &str) -> FrappeReleaseStatus {
        let mut status = FrappeReleaseStatus {
            phase: Some(Phase::Shifting),
            phase_since: Some(Time(at(100))),
            waiting_since: Some(Time(at(130))),
            weight: Some(50),
            apps: vec![AppStatus {
                name: "crm".to_owned(),
                weight: 70,
                step: 2,
                steps: 3,
                waiting: String::new(),
            }],
            sites: vec![SiteStatus {
                name: "erp.example.com".to_owned(),
                step: "expand".to_owned(),
                state: "Running".to_owned(),
                done: Some(3),
                total: Some(9),
                message: String::new(),
                figures: Figures {
                    rows_done: Some(1),
                    rows_left: Some(2),
                    lock_waits: Some(3),
                    lock_budget_used_percent: Some(4),
                    differences: Some(5),
                    failure: Some(FailureKind::Busy),
                },
            }],
            ..FrappeReleaseStatus::default()
        };
        let wanted = condition::Wanted {
            kind: true_condition,
            value: Some(true),
            reason: reason.to_owned(),
            message: String::new(),
        };
        condition::set(&mut status.conditions, wanted, 1, at(100));
        status
    }

    #[test]
    fn a_release_is_shown_with_its_phase_and_forgotten_when_it_is_gone() {
        let (metrics, release) = (Metrics::default(), release());
        metrics.set_release(&release, &status(condition::STALLED, "JobFailed"), Some(relay()));
        let shown = metrics.text(at(142)).unwrap();
        for line in [
            "crossfade_release_info{namespace=\"shop\",name=\"erp\",image=\"a:1\"} 1",
            "crossfade_release_phase{namespace=\"shop\",name=\"erp\",phase=\"Shifting\"} 1",
            "crossfade_release_phase{namespace=\"shop\",name=\"erp\",phase=\"Draining\"} 0",
            "crossfade_release_weight_percent{namespace=\"shop\",name=\"erp\"} 50",
            "crossfade_release_app_weight_percent{namespace=\"shop\",name=\"erp\",app=\"crm\"} 70",
            "crossfade_release_site_done{namespace=\"shop\",name=\"erp\",site=\"erp.example.com\",step=\"expand\"} 3",
            "crossfade_release_site_total{namespace=\"shop\",name=\"erp\",site=\"erp.example.com\",step=\"expand\"} 9",
            "crossfade_release_phase_seconds{namespace=\"shop\",name=\"erp\"} 42",
            "crossfade_release_waiting_seconds{namespace=\"shop\",name=\"erp\"} 12",
            "crossfade_release_paused{namespace=\"shop\",name=\"erp\"} 0",
            "crossfade_release_stalled{namespace=\"shop\",name=\"erp\",reason=\"JobFailed\"} 1",
            "crossfade_release_rollback_window_seconds{namespace=\"shop\",name=\"erp\"} 600",
        ] {
            assert!(shown.contains(line), "{line} is not in\n{shown}");
        }
        metrics.forget(&release);
        assert!(!metrics.text(Timestamp::UNIX_EPOCH).unwrap().contains("erp"));
    }

    #[test]
    fn what_changes_leaves_no_series_behind() {
        let (metrics, mut release) = (Metrics::default(), release());
        metrics.set_release(&release, &status(condition::STALLED, "JobFailed"), Some(relay()));
        metrics.text(at(142)).unwrap();
        release.spec.image = "a:2".to_owned();
        let mut paused = status(condition::RECONCILING, "Paused");
        paused.apps.clear();
        paused.sites[0].step = "verify".to_owned();
        metrics.set_release(&release, &FrappeReleaseStatus { waiting_since: None, ..paused }, None);
        let shown = metrics.text(at(142)).unwrap();
        assert!(shown.contains("crossfade_release_paused{namespace=\"shop\",name=\"erp\"} 1"), "{shown}");
        assert!(shown.contains("image=\"a:2\""), "{shown}");
        for gone in
            ["image=\"a:1\"", "release_stalled{", "release_waiting_seconds{", "app=", "step=\"expand\""]
        {
            assert!(!shown.contains(gone), "{gone} is still in\n{shown}");
        }
    }

    /// Every metric as one asks for it: its name, its type, its labels.
    fn shown() -> BTreeMap<String, (String, BTreeSet<String>)> {
        let metrics = Metrics::default();
        metrics.set_release(&release(), &status(condition::STALLED, "JobFailed"), Some(relay()));
        let text = metrics.text(at(142)).unwrap();
        let mut all = BTreeMap::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (family, kind) = line.split_once(' ').unwrap();
            let name = match kind {
                "counter" => format!("{family}_total"),
                "info" => format!("{family}_info"),
                _ => family.to_owned(),
            };
            let sample = text.lines().find(|line| line.starts_with(&name)).unwrap();
            let labels = sample.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
            let labels =
                labels.map_or("", |(labels, _)| labels).split(',').filter_map(|label| label.split_once('='));
            let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le").collect();
            all.insert(name, (kind.to_owned(), labels));
        }
        all
    }

    fn file(path: &str) -> String {
        std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn rules_dashboard_and_pages_name_metrics_that_are_there() {
        let known = shown();
        let pattern = regex::Regex::new("crossfade_[a-z_]+").unwrap();
        for path in [
            "charts/crossfade/templates/prometheusrule.yaml",
            "charts/crossfade/dashboards/crossfade.json",
            "docs/reference/metrics.md",
        ] {
            let text = file(path);
            let named: BTreeSet<&str> = pattern.find_iter(&text).map(|found| found.as_str()).collect();
            assert!(named.len() > 1, "{path} names no metric");
            for name in named {
                let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
                let is_there = known.contains_key(name)
                    || histogram
                        .and_then(|name| known.get(name))
                        .is_some_and(|(kind, _)| kind == "histogram");
                assert!(is_there, "{path} names {name}, which /metrics does not show");
            }
        }
    }

    #[test]
    fn every_metric_has_its_line_in_the_documentation() {
        let page = file("docs/reference/metrics.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `crossfade_"));
        let written: BTreeMap<String, (String, BTreeSet<String>)> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                let name = format!("crossfade_{}", cells[0].trim_end_matches('`'));
                let labels = cells[2].split(", ").filter(|label| !label.is_empty());
                let labels = labels.map(|label| label.trim_matches('`').to_owned()).collect();
                (name, (cells[1].to_owned(), labels))
            })
            .collect();
        assert_eq!(written, shown());
    }
}
