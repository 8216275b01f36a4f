//! The resource as users see it: the generated manifests are fresh, every field is explained, every example parses.
//!
//! What the API server refuses, and with which words, is proven with a real one: `e2e/scenarios/validation.rs` runs the
//! files of `e2e/manifests`; here they are only held to their form.

#![allow(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::fs;
use std::path::{Path, PathBuf};

use crossfade::api::{FrappeRelease, Phase, condition};
use crossfade::cli::crds;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::CustomResourceExt;

/// Where the manifest is kept: for `kubectl apply`, for kustomize, and in the chart of its own.
const KEPT: [&str; 3] = [
    "crds/frappereleases.crossfade.dev.yaml",
    "deploy/base/frappereleases.crossfade.dev.yaml",
    "charts/crossfade-crds/templates/frappereleases.crossfade.dev.yaml",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn crd() -> CustomResourceDefinition {
    FrappeRelease::crd()
}

fn version() -> CustomResourceDefinitionVersion {
    crd().spec.versions.into_iter().next().unwrap()
}

fn manifests(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found: Vec<_> = fs::read_dir(root().join("e2e/manifests").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.clone(), fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn the_manifests_are_what_the_types_say() {
    let fresh = crds::manifest().unwrap();
    for path in KEPT {
        let kept = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(kept == fresh, "{path} is stale: run `make crds` and commit what it writes");
    }
}

#[test]
fn the_manifest_is_no_template_to_helm() {
    let text = crds::manifest().unwrap();
    assert!(!text.contains("{{"), "helm would read {{{{ as a template: reword the description that has it");
    let keep = crd().metadata.annotations.unwrap_or_default().get("helm.sh/resource-policy").cloned();
    assert_eq!(keep.as_deref(), Some("keep"), "`helm uninstall` would delete every release");
}

/// Every property of a schema with its path. The types of Kubernetes itself are explained by Kubernetes.
fn walk(schema: &JSONSchemaProps, path: &str, visit: &mut impl FnMut(&str, &JSONSchemaProps)) {
    for (name, property) in schema.properties.iter().flatten() {
        let path = format!("{path}.{name}");
        visit(&path, property);
        walk(property, &path, visit);
    }
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => walk(item, &format!("{path}[]"), visit),
        Some(JSONSchemaPropsOrArray::Schemas(_)) | None => {}
    }
}

#[test]
fn every_field_is_explained() {
    let schema = version().schema.unwrap().open_api_v3_schema.unwrap();
    let (mut silent, mut fields) = (Vec::new(), 0);
    walk(&schema, "", &mut |path, property| {
        fields += 1;
        let is_explained = property.description.as_ref().is_some_and(|text| !text.trim().is_empty());
        if !is_explained && path != ".spec" && path != ".status" {
            silent.push(path.to_owned());
        }
    });
    assert!(fields > 100, "only {fields} fields were found: the test reads the wrong schema");
    assert!(silent.is_empty(), "`kubectl explain` has no word about {silent:#?}");
}

#[test]
fn it_is_found_by_its_names() {
    let names = crd().spec.names;
    assert_eq!(crd().spec.group, "crossfade.dev");
    assert_eq!((names.plural.as_str(), names.kind.as_str()), ("frappereleases", "FrappeRelease"));
    assert_eq!(names.short_names.unwrap(), ["fr", "frel"]);
    assert_eq!(names.categories.unwrap(), ["all", "frappe"]);
    assert!(version().subresources.unwrap().status.is_some(), "status must be a subresource");
}

#[test]
fn a_list_shows_where_each_release_is() {
    let columns = version().additional_printer_columns.unwrap();
    let shown: Vec<(&str, &str)> =
        columns.iter().map(|column| (column.name.as_str(), column.json_path.as_str())).collect();
    let expected = [
        ("Phase", ".status.phase"),
        ("Green", ".status.weight"),
        ("Image", ".spec.image"),
        ("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        ("Message", ".status.message"),
        ("Age", ".metadata.creationTimestamp"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn conditions_are_merged_by_their_type() {
    let schema = version().schema.unwrap().open_api_v3_schema.unwrap();
    let status = schema.properties.unwrap().remove("status").unwrap();
    let conditions = status.properties.unwrap().remove("conditions").unwrap();
    assert_eq!(conditions.x_kubernetes_list_type.as_deref(), Some("map"));
    assert_eq!(conditions.x_kubernetes_list_map_keys.unwrap(), ["type"]);
    let expected = [
        "Planned",
        "Isolated",
        "Expanded",
        "Migrated",
        "GreenReady",
        "TrafficShifted",
        "Drained",
        "Contracted",
    ];
    assert_eq!(condition::PHASES.map(|(_, kind)| kind), expected);
    assert_eq!(
        (condition::READY, condition::RECONCILING, condition::STALLED),
        ("Ready", "Reconciling", "Stalled")
    );
}

#[test]
fn the_schema_knows_every_phase() {
    let schema = version().schema.unwrap().open_api_v3_schema.unwrap();
    let status = schema.properties.unwrap().remove("status").unwrap();
    let phase = status.properties.unwrap().remove("phase").unwrap();
    let known: Vec<String> =
        phase.enum_.unwrap().iter().filter_map(|value| value.0.as_str().map(str::to_owned)).collect();
    let names: Vec<&str> = Phase::ALL.into_iter().map(Phase::name).collect();
    assert_eq!(known, names);
}

/// Without bounds the API server refuses the rules ("estimated cost exceeds budget") on some server some day.
#[test]
fn every_list_and_string_that_a_rule_can_read_is_bounded() {
    let schema = version().schema.unwrap().open_api_v3_schema.unwrap();
    let mut unbounded = Vec::new();
    walk(&schema, "", &mut |path, property| {
        let is_ruled = [".spec.sites", ".spec.traffic", ".spec.apps", ".spec.analysis", ".spec.image"]
            .iter()
            .any(|part| path.starts_with(part));
        // Of a Job the rules only ask whether it is there; its types are those of Kubernetes.
        let is_ruled = is_ruled && !path.starts_with(".spec.analysis[].job.");
        let is_open = match property.type_.as_deref() {
            Some("array") => property.max_items.is_none(),
            Some("string") => property.max_length.is_none() && property.enum_.is_none(),
            Some(_) | None => false,
        };
        if is_ruled && is_open {
            unbounded.push(path.to_owned());
        }
    });
    assert!(unbounded.is_empty(), "these need maxItems or maxLength: {unbounded:#?}");
}

#[test]
fn valid_examples_parse_as_the_type_itself() {
    let valid = manifests("valid");
    assert!(valid.len() >= 2, "the minimal and the full example are missing");
    for (path, text) in valid {
        let parsed: Result<FrappeRelease, _> = serde_yaml::from_str(&text);
        assert!(parsed.is_ok(), "{}: {}", path.display(), parsed.unwrap_err());
    }
}

/// The full example is the place where a new part is shown.
#[test]
fn the_full_example_shows_every_part_of_the_spec() {
    let path = root().join("e2e/manifests/valid/full.yaml");
    let text = fs::read_to_string(path).unwrap();
    let example: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let schema = version().schema.unwrap().open_api_v3_schema.unwrap();
    let spec = schema.properties.unwrap().remove("spec").unwrap();
    let missing: Vec<String> =
        spec.properties.unwrap().into_keys().filter(|name| example["spec"].get(name).is_none()).collect();
    assert!(missing.is_empty(), "e2e/manifests/valid/full.yaml does not show {missing:?}");
}

#[test]
fn every_invalid_example_says_what_is_expected() {
    let invalid = manifests("invalid");
    assert!(invalid.len() >= 20, "only {} invalid examples", invalid.len());
    for (path, text) in invalid {
        assert!(expectation(&text).is_some(), "{} does not begin with `# expect: `", path.display());
    }
}

#[test]
fn every_transition_has_its_two_files() {
    let all = manifests("transitions");
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let pairs: Vec<String> = all
        .iter()
        .filter_map(|(path, _)| Some(name(path).strip_suffix(".before.yaml")?.to_owned()))
        .collect();
    assert!(
        !pairs.is_empty() && all.len() == 2 * pairs.len(),
        "a transition is NAME.before.yaml and NAME.after.yaml"
    );
    for (path, text) in all {
        let is_after = name(&path).ends_with(".after.yaml");
        assert_eq!(expectation(&text).is_some(), is_after, "{}: only .after.yaml expects", path.display());
        let object: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(
            object.get("status").is_none(),
            is_after,
            "{}: only .before.yaml has a status",
            path.display()
        );
    }
}

fn expectation(text: &str) -> Option<&str> {
    text.lines().next()?.strip_prefix("# expect: ").filter(|words| !words.trim().is_empty())
}
