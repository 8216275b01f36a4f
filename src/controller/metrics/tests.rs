//! What `/metrics` shows, against its page.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::backlog::Backlog;
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
    let queues = [("short".to_owned(), Backlog { queued: 2, ..Backlog::default() })];
    let counted = ColourFigures { lag_milliseconds: Some(1), queues: Some(queues.into()) };
    RelayFigures { blue: counted.clone(), green: counted }
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
    metrics.set_release(&release, &status(condition::STALLED, "JobFailed"), Some(&relay()));
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
    metrics.set_release(&release, &status(condition::STALLED, "JobFailed"), Some(&relay()));
    metrics.text(at(142)).unwrap();
    release.spec.image = "a:2".to_owned();
    let mut paused = status(condition::RECONCILING, "Paused");
    paused.apps.clear();
    paused.sites[0].step = "verify".to_owned();
    metrics.set_release(&release, &FrappeReleaseStatus { waiting_since: None, ..paused }, None);
    let shown = metrics.text(at(142)).unwrap();
    assert!(shown.contains("crossfade_release_paused{namespace=\"shop\",name=\"erp\"} 1"), "{shown}");
    assert!(shown.contains("image=\"a:2\""), "{shown}");
    for gone in ["image=\"a:1\"", "release_stalled{", "release_waiting_seconds{", "app=", "step=\"expand\""] {
        assert!(!shown.contains(gone), "{gone} is still in\n{shown}");
    }
}

/// Every metric as one asks for it: its name, its type, its labels.
fn shown() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let metrics = Metrics::default();
    metrics.set_release(&release(), &status(condition::STALLED, "JobFailed"), Some(&relay()));
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
                || histogram.and_then(|name| known.get(name)).is_some_and(|(kind, _)| kind == "histogram");
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

#[test]
fn a_release_has_as_many_series_as_its_page_says() {
    let count = |apps: usize, sites: usize| {
        let mut status = status(condition::STALLED, "JobFailed");
        let (app, site) = (status.apps.remove(0), status.sites.remove(0));
        for number in 0..apps {
            status.apps.push(AppStatus { name: format!("app{number}"), ..app.clone() });
        }
        for number in 0..sites {
            status.sites.push(SiteStatus { name: format!("{number}.example.com"), ..site.clone() });
        }
        let metrics = Metrics::default();
        metrics.set_release(&release(), &status, Some(&relay()));
        let text = metrics.text(at(142)).unwrap();
        text.lines().filter(|line| line.contains("name=\"erp\"")).count()
    };
    let alone = count(0, 0);
    assert_eq!((count(3, 0) - alone, count(0, 3) - alone), (3, 3 * 8));
    let page = file("docs/reference/metrics.md");
    for words in [
        format!("A release has {alone} series at most, one more for each app"),
        "and eight for each site".to_owned(),
        format!("have {},000.", count(2, 1)),
    ] {
        assert!(page.contains(&words), "the page does not say '{words}'");
    }
}
