//! The DocType Editor over real HTTP: the program itself, apps on disk, requests as a browser sends them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod client;
mod dashboard;
mod guarded;
mod hostile;
mod outputs;
mod real_sizes;
mod renames;
mod sample_app;
mod saves;
mod shop;
mod verdicts;
