//! Green's own migrate: the framework unchanged, in green's image, on the tables.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::schema::{PLAN_DIR, said};
use super::{JobError, Order};
use crate::manifest::pod::{self, env, words};
use crate::manifest::{Blueprint, plan_store};

/// Tries after the first: what a migrate fails of is mostly in the code, and each try may take hours.
pub(super) const BACKOFF_LIMIT: i32 = 2;

pub(super) fn pod(order: &Order<'_>) -> Result<PodSpec, JobError> {
    let (site, _) = order.site()?;
    let green = &order.green;
    let migrate = &green.release.spec.migrate;
    let default = words(&["bench", "--site", &site.name, "migrate", "--skip-search-index"]);
    let container = pod::bench_container(green, super::CONTAINER);
    let mut container = said(pod::run(container, &migrate.program, &default));
    let mut variables = container.env.take().unwrap_or_default();
    // The user's command may say $(SITE): Kubernetes puts the value in.
    variables.push(env("SITE", site.name.clone()));
    // Turns on the part of the entry that makes DDL no-wait.
    let seconds = green.release.spec.deadlines.lock_seconds.to_string();
    variables.push(env("CROSSFADE_DDL_SECONDS", seconds));
    container.env = Some(variables);
    let mut volumes = pod::bench_volumes(green);
    let stored = plan_store::name(&green.release_name(), green.revision, &site.name);
    volumes.push(pod::config_map_volume("plan", stored));
    let mut init = pod::bench_init(green);
    init.push(same_apps(green));
    Ok(PodSpec { init_containers: Some(init), ..pod::spec(green, volumes, vec![container]) })
}

/// An image may be pushed anew under its tag: what migrates has to be what was planned.
fn same_apps(green: &Blueprint<'_>) -> Container {
    let mut container = said(pod::bench_container(green, "same-apps"));
    let plan = format!("{PLAN_DIR}/{}", plan_store::KEY);
    container.command = Some(words(&[pod::BINARY]));
    container.args = Some(words(&["snapshot", "--bench", &green.template.bench.path, "--as-planned", &plan]));
    container.volume_mounts = Some(vec![
        pod::read_only("crossfade-bin", pod::BINARY_DIR),
        pod::read_only("plan", PLAN_DIR),
        pod::mount("tmp", "/tmp"),
    ]);
    container
}
