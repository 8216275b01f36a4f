//! End-to-end tests on the real cluster of `e2e/bed`: `make e2e`, or one of them with the bed up:
//! `cargo test --test e2e -- --include-ignored --test-threads=1 release`.
//!
//! A file a behaviour in `scenarios/`. They wait for conditions, and users work on the bench while they run.

mod experiment;
mod harness;
/// The program's page as a browser sees it, as far as HTTP goes.
#[path = "../tests/editor/client.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "the editor's tests use the rest, and stop at the first thing that is not as it should be"
)]
mod page;
mod scenarios;
