//! The pages: links lead somewhere, commands are commands, manifests are manifests, and the reference is what the code
//! says. A page that says something else than the code fails here, with its name and line.

#![allow(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod commands;
mod links;
mod manifests;
mod page;
mod reference;
