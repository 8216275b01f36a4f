//! Choosing a colour by hand, for previews, and the cookie that keeps it.

use super::signature::signature;
use crate::api::FrappeRelease;
use crate::api::names::revision_name;
use crate::api::traffic;

/// The header that chooses a colour.
pub const HEADER: &str = "X-Crossfade-Colour";

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
    pub fn of(release: &FrappeRelease, green: u32) -> Self {
        let end = match release.spec.traffic.preview {
            traffic::Preview::Open => String::new(),
            traffic::Preview::Token => format!("-{}", signature(release, &format!("preview of {green}"))),
        };
        Self { green: format!("green{end}"), blue: format!("blue{end}") }
    }
}
