//! Scenarios that harm or replace what all share (the operator, the node, the gateway), or measure what a machine does: nothing
//! runs beside them. By the name of this module they come one after another, and the others run beside each other without a stop.

mod argocd;
mod experiment;
mod kills;
mod observing;
mod one_namespace;
mod partition;
mod servers;
mod tutorial;
mod upgrade;

use super::adoption::the_chart_runs;
use super::{
    RELEASE, crossfade, in_every_phase, installed, is_long, must_be_clean, must_change_hands,
    only_the_site_is_left, reader, rights,
};
