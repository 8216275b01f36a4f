//! The relay of a release: one Pod that deletes from each colour's cache what the other invalidates (`crossfade relay`).

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::{ContainerPort, HTTPGetAction, PodSpec, PodTemplateSpec, Probe};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::job::drain::queues;
use super::pod::{self, words};
use super::{Blueprint, Component, config, labels};
use crate::api::names::{part_name, schema_name};

const PORT: u16 = 8080;
const BLUE_CONFIG_DIR: &str = "/run/crossfade/blue-config";
const GREEN_CONFIG_DIR: &str = "/run/crossfade/green-config";

/// Name of the Deployment; it belongs to green's revision.
pub fn name(release: &str, revision: u32) -> String {
    part_name(release, revision, "relay")
}

/// The relay between the caches of `blue` and `green`; `databases` are those of the sites.
pub fn deployment(green: &Blueprint<'_>, blue: &Blueprint<'_>, databases: &[&str]) -> Deployment {
    let component = Component::Relay;
    let metadata = green.metadata(name(&green.release_name(), green.revision), component);
    let identity = labels::identity(&green.release_name(), green.revision, component);
    Deployment {
        spec: Some(DeploymentSpec {
            replicas: Some(1),
            selector: LabelSelector { match_labels: Some(identity), match_expressions: None },
            // Two would relay what the other has relayed.
            strategy: Some(DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: metadata.labels.clone(), ..ObjectMeta::default() }),
                spec: Some(relay_pod(green, blue, databases)),
            },
            revision_history_limit: Some(1),
            ..DeploymentSpec::default()
        }),
        metadata,
        status: None,
    }
}

fn relay_pod(green: &Blueprint<'_>, blue: &Blueprint<'_>, databases: &[&str]) -> PodSpec {
    let file = |dir: &str| format!("{dir}/{}", config::COMMON_KEY);
    let mut args = words(&["relay", "--output", "json"]);
    args.extend(words(&["--blue-common-config", &file(BLUE_CONFIG_DIR)]));
    args.extend(words(&["--green-common-config", &file(GREEN_CONFIG_DIR)]));
    args.extend(words(&["--blue-queues", &queues(blue), "--green-queues", &queues(green)]));
    args.extend(words(&["--listen", &format!("0.0.0.0:{PORT}")]));
    for database in databases {
        let site = format!("{database}={}", schema_name(database, green.revision));
        args.extend(words(&["--site", &site]));
    }
    let mut container = pod::operator_container(green, "relay", &args);
    container.ports = Some(vec![ContainerPort {
        name: Some("http".to_owned()),
        container_port: i32::from(PORT),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }]);
    container.readiness_probe = Some(probe("/readyz", 2));
    container.liveness_probe = Some(probe("/healthz", 20));
    container.volume_mounts = Some(vec![
        pod::read_only("blue-config", BLUE_CONFIG_DIR),
        pod::read_only("green-config", GREEN_CONFIG_DIR),
        pod::mount("tmp", "/tmp"),
    ]);
    // The bench's configuration alone: the sites' passwords stay out.
    let volume = |name: &str, colour: &Blueprint<'_>| {
        let secret = config::name(&colour.release_name(), colour.revision);
        pod::secret_volume(name, &secret, &[config::COMMON_KEY])
    };
    let volumes = vec![volume("blue-config", blue), volume("green-config", green), pod::empty("tmp")];
    pod::spec(green, volumes, vec![container])
}

fn probe(path: &str, seconds: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::Int(i32::from(PORT)),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(seconds),
        timeout_seconds: Some(5),
        failure_threshold: Some(3),
        ..Probe::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

    #[test]
    fn the_relay_is_as_it_was_reviewed() {
        let release = sample::release();
        let template = release.spec.template();
        let (blue, green) =
            (sample::blueprint(&release, &template, 1), sample::blueprint(&release, &template, 2));
        insta::assert_yaml_snapshot!(deployment(&green, &blue, &["_abc", "_def"]));
    }
}
