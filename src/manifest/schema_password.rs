//! The password of the user that sees the schema of views: the Secret `<release>-r<green>-schema`.
//!
//! It is made once and never overwritten: Pods of blue may be logged in with it.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::{Blueprint, Component};

/// Key of the password, and the name of its file where the Secret is mounted.
pub const KEY: &str = "password";

/// Name of the Secret of a (green) revision.
pub fn name(release: &str, green: u32) -> String {
    crate::api::names::part_name(release, green, "schema")
}

/// The Secret with a password.
pub fn secret(green: &Blueprint<'_>, password: String) -> Secret {
    Secret {
        metadata: green.metadata(name(&green.release_name(), green.revision), Component::SchemaPassword),
        data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(password.into_bytes()))])),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}
