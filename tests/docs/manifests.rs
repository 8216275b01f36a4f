//! Manifests on pages: whole ones and parts of a spec, held to the schema that the API server has.

use std::path::PathBuf;

use crossfade::api::FrappeRelease;
use kube::CustomResourceExt;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::page;

/// The schema of the resource, with every field refused that it does not name.
fn schema() -> Value {
    fn close(schema: &mut Value) {
        let Some(object) = schema.as_object_mut() else { return };
        let is_open = object.contains_key("additionalProperties")
            || object.contains_key("x-kubernetes-preserve-unknown-fields");
        if object.contains_key("properties") && !is_open {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        for key in ["properties", "items", "additionalProperties"] {
            match object.get_mut(key) {
                Some(Value::Object(properties)) if key == "properties" => {
                    properties.values_mut().for_each(close);
                }
                Some(other) => close(other),
                None => {}
            }
        }
    }
    let crd = serde_json::to_value(FrappeRelease::crd()).unwrap();
    let mut schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    for (key, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
        schema["properties"][key] = serde_json::json!({"type": kind});
    }
    close(&mut schema);
    schema
}

/// What is wrong with a value, each with its place.
fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// What is wrong with a document of a page: a release, a part of one, or something else, which may be anything.
fn judge(schema: &Value, document: &Value) -> Option<Vec<String>> {
    let spec = &schema["properties"]["spec"];
    let object = document.as_object()?;
    if object.get("kind").is_some_and(|kind| kind == "FrappeRelease") {
        return Some(mistakes(schema, document));
    }
    if object.contains_key("kind") || object.contains_key("apiVersion") {
        return None;
    }
    let parts: &Map<String, Value> = match object.get("spec").and_then(Value::as_object) {
        Some(spec) if object.len() == 1 => spec,
        _ => object,
    };
    let is_part = |name: &String| spec["properties"].get(name).is_some();
    if !parts.keys().any(is_part) {
        return None;
    }
    let of = |(name, value): (&String, &Value)| match spec["properties"].get(name) {
        Some(schema) => {
            mistakes(schema, value).into_iter().map(|mistake| format!("{name}{mistake}")).collect()
        }
        None => vec![format!("spec has no field {name}")],
    };
    Some(parts.iter().flat_map(of).collect())
}

#[test]
fn every_release_and_every_part_of_one_is_what_the_api_server_takes() {
    let schema = schema();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in page::all() {
        for block in page.blocks().iter().filter(|block| block.language == "yaml") {
            let at = format!("{}:{}", page.path.display(), block.line);
            for document in serde_yaml::Deserializer::from_str(&block.text) {
                match Value::deserialize(document) {
                    Ok(document) => {
                        let judged = judge(&schema, &document);
                        seen += usize::from(judged.is_some());
                        wrong.extend(
                            judged.unwrap_or_default().iter().map(|mistake| format!("{at}: {mistake}")),
                        );
                    }
                    Err(error) => wrong.push(format!("{at}: {error}")),
                }
            }
        }
    }
    assert!(seen > 8, "only {seen} manifests were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the resource has a field of this path, as `spec.traffic.apps` or `status.conditions`.
fn has(schema: &Value, path: &str) -> bool {
    let within = |schema: &'_ Value, name: &str| -> Option<Value> {
        let inner = if schema["items"].is_object() { &schema["items"] } else { schema };
        inner["properties"]
            .get(name)
            .or_else(|| Some(&inner["additionalProperties"]).filter(|any| any.is_object()))
            .cloned()
    };
    path.split('.').try_fold(schema.clone(), |schema, name| within(&schema, name)).is_some()
}

#[test]
fn every_field_that_a_page_names_is_there() {
    /// Fields of a Lease and of an HTTPRoute.
    const OTHERS: [&str; 3] = ["spec.holderIdentity", "spec.renewTime", "spec.rules"];
    let schema = schema();
    let field = Regex::new(r"(?:^|[^\w./-])\.?((?:spec|status)(?:\.[a-zA-Z]+)+)").unwrap();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in page::all().iter().filter(|page| !page.path.ends_with("CHANGELOG.md")) {
        let blocks = page
            .blocks()
            .into_iter()
            .filter(|block| block.language == "sh")
            .map(|block| (block.text, block.line));
        for (text, line) in page.spans().into_iter().chain(blocks) {
            for found in field.captures_iter(&text).map(|found| found[1].to_owned()) {
                seen += 1;
                if !has(&schema, &found) && !OTHERS.contains(&found.as_str()) {
                    wrong.push(format!("{}:{line}: {found}", page.path.display()));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} fields were found");
    assert!(wrong.is_empty(), "the resource has no such field:\n{}", wrong.join("\n"));
}

/// So that the first test is known to see something.
#[test]
fn a_misspelt_field_is_seen() {
    let judged = |text: &str| judge(&schema(), &serde_yaml::from_str(text).unwrap());
    let count = |text: &str| judged(text).map(|mistakes| mistakes.len());
    assert_eq!(count("traffic: {gateways: [{name: public}]}"), Some(0));
    assert_eq!(count("traffic: {gateway: [{name: public}]}"), Some(1));
    assert_eq!(count("{traffic: {}, trafic: {}}"), Some(1));
    assert_eq!(count("{spec: {deadlines: {drainSeconds: soon}}}"), Some(1));
    assert_eq!(count("rules: []"), None);
}

/// The manifest that README.md explains is one that a real API server has accepted.
#[test]
fn the_first_manifest_is_one_that_the_scenarios_apply() {
    let readme = page::Page::read(PathBuf::from("README.md"));
    let shown = readme.blocks().into_iter().find(|block| block.text.contains("kind: FrappeRelease")).unwrap();
    let applied = std::fs::read_to_string(page::root().join("e2e/manifests/valid/first.yaml")).unwrap();
    let plain = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
    assert_eq!(plain(&shown.text), plain(&applied));
}
