//! Two versions of the apps in, every schema change and the steps that serve both versions out (pure).
//!
//! A [`Plan`] is data: it is shown, approved by its hash and then run by `schema`, which never builds SQL of its
//! own for a change. Nothing here opens a file, a socket or a database.

pub mod policy;
pub mod quote;

mod cast;
mod change;
mod diff;
mod document;
mod frozen;
#[cfg(test)]
mod golden;
mod kind;
mod naive;
mod operation;
mod patches;
#[cfg(test)]
mod properties;
mod remaining;
mod rename;
mod rename_question;
mod routing;
mod singles;
mod site;
mod step;
mod steps;

pub use cast::SQL_MODE as CAST_MODE;
pub use diff::{Input, PlanError, Renames, plan};
pub use document::{AppVersion, Change, FrozenTable, Plan, Question, Remaining, SingleField, Verdict};
pub use kind::KINDS;
pub use rename::RenameError;
pub use routing::{AppRequests, Routing};
pub use site::{IndexFacts, Site, TableFacts};
pub use step::{BLUE, Column, Effect, InStep, IndexColumns, Lock, Pace, Step, Undo, Work};
