//! The record of a revision: the `ConfigMap` `<release>-r<number>`, all that must outlive the operator.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{Blueprint, Component};
use crate::release::Record;

const KEY: &str = "record";

/// A record that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The record cannot be written as JSON.
    #[error("failed to write the record as JSON")]
    Write(#[source] serde_json::Error),
    /// The `ConfigMap` has no record in it.
    #[error(
        "failed to find the key '{KEY}' in ConfigMap '{0}': it was changed by hand; restore it from a backup"
    )]
    Missing(String),
    /// The record is not what this program writes.
    #[error("failed to read the record in ConfigMap '{name}': it was changed by hand or by another version")]
    Read {
        /// Name of the `ConfigMap`.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// The `ConfigMap` of a record.
pub fn config_map(blueprint: &Blueprint<'_>, record: &Record) -> Result<ConfigMap, RecordError> {
    let text = serde_json::to_string_pretty(record).map_err(RecordError::Write)?;
    Ok(ConfigMap {
        metadata: blueprint.metadata(blueprint.bench_id(), Component::Record),
        data: Some(BTreeMap::from([(KEY.to_owned(), text)])),
        ..ConfigMap::default()
    })
}

/// The record in a `ConfigMap`.
pub fn read(config_map: &ConfigMap) -> Result<Record, RecordError> {
    let name = config_map.metadata.name.clone().unwrap_or_default();
    let text = config_map.data.as_ref().and_then(|data| data.get(KEY));
    let text = text.ok_or_else(|| RecordError::Missing(name.clone()))?;
    serde_json::from_str(text).map_err(|source| RecordError::Read { name, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

    #[test]
    fn a_record_that_is_written_is_read_back_the_same() {
        let release = sample::release();
        let record = sample::record(&release);
        let written = config_map(&sample::blueprint(&release, &record.template, 2), &record).unwrap();
        assert_eq!(written.metadata.name.as_deref(), Some("erp-r2"));
        assert_eq!(read(&written).unwrap(), record);
    }

    #[test]
    fn a_record_without_its_key_is_an_error_that_names_the_object() {
        let mut broken = ConfigMap::default();
        broken.metadata.name = Some("erp-r7".into());
        assert!(read(&broken).unwrap_err().to_string().contains("erp-r7"));
    }
}
