//! The Kubernetes objects of a revision, as typed values (pure).
//!
//! Every function takes a [`Blueprint`] and gives one object, whole: namespace, labels and owner reference are in
//! it. Nothing here has a client; `controller` applies what comes out. May use `api`, `plan` and `release`.

pub mod config;
mod deployment;
pub mod gates;
pub mod history;
pub mod job;
mod labels;
pub mod plan_store;
mod pod;
pub mod record;
pub mod relay;
#[cfg(test)]
mod sample;
pub mod schema_password;
mod service;

pub use deployment::deployments;
pub use labels::{Component, RELAY, of_revision, selector};
pub use service::{leading_to, services};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};

use crate::api::{FrappeRelease, Template, names};

/// What the objects of one revision are made from.
#[derive(Debug, Clone, Copy)]
pub struct Blueprint<'a> {
    /// The release that owns them.
    pub release: &'a FrappeRelease,
    /// Number of the revision.
    pub revision: u32,
    /// What the revision runs, from its record: the spec may have moved on.
    pub template: &'a Template,
    /// Image with the `crossfade` binary, for init containers and Jobs.
    pub operator_image: &'a str,
}

impl Blueprint<'_> {
    /// Name of the release.
    pub fn release_name(&self) -> String {
        self.release.name_any()
    }

    /// Name of a part of this revision: `<release>-r<number>-<part>`.
    pub fn part(&self, part: &str) -> String {
        names::part_name(&self.release_name(), self.revision, part)
    }

    /// Name of this revision and `bench_id` of its colour: `<release>-r<number>`.
    pub fn bench_id(&self) -> String {
        names::revision_name(&self.release_name(), self.revision)
    }

    /// Metadata of an object of this revision; deleted with the release.
    fn metadata(&self, name: String, component: Component<'_>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name),
            namespace: self.release.namespace(),
            labels: Some(labels::labels(&self.release_name(), self.revision, component)),
            owner_references: self.release.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        }
    }
}

/// Cuts a name to what a label value holds (63 characters): a hash of the whole keeps it unique.
fn fit(name: &str) -> String {
    const LIMIT: usize = 63;
    if name.len() <= LIMIT {
        return name.to_owned();
    }
    let hash = config::hash_of(name.as_bytes());
    let head: String = name.chars().take(LIMIT - 9).collect();
    format!("{}-{}", head.trim_end_matches('-'), &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn a_name_that_fits_a_label_stays_and_a_longer_one_keeps_its_difference() {
        assert_eq!(fit("erp-r1-plan"), "erp-r1-plan");
        let (one, two) = (fit(&format!("{}-one", "x".repeat(70))), fit(&format!("{}-two", "x".repeat(70))));
        assert_eq!(one.len(), 63);
        assert_ne!(one, two);
    }
}
