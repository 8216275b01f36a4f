//! The planning Job: a snapshot of each image, then the plan, printed for the operator to read.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::schema::{connection, credentials_mount, credentials_volume, said};
use super::{JobError, Order};
use crate::manifest::Blueprint;
use crate::manifest::pod::{self, words};

/// Where the snapshots are, in containers of the bench's images.
const WORK_DIR: &str = "/crossfade/work";
/// Where they are in the container that plans.
const PLAN_WORK_DIR: &str = "/run/crossfade/work";

pub(super) fn pod(order: &Order<'_>) -> Result<PodSpec, JobError> {
    let (site, facts) = order.site()?;
    let green = &order.green;
    let mut init = vec![pod::install(green)];
    // The first revision of a bench has nothing before it: it is planned against itself.
    let blue_file = match order.blue() {
        Ok(blue) => {
            init.push(snapshot(&blue, "snapshot-blue", "blue.json"));
            "blue.json"
        }
        Err(_) => "green.json",
    };
    init.push(snapshot(green, "snapshot-green", "green.json"));

    let mut args = words(&["plan", "--blue", &format!("{PLAN_WORK_DIR}/{blue_file}")]);
    args.extend(words(&["--green", &format!("{PLAN_WORK_DIR}/green.json"), "--site", &site.name]));
    args.extend(connection(facts));
    args.extend(
        green.release.spec.planning.accept_patches.iter().map(|line| format!("--accept-patch={line}")),
    );
    let renames = &green.release.spec.planning.renames;
    args.extend(renames.iter().map(|rename| format!("--rename={}", rename.argument())));
    args.extend(words(&["--output", "json", "--frame"]));
    let mut container = said(pod::operator_container(green, super::CONTAINER, &args));
    container.volume_mounts =
        Some(vec![pod::read_only("work", PLAN_WORK_DIR), credentials_mount(), pod::mount("tmp", "/tmp")]);

    let volumes =
        vec![pod::empty("crossfade-bin"), pod::empty("work"), pod::empty("tmp"), credentials_volume(order)];
    Ok(PodSpec { init_containers: Some(init), ..pod::spec(green, volumes, vec![container]) })
}

/// Reads an image from within: only there its apps can be seen.
fn snapshot(blueprint: &Blueprint<'_>, name: &str, file: &str) -> Container {
    let out = format!("{WORK_DIR}/{file}");
    let mut container = pod::bench_container(blueprint, name);
    container.command = Some(words(&[pod::BINARY]));
    container.args = Some(words(&["snapshot", "--bench", &blueprint.template.bench.path, "--out", &out]));
    container.volume_mounts = Some(vec![
        pod::read_only("crossfade-bin", pod::BINARY_DIR),
        pod::mount("work", WORK_DIR),
        pod::mount("tmp", "/tmp"),
    ]);
    container
}
