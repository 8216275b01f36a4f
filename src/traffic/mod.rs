//! How traffic is split, as routes, and routes read back (pure): one file a provider.
//!
//! May use `api`, `plan` and `release`. Nothing here has a client; `controller` applies the objects and reads them back.

pub mod bridge;
mod bucket;
pub mod gateway_api;
mod pattern;
mod preview;
mod rules;
pub mod service;
mod signature;
#[cfg(test)]
mod simulated;

pub use preview::{HEADER as PREVIEW_HEADER, Preview, cookie_name};

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::FrappeRelease;
use crate::api::names::ANNOTATION_SPLIT;
use crate::plan::Routing;
use crate::release::Split;

/// What the objects of a split are made from.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The release that owns them.
    pub release: &'a FrappeRelease,
    /// Who gets how much.
    pub split: &'a Split,
    /// Which requests belong to which app.
    pub routing: &'a Routing,
    /// The revisions that have a socket.io server.
    pub with_socketio: &'a BTreeSet<u32>,
}

/// The split that an object was made for.
pub fn split_of<K: kube::Resource>(object: &K) -> Option<Split> {
    serde_json::from_str(object.meta().annotations.as_ref()?.get(ANNOTATION_SPLIT)?).ok()
}

/// Whether the objects that are there are, each of them and no other, those that `wanted` makes for this split.
fn is_whole<K: kube::Resource>(
    there: &[K],
    split: Option<&Split>,
    wanted: impl Fn(&Split) -> Vec<K>,
    is_same: impl Fn(&K, &K) -> bool,
) -> bool {
    let wanted = split.map(wanted).unwrap_or_default();
    let is_written = |wanted: &K| {
        there.iter().any(|object| {
            object.meta().name == wanted.meta().name
                && split_of(object).as_ref() == split
                && is_same(object, wanted)
        })
    };
    there.len() == wanted.len() && wanted.iter().all(is_written)
}

/// Whether everything that is wanted is there. What else is there (what the API server has filled in, or another manager
/// has added) does not count; an item more or less in a list does.
fn holds(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| there.get(key).is_some_and(|there| holds(there, value)))
        }
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len()
                && there.iter().zip(wanted).all(|(there, wanted)| holds(there, wanted))
        }
        (there, wanted) => there == wanted,
    }
}

/// Whether an object is as it was written: its split and its spec.
fn is_as_written<S: serde::Serialize>(there: &S, wanted: &S) -> bool {
    match (serde_json::to_value(there), serde_json::to_value(wanted)) {
        (Ok(there), Ok(wanted)) => holds(&there, &wanted),
        (Ok(_) | Err(_), _) => false,
    }
}
