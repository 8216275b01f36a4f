//! The pages: links lead somewhere, commands are commands, manifests are manifests, and the reference is what the code
//! says. A page that says something else than the code fails here, with its name and line.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]
#![allow(clippy::wildcard_enum_match_arm, reason = "Markdown's events and JSON's values are not our enums")]

mod commands;
mod links;
mod manifests;
mod page;
mod reference;
mod shell;
mod tried;
