//! The reference: pages that are made from the code. `make reference` writes them; here they must not be stale.

mod changes;
mod commands;
mod conditions;
mod fields;

use std::fs;

use crossfade::api::FrappeRelease;
use crossfade::report;
use kube::CustomResourceExt;

use super::page::root;

/// Fails if a page is not what the code says, or writes it if `UPDATE_GOLDENFILES` is set.
fn held(page: &str, made: &str) {
    let path = root().join(page);
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "{page} is stale: run `make reference` and commit what it writes");
}

#[test]
fn the_fields_of_the_resource_are_those_of_the_types() {
    let crd = serde_json::to_value(FrappeRelease::crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut page = "# FrappeRelease\n\n\
        Generated from the types in `src/api`. `kubectl explain fr.spec` says the same. A part of `spec` is a section; a field that must be\n\
        given is marked, and a default is what the API server fills in. `[]` is an item of a list.\n"
        .to_owned();
    for part in ["spec", "status"] {
        page.push_str(&fields::sections(part, &schema["properties"][part], schema));
    }
    held("docs/reference/frapperelease.md", &page);
}

#[test]
fn the_plan_is_described_as_its_types() {
    let schema = serde_json::to_value(report::schema()).unwrap();
    let mut page = "# The plan as JSON\n\n\
        Generated from the types of `src/report`: what `crossfade plan --output json` prints, and what is stored for a release. Programs take the\n\
        [JSON Schema](plan.schema.json).\n"
        .to_owned();
    page.push_str(&fields::sections("plan", &schema, &schema));
    for (name, part) in schema["$defs"].as_object().into_iter().flatten() {
        page.push_str(&fields::sections(name, part, &schema));
    }
    held("docs/reference/plan.md", &page);
}

#[test]
fn the_api_of_the_editor_is_described_as_its_types() {
    held("web/openapi.json", &crossfade::web::api::openapi().unwrap());
}

#[test]
fn the_commands_are_those_of_the_program() {
    held("docs/reference/cli.md", &commands::page());
}

#[test]
fn conditions_reasons_and_phases_are_those_of_the_code() {
    held("docs/reference/conditions.md", &conditions::page());
}

#[test]
fn every_kind_of_change_is_in_the_list() {
    held("docs/explanation/every-change.md", &changes::page());
}
