//! The published experiment, redone: what users see while a schema changes under them, by each way to release.
//!
//! `scenario` says what changes, `way` how it is released, `run` does one of each on the real cluster and leaves a `record`.
//! `report` makes the page, the pictures and the summary from all records that are there; it asks nobody else.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the bench, the demo and the short form each use a part of it as a module"
)]

pub mod filling;
pub mod jobs;
pub mod machine;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod way;
