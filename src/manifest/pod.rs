//! What all Pods of a release have in common: security, volumes, the init containers that lay out a bench.

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, EmptyDirVolumeSource, EnvVar, KeyToPath,
    LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, SeccompProfile,
    SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};

use super::{Blueprint, config};
use crate::api::bench::{Bench, Entry, Program};

/// Where the `crossfade` binary stands in containers of a bench's image.
pub(super) const BINARY: &str = "/crossfade/bin/crossfade";
/// Where Python looks for modules first.
const PYTHONPATH: &str = "PYTHONPATH";
/// Folder of the binary.
pub(super) const BINARY_DIR: &str = "/crossfade/bin";
/// Folder of the configuration Secret in containers of the bench's image.
pub(super) const CONFIG_DIR: &str = "/crossfade/config";
/// Where everything is mounted in containers of the operator's image. There `/crossfade` is the binary itself, and
/// nothing can be mounted below a file.
pub(super) const RUN_DIR: &str = "/run/crossfade";
/// The emptyDir that becomes `sites/`, in the init container that fills it.
const SITES_DIR: &str = "/crossfade/sites";
const CLAIM_DIR: &str = "/crossfade/volume";
/// Owner and group may read a mounted Secret, nobody else: the group is the Pod's `fsGroup`.
const SECRET_MODE: i32 = 0o440;

/// A Pod of a revision: everything but what it runs.
pub(super) fn spec(blueprint: &Blueprint<'_>, volumes: Vec<Volume>, containers: Vec<Container>) -> PodSpec {
    let bench = &blueprint.template.bench;
    let pull = &blueprint.release.spec.image_pull_secrets;
    PodSpec {
        containers,
        volumes: Some(volumes),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(bench.user),
            run_as_group: Some(bench.user),
            fs_group: Some(bench.user),
            // A large claim is not walked on every start.
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
        image_pull_secrets: (!pull.is_empty())
            .then(|| pull.iter().map(|secret| LocalObjectReference { name: secret.name.clone() }).collect()),
        node_selector: (!bench.node_selector.is_empty()).then(|| bench.node_selector.clone()),
        tolerations: (!bench.tolerations.is_empty()).then(|| bench.tolerations.clone()),
        affinity: bench.affinity.clone(),
        ..PodSpec::default()
    }
}

/// A container of the operator's image, run by its own entry point: its root file system stays read-only.
pub(super) fn operator_container(blueprint: &Blueprint<'_>, name: &str, args: &[String]) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(blueprint.operator_image.to_owned()),
        args: Some(args.iter().map(|arg| literal(arg)).collect()),
        security_context: Some(SecurityContext { read_only_root_filesystem: Some(true), ..confined() }),
        ..Container::default()
    }
}

/// A container of the bench's image, in the bench's folder and with its environment.
pub(super) fn bench_container(blueprint: &Blueprint<'_>, name: &str) -> Container {
    let bench = &blueprint.template.bench;
    Container {
        name: name.to_owned(),
        image: Some(blueprint.template.image.clone()),
        image_pull_policy: blueprint.release.spec.image_pull_policy.clone(),
        working_dir: Some(bench.path.clone()),
        env: Some(environment(bench)),
        volume_mounts: Some(bench_mounts(blueprint)),
        security_context: Some(confined()),
        ..Container::default()
    }
}

/// Sets what a container runs: the user's command, or the part's default, or (both empty) the image's own.
pub(super) fn run(mut container: Container, program: &Program, default: &[String]) -> Container {
    let (mut command, args) = (program.command.clone(), program.args.clone());
    if command.is_empty() && args.is_empty() {
        command = default.to_vec();
    }
    container.command = (!command.is_empty()).then_some(command);
    container.args = (!args.is_empty()).then_some(args);
    container.resources.clone_from(&program.resources);
    container
}

/// The init containers of every Pod that runs a bench: the binary is brought in, then `sites/` is laid out.
pub(super) fn bench_init(blueprint: &Blueprint<'_>) -> Vec<Container> {
    vec![install(blueprint), layout(blueprint)]
}

/// Brings what the operator writes into the configuration Secret later into `sites/`, beside the bench for its whole life.
pub(super) fn follow(blueprint: &Blueprint<'_>) -> Container {
    let (sites, config) = (format!("{RUN_DIR}/sites"), format!("{RUN_DIR}/config"));
    let mut args = words(&["follow", "--output", "json", "--sites", &sites, "--config", &config]);
    for site in &blueprint.template.sites {
        args.extend(words(&["--site", &site.name]));
    }
    let mut container = operator_container(blueprint, "follow", &args);
    container.restart_policy = Some("Always".to_owned());
    container.volume_mounts = Some(vec![mount("sites", &sites), read_only("config", &config)]);
    container
}

/// Copies the `crossfade` binary into the Pod.
pub(super) fn install(blueprint: &Blueprint<'_>) -> Container {
    let dir = format!("{RUN_DIR}/bin");
    let mut container = operator_container(blueprint, "install", &words(&["install", &dir]));
    container.volume_mounts = Some(vec![mount("crossfade-bin", &dir)]);
    container
}

fn layout(blueprint: &Blueprint<'_>) -> Container {
    let bench = &blueprint.template.bench;
    let mut args = words(&["layout", "--bench", &bench.path, "--sites", SITES_DIR, "--config", CONFIG_DIR]);
    let mut mounts = vec![
        read_only("crossfade-bin", BINARY_DIR),
        // Not yet over the image's own sites/: its apps.txt and assets are read here.
        mount("sites", SITES_DIR),
        read_only("config", CONFIG_DIR),
        mount("tmp", "/tmp"),
    ];
    if bench.sites_claim.is_some() {
        args.extend(words(&["--volume", CLAIM_DIR]));
        mounts.push(mount("claim", CLAIM_DIR));
    }
    for site in &blueprint.template.sites {
        args.extend(words(&["--site", &site.name]));
    }
    let mut container = bench_container(blueprint, "layout");
    container.command = Some(vec![BINARY.to_owned()]);
    container.args = Some(args);
    container.volume_mounts = Some(mounts);
    container
}

/// The volumes of a Pod that runs a bench.
pub(super) fn bench_volumes(blueprint: &Blueprint<'_>) -> Vec<Volume> {
    let secret = config::name(&blueprint.release_name(), blueprint.revision);
    let mut volumes = vec![
        empty("crossfade-bin"),
        empty("sites"),
        empty("tmp"),
        // A directory mount: the kubelet replaces its files while the Pod runs. A subPath file it never does.
        secret_volume("config", &secret, &[]),
    ];
    if let Some(claim) = &blueprint.template.bench.sites_claim {
        volumes.push(Volume {
            name: "claim".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: claim.clone(),
                read_only: None,
            }),
            ..Volume::default()
        });
    }
    volumes
}

fn bench_mounts(blueprint: &Blueprint<'_>) -> Vec<VolumeMount> {
    let bench = &blueprint.template.bench;
    let mut mounts = vec![
        read_only("crossfade-bin", BINARY_DIR),
        mount("sites", &format!("{}/sites", bench.path.trim_end_matches('/'))),
        mount("tmp", "/tmp"),
        read_only("config", CONFIG_DIR),
    ];
    if bench.sites_claim.is_some() {
        mounts.push(mount("claim", CLAIM_DIR));
    }
    mounts
}

/// What a container may do: nothing that needs a capability.
pub(super) fn confined() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

/// A volume of its own for the Pod's life.
pub(super) fn empty(name: &str) -> Volume {
    Volume { name: name.to_owned(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() }
}

/// A Secret as a directory; with `keys`, those alone.
pub(super) fn secret_volume(name: &str, secret: &str, keys: &[&str]) -> Volume {
    Volume {
        name: name.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            default_mode: Some(SECRET_MODE),
            items: items(keys),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// A `ConfigMap` as a directory.
pub(super) fn config_map_volume(name: &str, config_map: String) -> Volume {
    Volume {
        name: name.to_owned(),
        config_map: Some(ConfigMapVolumeSource { name: config_map, ..ConfigMapVolumeSource::default() }),
        ..Volume::default()
    }
}

fn items(keys: &[&str]) -> Option<Vec<KeyToPath>> {
    let item = |key: &&str| KeyToPath { key: (*key).to_owned(), path: (*key).to_owned(), mode: None };
    (!keys.is_empty()).then(|| keys.iter().map(item).collect())
}

/// A mount that may be written.
pub(super) fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount { name: volume.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

/// A mount that may only be read.
pub(super) fn read_only(volume: &str, path: &str) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount(volume, path) }
}

/// An environment variable.
pub(super) fn env(name: &str, value: String) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value), value_from: None }
}

/// Owned words of a command.
pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// An argument that Kubernetes hands over as it is: `$(X)` would be looked up in the environment.
fn literal(arg: &str) -> String {
    arg.replace("$(", "$$(")
}

/// The user's variables and, if the bench takes it, the entry.
fn environment(bench: &Bench) -> Vec<EnvVar> {
    let mut variables = bench.env.clone();
    match bench.entry {
        Entry::NoWait => add_entry(&mut variables),
        Entry::Plain => {}
    }
    variables
}

/// Puts the folder of the no-wait entry in front of where Python looks for modules.
fn add_entry(variables: &mut Vec<EnvVar>) {
    let entry = format!("{BINARY_DIR}/entry");
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
