//! Two versions of the apps in, every schema change and the steps that serve both versions out (pure).
//!
//! A [`Plan`] is data: it is shown, approved by its hash and then run by `schema`, which never builds SQL of its
//! own for a change. Nothing here opens a file, a socket or a database.

mod document;
mod step;

pub use document::{AppVersion, Change, FrozenTable, Plan, Verdict};
pub use step::{Column, Effect, IndexColumns, Step, Undo};
