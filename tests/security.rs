//! What a `FrappeRelease` cannot ask for, whoever writes it: things of other namespaces, and rights for its Pods. And that
//! SECURITY.md rests on tests that are there.

#![allow(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use crossfade::api::FrappeRelease;
use kube::CustomResourceExt;
use serde_json::Value;

/// The paths of all fields of the spec, with `[]` for the items of a list.
fn fields() -> Vec<String> {
    fn walk(schema: &Value, path: &str, found: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            walk(property, &path, found);
            found.push(path);
        }
        for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
            if schema[key].is_object() {
                walk(&schema[key], &format!("{path}{mark}"), found);
            }
        }
    }
    let crd = serde_json::to_value(FrappeRelease::crd()).unwrap();
    let mut found = Vec::new();
    walk(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"], "", &mut found);
    assert!(found.len() > 100, "only {} fields were found", found.len());
    found
}

fn named(fields: &[String], is_meant: impl Fn(&str) -> bool) -> Vec<&str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_lowercase();
    fields.iter().map(String::as_str).filter(|path| is_meant(&last(path))).collect()
}

#[test]
fn a_release_names_nothing_of_another_namespace_but_gateways() {
    let fields = fields();
    let mut found = named(&fields, |name| name.contains("namespace"));
    // Beside whose Pods its own may be scheduled: nothing of them is seen.
    found.retain(|path| !path.starts_with(".bench.affinity."));
    assert_eq!(found, [".traffic.gateways[].namespace"]);
}

#[test]
fn a_release_cannot_ask_for_rights_of_its_pods() {
    let fields = fields();
    let found = named(&fields, |name| {
        name.starts_with("serviceaccount")
            || name.starts_with("host") && !matches!(name, "host" | "hostnames")
            || name.starts_with("volume")
            || ["securitycontext", "privileged", "capabilities", "runasuser", "automountserviceaccounttoken"]
                .contains(&name)
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let pattern = regex::Regex::new(r"`([a-z0-9_/]+\.rs)::([a-z0-9_]+)`").unwrap();
    let mut named = 0;
    for (_, [file, name]) in pattern.captures_iter(&page).map(|found| found.extract()) {
        let code = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(
            code.contains(&format!("fn {name}(")),
            "SECURITY.md names {file}::{name}, which is not there"
        );
        named += 1;
    }
    assert!(named > 20, "only {named} tests were found in SECURITY.md");
}

#[test]
fn every_row_of_the_threat_model_names_what_shows_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let makefile = std::fs::read_to_string(root.join("Makefile")).unwrap();
    let test = regex::Regex::new(r"`[a-z0-9_/]+\.rs::[a-z0-9_]+`").unwrap();
    let target = regex::Regex::new(r"`make ([a-z-]+)`").unwrap();
    let model = page.split("\n## ").find(|part| part.starts_with("Threat model")).unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for table in model.split("\n\n").filter(|part| part.starts_with('|')) {
        let mut rows = table.lines();
        let last =
            |row: &str| row.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim().to_owned();
        assert_eq!(last(rows.next().unwrap()), "shown by", "a table of SECURITY.md: {table}");
        for row in rows.skip(1) {
            seen += 1;
            let shown = last(row);
            let by_target =
                target.captures_iter(&shown).any(|found| makefile.contains(&format!("\n{}:", &found[1])));
            if !(test.is_match(&shown) || by_target || shown.starts_with("no test can show it: ")) {
                wrong.push(row);
            }
        }
    }
    assert!(seen > 30, "only {seen} rows were found");
    assert!(wrong.is_empty(), "these name no test, nor say why none can show it:\n{}", wrong.join("\n"));
}
