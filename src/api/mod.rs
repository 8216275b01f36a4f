//! The `FrappeRelease` resource: what users write and read, nothing else.
//!
//! The types are the source of `crds/`: `crossfade crds` prints the manifest and `tests/crds.rs` fails when it is stale.

mod adopted;
pub mod analysis;
pub mod backlog;
pub mod bench;
pub mod condition;
pub mod figures;
pub mod gate;
pub mod names;
mod phase;
mod release;
pub mod site;
pub mod status;
pub mod traffic;
pub mod webhook;

pub use adopted::{Adopted, AdoptedEntry};
pub use phase::Phase;
pub use release::{FrappeRelease, FrappeReleaseSpec, Template};
