//! Two versions of the apps in, every schema change and the steps that serve both versions out (pure).
//!
//! A [`Plan`] is data: it is shown, approved by its hash and then run by `schema`, which never builds SQL of its
//! own for a change. Nothing here opens a file, a socket or a database.

pub mod policy;
pub mod quote;

mod basis;
mod cast;
mod change;
mod customised;
mod data;
mod diff;
mod document;
mod explain;
mod frozen;
#[cfg(test)]
mod golden;
mod kind;
mod migrate_hooks;
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

pub use basis::{Basis, SiteBasis, TableBasis};
pub use cast::SQL_MODE as CAST_MODE;
pub use data::{DATA_SQL_MODE, DataAnswer, DataQuestion, Doubt, Example};
pub use diff::{Input, PlanError, Renames, data_questions, plan};
pub use document::{
    AppVersion, Change, FrozenTable, MigrateHook, Plan, Question, Remaining, SharedRows, SingleField, Verdict,
};
pub use kind::KINDS;
pub use naive::blocked_seconds;
pub use rename::RenameError;
pub use routing::{AppRequests, Routing};
pub(crate) use site::is_same_type;
pub use site::{ColumnFacts, IndexFacts, Site, TableFacts};
pub use step::{Assignment, BLUE, Column, Effect, InStep, IndexColumns, Lock, Pace, Step, Undo, Work};
