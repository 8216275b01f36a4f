//! The history of a release: the `ConfigMap` `<release>-history`. It belongs to the release, not to a revision.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};

use super::Component;
use crate::api::FrappeRelease;
use crate::api::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_RELEASE, MANAGED_BY};
use crate::release::history::Entry;

const KEY: &str = "history";

/// Name of the `ConfigMap`.
pub fn name(release: &str) -> String {
    format!("{release}-history")
}

/// The `ConfigMap` of a history.
pub fn config_map(release: &FrappeRelease, entries: &[Entry]) -> Result<ConfigMap, serde_json::Error> {
    let labels = [
        (LABEL_RELEASE, release.name_any()),
        (LABEL_COMPONENT, Component::History.label()),
        (LABEL_MANAGED_BY, MANAGED_BY.to_owned()),
    ];
    Ok(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name(&release.name_any())),
            namespace: release.namespace(),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
            owner_references: release.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(KEY.to_owned(), serde_json::to_string_pretty(entries)?)])),
        ..ConfigMap::default()
    })
}

/// The history in a `ConfigMap`; empty if somebody has broken it: it is for people, nothing rests on it.
pub fn read(config_map: &ConfigMap) -> Vec<Entry> {
    let text = config_map.data.as_ref().and_then(|data| data.get(KEY));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

    #[test]
    fn a_history_that_is_written_is_read_back_and_belongs_to_no_revision() {
        let entry: Entry =
            serde_yaml::from_str("{revision: 2, image: 'a:2', outcome: RolledBack, reason: aborted by hand}")
                .unwrap();
        let written = config_map(&sample::release(), std::slice::from_ref(&entry)).unwrap();
        assert_eq!(read(&written), [entry]);
        let labels = written.metadata.labels.unwrap();
        assert!(!labels.contains_key(crate::api::names::LABEL_REVISION), "{labels:?}");
        assert!(read(&ConfigMap::default()).is_empty());
    }
}
