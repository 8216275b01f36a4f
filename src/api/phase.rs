//! The phases of a release, in their order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a release is. It is derived from what is seen in the cluster: this value is a display, not a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Both images are read and the schema change is planned.
    Planning,
    /// Blue moves onto its schema of views.
    Isolating,
    /// The tables get what green needs.
    Expanding,
    /// Green's own migrate runs beside blue.
    Migrating,
    /// Green's Pods start and answer.
    StartingGreen,
    /// Traffic moves from blue to green.
    Shifting,
    /// The scheduler is handed over; blue's queues and requests run out.
    Draining,
    /// What only blue needed is removed: the point of no return.
    Contracting,
    /// Green is the new blue.
    Complete,
    /// Traffic, metadata and tables go back to blue.
    RollingBack,
    /// Blue serves from the tables again; nothing of green is left.
    RolledBack,
}

impl Phase {
    /// The name as it stands in status, events and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planning => "Planning",
            Self::Isolating => "Isolating",
            Self::Expanding => "Expanding",
            Self::Migrating => "Migrating",
            Self::StartingGreen => "StartingGreen",
            Self::Shifting => "Shifting",
            Self::Draining => "Draining",
            Self::Contracting => "Contracting",
            Self::Complete => "Complete",
            Self::RollingBack => "RollingBack",
            Self::RolledBack => "RolledBack",
        }
    }

    /// Every phase, in order: what metrics count over.
    pub const ALL: [Self; 11] = [
        Self::Planning,
        Self::Isolating,
        Self::Expanding,
        Self::Migrating,
        Self::StartingGreen,
        Self::Shifting,
        Self::Draining,
        Self::Contracting,
        Self::Complete,
        Self::RollingBack,
        Self::RolledBack,
    ];

    /// Whether nothing is going on: a new release may begin.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Complete | Self::RolledBack)
    }
}
