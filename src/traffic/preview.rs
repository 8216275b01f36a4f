//! Choosing a colour by hand, for previews, and the cookie that keeps it.

use sha2::{Digest, Sha256};

use crate::api::FrappeRelease;
use crate::api::names::revision_name;
use crate::api::traffic;

/// The header that chooses a colour.
pub const HEADER: &str = "X-Crossfade-Colour";
/// Characters of a token: 64 bits.
const TOKEN_LENGTH: usize = 16;

/// Name of the cookie with a user's bucket, or his chosen colour, while a revision is released.
///
/// It has the name of the release too: cookies are shared by all ports of a host. A new one for each revision: whoever was
/// early in the last release need not be early in the next.
pub fn cookie_name(release: &str, green: u32) -> String {
    format!("crossfade-{}", revision_name(release, green))
}

/// The values that choose a colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Chooses green.
    pub green: String,
    /// Chooses blue.
    pub blue: String,
}

impl Preview {
    /// The values for the release of a revision.
    ///
    /// The token is a hash over the object's UID, which a visitor of the site cannot know. It is no secret to those who may
    /// read the object or its routes.
    pub fn of(release: &FrappeRelease, green: u32) -> Self {
        let end = match release.spec.traffic.preview {
            traffic::Preview::Open => String::new(),
            traffic::Preview::Token => {
                let uid = release.metadata.uid.as_deref().unwrap_or_default();
                let digest = format!("{:x}", Sha256::digest(format!("preview of {green} of {uid}")));
                format!("-{}", &digest[..TOKEN_LENGTH])
            }
        };
        Self { green: format!("green{end}"), blue: format!("blue{end}") }
    }
}
