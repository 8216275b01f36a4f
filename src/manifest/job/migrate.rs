//! Green's own migrate: the framework unchanged, in green's image, on the tables.

use k8s_openapi::api::core::v1::PodSpec;

use super::schema::said;
use super::{JobError, Order};
use crate::manifest::pod::{self, env, words};

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
    let volumes = pod::bench_volumes(green);
    Ok(PodSpec {
        init_containers: Some(pod::bench_init(green)),
        ..pod::spec(green, volumes, vec![container])
    })
}
