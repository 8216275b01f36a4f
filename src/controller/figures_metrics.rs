//! What the Jobs of a site and the relay of a release have counted, as metrics. Each family has one series for each site or
//! colour of a release, and none of what was not counted.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::Release;
use crate::api::figures::{Figures, RelayFigures};
use crate::api::status::SiteStatus;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSite {
    namespace: String,
    name: String,
    site: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailedJob {
    namespace: String,
    name: String,
    site: String,
    step: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReleaseColour {
    namespace: String,
    name: String,
    colour: &'static str,
}

/// The series of a release that may be there.
#[derive(Default)]
struct Kept {
    sites: Vec<OfSite>,
    failed: Vec<FailedJob>,
}

type Counted<L> = Family<L, Gauge>;

/// The metrics of figures.
#[derive(Default)]
pub(super) struct FigureMetrics {
    rows_done: Counted<OfSite>,
    rows_left: Counted<OfSite>,
    lock_waits: Counted<OfSite>,
    lock_budget: Counted<OfSite>,
    differences: Counted<OfSite>,
    failed: Counted<FailedJob>,
    lag: Family<ReleaseColour, Gauge<f64, AtomicU64>>,
    jobs: Counted<ReleaseColour>,
    kept: Mutex<HashMap<Release, Kept>>,
}

impl FigureMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let mut site = |name: &str, help: &str, family: &Counted<OfSite>| {
            registry.register(name, help, family.clone());
        };
        site("release_site_rows_done", "Rows looked at of the table that is filled", &self.rows_done);
        site("release_site_rows_left", "Rows left of the table that is filled", &self.rows_left);
        site("release_site_lock_waits", "Tries of DDL that found their table busy", &self.lock_waits);
        let budget = "The most that a statement has used of the time it may find its table busy";
        site("release_site_lock_budget_used_percent", budget, &self.lock_budget);
        let differences = "Rows and settings in which blue and green differed when compared last";
        site("release_site_differences", differences, &self.differences);
        let failed = "1 while the Job that works on a site has failed, by what failed";
        registry.register("release_site_failed", failed, self.failed.clone());
        let lag = "Age of the last cache invalidation of a colour that arrived, or is still on its way";
        registry.register("release_relay_lag_seconds", lag, self.lag.clone());
        registry.register("release_queue_jobs", "Background jobs in a colour's queues", self.jobs.clone());
    }

    /// Notes what was counted; series of what was not go away.
    pub(super) fn set(&self, release: &Release, sites: &[SiteStatus], relay: Option<&RelayFigures>) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.remove(release).unwrap_or_default();
        let mut now = Kept::default();
        for site in sites {
            let labels = OfSite {
                namespace: release.namespace.clone(),
                name: release.name.clone(),
                site: site.name.clone(),
            };
            self.site(&labels, &site.figures);
            now.failed.extend(site.figures.failure.map(|kind| FailedJob {
                namespace: release.namespace.clone(),
                name: release.name.clone(),
                site: site.name.clone(),
                step: site.step.clone(),
                kind: kind.name(),
            }));
            now.sites.push(labels);
        }
        for gone in before.sites.iter().filter(|site| !now.sites.contains(site)) {
            self.site(gone, &Figures::default());
        }
        for gone in before.failed.iter().filter(|job| !now.failed.contains(job)) {
            self.failed.remove(gone);
        }
        for job in &now.failed {
            self.failed.get_or_create(job).set(1);
        }
        self.relay(release, relay.unwrap_or(&RelayFigures::default()));
        if !now.sites.is_empty() {
            all.insert(release.clone(), now);
        }
    }

    fn site(&self, labels: &OfSite, figures: &Figures) {
        let percent = figures.lock_budget_used_percent.map(u64::from);
        for (family, value) in [
            (&self.rows_done, figures.rows_done),
            (&self.rows_left, figures.rows_left),
            (&self.lock_waits, figures.lock_waits),
            (&self.lock_budget, percent),
            (&self.differences, figures.differences),
        ] {
            show(family, labels, value);
        }
    }

    fn relay(&self, release: &Release, figures: &RelayFigures) {
        for (colour, figures) in [("blue", &figures.blue), ("green", &figures.green)] {
            let labels =
                ReleaseColour { namespace: release.namespace.clone(), name: release.name.clone(), colour };
            show(&self.jobs, &labels, figures.jobs());
            match figures.lag_milliseconds {
                Some(milliseconds) => {
                    let lag = std::time::Duration::from_millis(milliseconds).as_secs_f64();
                    self.lag.get_or_create(&labels).set(lag);
                }
                None => {
                    self.lag.remove(&labels);
                }
            }
        }
    }
}

/// Sets a series, or takes it away.
fn show<L>(family: &Counted<L>, labels: &L, value: Option<u64>)
where
    L: Clone + std::hash::Hash + Eq,
{
    match value {
        Some(value) => {
            family.get_or_create(labels).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        None => {
            family.remove(labels);
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;
    use crate::api::backlog::Backlog;
    use crate::api::figures::{ColourFigures, FailureKind};

    fn site(figures: Figures) -> SiteStatus {
        SiteStatus {
            name: "erp.example.com".to_owned(),
            step: "verify".to_owned(),
            state: "Failed".to_owned(),
            done: None,
            total: None,
            message: String::new(),
            figures,
        }
    }

    #[test]
    fn what_was_counted_is_shown_and_what_was_not_is_not_there() {
        let (metrics, mut registry) = (FigureMetrics::default(), Registry::with_prefix("crossfade"));
        metrics.register(&mut registry);
        let shown = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        let release = Release { namespace: "shop".to_owned(), name: "erp".to_owned() };
        let figures = Figures {
            rows_done: Some(70),
            rows_left: Some(30),
            lock_waits: Some(9),
            lock_budget_used_percent: Some(85),
            differences: Some(2),
            failure: Some(FailureKind::Diverged),
        };
        let queues = [("short", 3), ("long", 1)]
            .map(|(name, queued)| (name.to_owned(), Backlog { queued, ..Backlog::default() }));
        let blue = ColourFigures { lag_milliseconds: Some(250), queues: Some(queues.into()) };
        metrics.set(&release, &[site(figures)], Some(&RelayFigures { blue, ..RelayFigures::default() }));
        let text = shown();
        let labels = r#"namespace="shop",name="erp",site="erp.example.com""#;
        for line in [
            format!("crossfade_release_site_rows_done{{{labels}}} 70"),
            format!("crossfade_release_site_rows_left{{{labels}}} 30"),
            format!("crossfade_release_site_lock_waits{{{labels}}} 9"),
            format!("crossfade_release_site_lock_budget_used_percent{{{labels}}} 85"),
            format!("crossfade_release_site_differences{{{labels}}} 2"),
            format!("crossfade_release_site_failed{{{labels},step=\"verify\",kind=\"Diverged\"}} 1"),
            r#"crossfade_release_relay_lag_seconds{namespace="shop",name="erp",colour="blue"} 0.25"#
                .to_owned(),
            r#"crossfade_release_queue_jobs{namespace="shop",name="erp",colour="blue"} 4"#.to_owned(),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("colour=\"green\""), "{text}");
        metrics.set(&release, &[site(Figures { differences: Some(0), ..Figures::default() })], None);
        let text = shown();
        assert_eq!(text.lines().filter(|line| line.contains("erp")).count(), 1, "{text}");
        metrics.set(&release, &[], None);
        assert!(!shown().contains("erp"));
    }
}
