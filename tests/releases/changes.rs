//! The changes that the planner finds in real release pairs are those that Frappe's own code makes.

use std::collections::{BTreeMap, BTreeSet};

use crossfade::plan::Plan;
use serde_json::Value;

use super::pairs::{Case, cases, shared};

/// Kinds that only add: each of them has to agree in every pair.
const ADDITIVE: [&str; 8] = [
    "field_added",
    "child_table_added",
    "doctype_added",
    "index_added",
    "sort_index_added",
    "track_seen_on",
    "select_options_added",
    "reqd_added",
];

/// The keys that two records must agree in; `ddl` counts where the data says it.
fn record(app: &str, value: &Value) -> String {
    let keys = ["doctype", "kind", "field", "old", "new", "storage", "cls"];
    let fields: Vec<String> = keys.iter().map(|key| format!("{key}={}", value[*key])).collect();
    format!("app={app} {} ddl={}", fields.join(" "), value["ddl"])
}

fn records(case: &Case, made: &Plan) -> (BTreeSet<String>, BTreeSet<String>) {
    let ours = made.changes.iter().filter(|change| {
        !matches!(change.kind.as_str(), "patch_added") && !change.kind.starts_with("custom_field")
    });
    let ours = ours.map(|change| {
        let mut value = serde_json::to_value(change).unwrap();
        if change.kind == "platform_type_changed" {
            value["ddl"] = Value::Null;
        }
        record(&change.app, &value)
    });
    (ours.collect(), case.expected.iter().map(|value| record(&case.app, value)).collect())
}

fn kind_of(record: &str) -> String {
    record.split("kind=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn real_releases_come_out_as_frappe_makes_them() {
    let Some(root) = shared() else { return };
    let mut agreed: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let mut disagreements = Vec::new();
    for case in cases(&root) {
        let made = case.plan();
        assert!(made.is_sealed());
        let (ours, expected) = records(&case, &made);
        println!(
            "{}: {} of {} records, {} more of ours",
            case.name,
            ours.intersection(&expected).count(),
            expected.len(),
            ours.difference(&expected).count()
        );
        for record in ours.union(&expected) {
            let entry = agreed.entry(kind_of(record)).or_default();
            match (ours.contains(record), expected.contains(record)) {
                (true, true) => entry.0 += 1,
                (false, _) => entry.1 += 1,
                (true, false) => entry.2 += 1,
            }
            if !(ours.contains(record) && expected.contains(record)) {
                let side = if ours.contains(record) { "ours " } else { "their" };
                disagreements.push(format!("{side} {record}"));
            }
        }
    }
    for line in &disagreements {
        println!("{line}");
    }
    println!("kind: agreed, missing, too many");
    for (kind, (same, missing, more)) in &agreed {
        println!("  {kind}: {same}, {missing}, {more}");
    }
    for kind in ADDITIVE {
        let (same, missing, more) = agreed[kind];
        assert!(
            same > 0 && missing == 0 && more == 0,
            "{kind}: {same} agreed, {missing} missing, {more} too many"
        );
    }
    let (same, missing, more) =
        agreed.values().fold((0, 0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1, sum.2 + kind.2));
    println!("all: {same} agreed, {missing} missing, {more} too many");
    assert!(same >= 1029 && missing == 0 && more == 0);
}
