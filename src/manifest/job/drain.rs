//! The draining Jobs: wait until the queues of one colour are empty.

use k8s_openapi::api::core::v1::PodSpec;

use super::Order;
use super::schema::said;
use crate::manifest::pod::{self, words};
use crate::manifest::{Blueprint, config};

/// The queues of Frappe itself: watched where the spec names no worker, so that jobs that nobody runs are seen.
const FRAPPE_QUEUES: [&str; 3] = ["short", "default", "long"];

/// Waits for the queues of `colour` (blue, or green before a rollback).
pub(super) fn pod(order: &Order<'_>, colour: &Blueprint<'_>) -> PodSpec {
    let dir = format!("{}/config", pod::RUN_DIR);
    let common = format!("{dir}/{}", config::COMMON_KEY);
    let wait = order.green.release.spec.deadlines.drain_seconds.to_string();
    let args = words(&[
        "drain",
        "--output",
        "json",
        "--common-config",
        &common,
        "--queues",
        &queues(colour),
        "--wait",
        &wait,
    ]);
    let mut container = said(pod::operator_container(&order.green, super::CONTAINER, &args));
    container.volume_mounts = Some(vec![pod::read_only("config", &dir), pod::mount("tmp", "/tmp")]);
    let secret = config::name(&colour.release_name(), colour.revision);
    let volumes = vec![pod::secret_volume("config", &secret, &[config::COMMON_KEY]), pod::empty("tmp")];
    pod::spec(&order.green, volumes, vec![container])
}

pub(in crate::manifest) fn queues(colour: &Blueprint<'_>) -> String {
    let mut all: Vec<&str> = Vec::new();
    for queue in colour.template.workers.iter().flat_map(|worker| &worker.queues) {
        if !all.contains(&queue.as_str()) {
            all.push(queue);
        }
    }
    if all.is_empty() {
        all.extend(FRAPPE_QUEUES);
    }
    all.join(",")
}
