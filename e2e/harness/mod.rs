//! What every scenario and the demo need: the cluster, the operator, a bench on it, and users who check what they see.
#![allow(dead_code, unreachable_pub, reason = "the scenarios and the demo each use a part of it as a module")]

pub mod argocd;
pub mod beats;
pub mod bench;
pub mod cgroup;
pub mod cluster;
pub mod dashboard;
pub mod figures;
pub mod forward;
pub mod gateway;
pub mod git;
pub mod jars;
pub mod load;
mod objects;
pub mod operator;
pub mod outage;
pub mod prometheus;
pub mod socket;
pub mod traces;
pub mod turn;

/// What goes wrong on the way, in words.
pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
