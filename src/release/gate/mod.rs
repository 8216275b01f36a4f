//! What can hold a release or take it back while it goes on: analyses and webhooks (pure).
//!
//! A decision asks for a measurement or a call ([`Action::Measure`], [`Action::Call`]); the operator takes it in the
//! background, folds the result into the [`Run`] or [`Calls`] by the functions of this folder, and writes that into a
//! `ConfigMap` of green's revision. The next decision reads it there ([`Gates`]): an operator that is killed goes on
//! where it was, and calls at most once more than it has to.
//!
//! | file | what |
//! |---|---|
//! | `run`, `verdict` | the measurements of one analysis, and what they mean for the release |
//! | `comparison`, `counters` | what one value means |
//! | `calls` | the calls of one webhook |
//! | `kept` | all of that as it is stored |
//! | `analysis`, `hooks` | runs and calls of a release that is going on |
//! | `around` | which phase they hold, and where |
//! | `template` | the text of a webhook in the user's own words |
//! | `told` | status and events |
//!
//! [`Action::Measure`]: super::Action::Measure
//! [`Action::Call`]: super::Action::Call

mod analysis;
mod around;
mod calls;
mod comparison;
mod counters;
mod hooks;
mod kept;
mod names;
mod run;
mod template;
mod told;
mod verdict;

pub use calls::{Answer, Calls, pause};
pub use counters::{Counters, Sample};
pub use kept::Gates;
pub use names::{Names, Question};
pub use run::{Measurement, Outcome as MeasurementOutcome, Reading, Run, Value};

pub(super) use analysis::inline;
pub(super) use around::{beside, completing, contracting, finishing, planning, shifting};
pub(super) use hooks::{of_event, pending, wrong_template};
pub(super) use told::{events, statuses};
