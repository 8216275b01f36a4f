//! The analyses and webhooks of a revision's release: the `ConfigMap` `<release>-r<number>-gates`, a key each.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{Blueprint, Component};
use crate::api::names::part_name;
use crate::release::gate::Gates;

/// Name of the `ConfigMap`.
pub fn name(release: &str, revision: u32) -> String {
    part_name(release, revision, "gates")
}

/// The `ConfigMap`, with nothing in it: its keys are written one by one.
pub fn config_map(blueprint: &Blueprint<'_>) -> ConfigMap {
    let name = name(&blueprint.release_name(), blueprint.revision);
    ConfigMap { metadata: blueprint.metadata(name, Component::Gates), ..ConfigMap::default() }
}

/// What is in a `ConfigMap`.
pub fn read(config_map: &ConfigMap) -> Gates {
    Gates::read(config_map.data.as_ref().unwrap_or(&BTreeMap::new()))
}
