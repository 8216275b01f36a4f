//! Real releases of Frappe apps, read and planned.
//!
//! The data is not part of this repository. It is looked for in `$CROSSFADE_SHARED`, else in `../shared`; without it
//! the tests say so and pass.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod changes;
mod ddl;
mod exports;
mod pairs;
