//! The alerts of the chart, run by Prometheus's own `promtool`: each fires in its trouble and is silent otherwise.
//!
//! promtool is taken from `PROMTOOL` or from `PATH` (`e2e/bed/setup.sh` installs it). Without one the tests print that they
//! were skipped, unless `CROSSFADE_NEED_HELM` is set.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{of_kind, rendered};

fn promtool() -> Option<PathBuf> {
    let named = std::env::var_os("PROMTOOL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("promtool"));
    let found = named.into_iter().chain(on_path).find(|file| file.is_file());
    if found.is_none() {
        let is_needed = std::env::var_os("CROSSFADE_NEED_HELM").is_some();
        assert!(!is_needed, "no promtool: set PROMTOOL, or install Debian's package prometheus");
        eprintln!("skipped: no promtool in PROMTOOL or PATH");
    }
    found
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scenarios() -> String {
    std::fs::read_to_string(repository().join("tests/alerts/rules_test.yaml")).unwrap()
}

/// The groups of the rendered `PrometheusRule`: a rules file of Prometheus.
fn groups() -> Option<Value> {
    let objects = rendered(&["metrics.prometheusRule.enabled=true"])?;
    let rules = of_kind(&objects, "PrometheusRule");
    assert_eq!(rules.len(), 1);
    Some(json!({ "groups": rules[0]["spec"]["groups"] }))
}

fn rules(groups: &Value) -> Vec<&Value> {
    let groups = groups["groups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["rules"].as_array().unwrap()).collect()
}

fn names(groups: &Value) -> BTreeSet<String> {
    rules(groups).iter().map(|rule| rule["alert"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_alert_fires_in_its_trouble_and_is_silent_otherwise() {
    let (Some(groups), Some(promtool)) = (groups(), promtool()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("rules.yaml", &serde_yaml::to_string(&groups).unwrap());
    file("rules_test.yaml", &scenarios());
    for args in [["check", "rules", "rules.yaml"], ["test", "rules", "rules_test.yaml"]] {
        let output = Command::new(&promtool).current_dir(folder.path()).args(args).output().unwrap();
        let words = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "promtool {args:?}: {}", String::from_utf8_lossy(&words));
    }
}

#[test]
fn every_alert_has_a_scenario_in_which_it_fires_and_one_in_which_all_is_well() {
    let Some(groups) = groups() else { return };
    let scenarios: Value = serde_yaml::from_str(&scenarios()).unwrap();
    let (mut fires, mut is_silent) = (BTreeSet::new(), BTreeSet::new());
    for scenario in scenarios["tests"].as_array().unwrap() {
        for test in scenario["alert_rule_test"].as_array().unwrap() {
            let name = test["alertname"].as_str().unwrap().to_owned();
            if !test["exp_alerts"].as_array().unwrap().is_empty() {
                fires.insert(name);
            } else if scenario["name"] == "all is well" {
                is_silent.insert(name);
            }
        }
    }
    assert_eq!(fires, names(&groups));
    assert_eq!(is_silent, names(&groups));
}

#[test]
fn every_alert_leads_to_its_section_and_every_section_is_of_an_alert() {
    let Some(groups) = groups() else { return };
    let page = std::fs::read_to_string(repository().join("docs/troubleshooting/alerts.md")).unwrap();
    let sections = page.lines().filter_map(|line| line.strip_prefix("## Crossfade"));
    let sections: BTreeSet<String> = sections.map(|rest| format!("Crossfade{rest}")).collect();
    assert_eq!(sections, names(&groups));
    for section in page.split("\n## Crossfade").skip(1) {
        for part in ["Means:", "Look:", "Do:", "kubectl"] {
            assert!(section.contains(part), "no '{part}' in the section Crossfade{section}");
        }
    }
    for rule in rules(&groups) {
        // As a web page makes an anchor of a heading.
        let anchor =
            format!("docs/troubleshooting/alerts.md#{}", rule["alert"].as_str().unwrap().to_lowercase());
        let url = rule["annotations"]["runbook_url"].as_str().unwrap();
        assert!(url.ends_with(&anchor), "{url}");
    }
}

#[test]
fn limits_of_the_alerts_are_settings() {
    let settings = [
        "metrics.prometheusRule.enabled=true",
        "metrics.prometheusRule.stuckSeconds.Migrating=77",
        "metrics.prometheusRule.pausedSeconds=1000000",
        "metrics.prometheusRule.runbookUrl=https://wiki.example.com/crossfade",
    ];
    let Some(objects) = rendered(&settings) else { return };
    let rule = of_kind(&objects, "PrometheusRule")[0].to_string();
    for expected in ["> 77\\n", "> 1000000\\n", "https://wiki.example.com/crossfade#crossfadenoleader"] {
        assert!(rule.contains(expected), "{expected} is not in {rule}");
    }
}
