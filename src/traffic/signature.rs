//! What a visitor of a site cannot make himself: a hash over the object's UID.
//!
//! It is no secret to those who may read the object or its routes.

use sha2::{Digest, Sha256};

use crate::api::FrappeRelease;

/// 64 bits in hexadecimal that nobody knows who does not know the release's UID.
pub(super) fn signature(release: &FrappeRelease, of: &str) -> String {
    let uid = release.metadata.uid.as_deref().unwrap_or_default();
    let digest = format!("{:x}", Sha256::digest(format!("{of} of {uid}")));
    digest.chars().take(16).collect()
}
