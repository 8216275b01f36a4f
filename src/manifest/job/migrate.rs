//! Green's own migrate: the framework unchanged, in green's image, on the tables.

use k8s_openapi::api::core::v1::{EnvVar, PodSpec};

use super::schema::said;
use super::{JobError, Order};
use crate::api::bench::Entry;
use crate::manifest::pod::{self, env, words};

/// Tries after the first: what a migrate fails of is mostly in the code, and each try may take hours.
pub(super) const BACKOFF_LIMIT: i32 = 2;
const PYTHONPATH: &str = "PYTHONPATH";

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
    match migrate.entry {
        Entry::NoWait => {
            let seconds = green.release.spec.deadlines.lock_seconds.to_string();
            variables.push(env("CROSSFADE_DDL_SECONDS", seconds));
            add_entry(&mut variables);
        }
        Entry::Plain => {}
    }
    container.env = Some(variables);
    let volumes = pod::bench_volumes(green);
    Ok(PodSpec {
        init_containers: Some(pod::bench_init(green)),
        ..pod::spec(green, volumes, vec![container])
    })
}

/// Puts the folder of the no-wait entry in front of where Python looks for modules.
fn add_entry(variables: &mut Vec<EnvVar>) {
    let entry = format!("{}/entry", pod::BINARY_DIR);
    let own = variables.iter_mut().find(|variable| variable.name == PYTHONPATH);
    match own {
        Some(EnvVar { value: Some(path), .. }) => *path = format!("{entry}:{path}"),
        Some(_) | None => variables.push(env(PYTHONPATH, entry)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_goes_before_a_path_that_the_bench_has() {
        let mut variables = vec![env(PYTHONPATH, "/opt/more".into())];
        add_entry(&mut variables);
        assert_eq!(variables, [env(PYTHONPATH, "/crossfade/bin/entry:/opt/more".into())]);
    }
}
