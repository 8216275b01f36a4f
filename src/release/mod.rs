//! The state machine of a release: what is seen of the cluster in, what to do next out (pure).
//!
//! [`decide`] looks at an [`Observed`] and the clock it is given, finds the phase of the release and lets that
//! phase say what to do ([`Action`]) and what it waits for. Nothing is remembered between two calls: what must
//! outlive the operator stands in the [`Record`] of the revision, and the rest is in the objects themselves. So the
//! status can be deleted and the operator killed at any moment.
//!
//! One file a phase in `phase/`; none of them has a client or a clock.

mod action;
#[cfg(test)]
mod adoption_tests;
mod audit;
#[cfg(test)]
mod audit_tests;
mod bridge;
mod decide;
#[cfg(test)]
mod fixtures;
pub mod gate;
#[cfg(test)]
mod gate_tests;
pub mod history;
mod leave;
#[cfg(test)]
mod newer_tests;
mod observed;
mod phase;
pub mod saying;
mod shift;
mod split;
mod status;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub use action::{Action, JobStep, Placement, Running};
pub use decide::{Decision, Event, decide, told};
pub use observed::{
    AnalysisJobSeen, AppStep, BridgeSeen, JobSeen, JobState, Observed, PlanSeen, PodSeen, Progress, Record,
    RecordState, Revision, RouteSeen, SiteFacts, Workload,
};
pub use phase::components;
pub use split::Split;
pub use status::{ReleasePlan, plan_of};

#[cfg(test)]
pub(crate) use fixtures::{all as fixtures, golden};
