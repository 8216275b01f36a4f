//! The Deployments of a revision: web, socketio, workers, scheduler.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, EnvVarSource, ExecAction, Lifecycle, LifecycleHandler,
    ObjectFieldSelector, PodSpec, PodTemplateSpec, Probe, SleepAction, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::pod::{self, words};
use super::{Blueprint, Component, config, labels};
use crate::api::bench::{Program, Socketio, Worker};
use crate::release::Running;

/// Where socket.io answers.
const SOCKETIO_PATH: &str = "/socket.io/?EIO=4&transport=polling";
/// Seconds that the scheduler may take to end.
const SCHEDULER_GRACE_SECONDS: i64 = 60;
/// Variable with the Pod's name, by which a scheduler is known among those of the release.
const POD_NAME: &str = "CROSSFADE_POD";

/// All Deployments of a revision, scaled as told; none where another tool runs the bench.
pub fn deployments(blueprint: &Blueprint<'_>, running: Running) -> Vec<Deployment> {
    let template = blueprint.template;
    if template.adopted.is_some() {
        return Vec::new();
    }
    let mut all = vec![web(blueprint, scaled(running.web, template.web.replicas))];
    if let Some(part) = &template.socketio {
        all.push(socketio(blueprint, part, scaled(running.web, 1)));
    }
    for part in &template.workers {
        all.push(worker(blueprint, part, scaled(running.workers, part.replicas)));
    }
    if let Some(part) = &template.scheduler {
        all.push(scheduler(blueprint, part, scaled(running.scheduler, 1)));
    }
    all
}

const fn scaled(is_running: bool, replicas: i32) -> i32 {
    if is_running { replicas } else { 0 }
}

fn web(blueprint: &Blueprint<'_>, replicas: i32) -> Deployment {
    let web = &blueprint.template.web;
    let mut server = pod::run(pod::bench_container(blueprint, "web"), &web.program, &[]);
    // "web" is the port that requests come to, with and without a proxy: the Service of a release selects Pods of either kind.
    server.ports = Some(vec![port(if web.proxy.is_some() { "server" } else { "web" }, web.port)]);
    server.liveness_probe = Some(tcp(web.port));
    server.lifecycle = Some(lifecycle(blueprint, web.port, &web.startup_path));
    let mut containers = vec![server];
    if let Some(proxy) = &web.proxy {
        let mut beside = pod::run(pod::bench_container(blueprint, "proxy"), &proxy.program, &[]);
        beside.ports = Some(vec![port("web", proxy.port)]);
        beside.liveness_probe = Some(tcp(proxy.port));
        beside.lifecycle = Some(lifecycle(blueprint, proxy.port, &web.startup_path));
        containers.push(beside);
    }
    let grace = i64::from(web.drain_seconds) + i64::from(web.grace_seconds);
    deployment(blueprint, Component::Web, replicas, bench_pod(blueprint, containers, grace))
}

fn socketio(blueprint: &Blueprint<'_>, part: &Socketio, replicas: i32) -> Deployment {
    let script = format!("{}/apps/frappe/socketio.js", blueprint.template.bench.path.trim_end_matches('/'));
    let container = pod::bench_container(blueprint, "socketio");
    let mut container = pod::run(container, &part.program, &words(&["node", &script]));
    container.ports = Some(vec![port("socketio", part.port)]);
    let web = &blueprint.template.web;
    container.liveness_probe = Some(tcp(part.port));
    container.lifecycle = Some(lifecycle(blueprint, part.port, SOCKETIO_PATH));
    let grace = i64::from(web.drain_seconds) + i64::from(web.grace_seconds);
    let pod = ends_when_told(bench_pod(blueprint, vec![container], grace));
    deployment(blueprint, Component::Socketio, replicas, pod)
}

fn worker(blueprint: &Blueprint<'_>, part: &Worker, replicas: i32) -> Deployment {
    let container = pod::bench_container(blueprint, "worker");
    let default = words(&["bench", "worker", "--queue", &part.queues.join(",")]);
    let container = pod::run(container, &part.program, &default);
    let spec = bench_pod(blueprint, vec![container], i64::from(part.grace_seconds));
    deployment(blueprint, Component::Worker(&part.name), replicas, spec)
}

fn scheduler(blueprint: &Blueprint<'_>, part: &Program, replicas: i32) -> Deployment {
    let container = pod::bench_container(blueprint, "scheduler");
    let mut container = pod::run(container, part, &words(&["bench", "schedule"]));
    // The Pods of both colours are there while the scheduler changes hands: one of them has the turn.
    let scheduler = [container.command.take(), container.args.take()].into_iter().flatten().flatten();
    let namespace = blueprint.release.metadata.namespace.as_deref().unwrap_or_default();
    let release = format!("{namespace}/{}", blueprint.release_name());
    let common = format!("{}/{}", pod::CONFIG_DIR, config::COMMON_KEY);
    let holder = format!("$({POD_NAME})");
    let own = ["schedule", "--common-config", &common, "--release", &release, "--holder", &holder, "--"];
    container.command = Some(vec![pod::BINARY.to_owned()]);
    container.args = Some(words(&own).into_iter().chain(scheduler).collect());
    container.env.get_or_insert_default().push(EnvVar {
        name: POD_NAME.to_owned(),
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: "metadata.name".to_owned(),
                api_version: None,
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    });
    let spec = ends_when_told(bench_pod(blueprint, vec![container], SCHEDULER_GRACE_SECONDS));
    let mut deployment = deployment(blueprint, Component::Scheduler, replicas, spec);
    if let Some(spec) = &mut deployment.spec {
        // The old Pod has the turn until it ends: a new one beside it would only wait.
        spec.strategy = Some(DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None });
    }
    deployment
}

fn deployment(
    blueprint: &Blueprint<'_>,
    component: Component<'_>,
    replicas: i32,
    pod: PodSpec,
) -> Deployment {
    let identity = labels::identity(&blueprint.release_name(), blueprint.revision, component);
    let metadata = blueprint.metadata(blueprint.part(&component.label()), component);
    Deployment {
        spec: Some(DeploymentSpec {
            replicas: Some(replicas),
            selector: LabelSelector { match_labels: Some(identity), match_expressions: None },
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_unavailable: Some(IntOrString::Int(0)),
                    max_surge: Some(IntOrString::Int(1)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: metadata.labels.clone(), ..ObjectMeta::default() }),
                spec: Some(pod),
            },
            // A revision's Pods never change, so there is no older state to keep.
            revision_history_limit: Some(1),
            ..DeploymentSpec::default()
        }),
        metadata,
        status: None,
    }
}

fn bench_pod(blueprint: &Blueprint<'_>, containers: Vec<Container>, grace: i64) -> PodSpec {
    let mut init = pod::bench_init(blueprint);
    init.push(pod::follow(blueprint));
    PodSpec {
        init_containers: Some(init),
        termination_grace_period_seconds: Some(grace),
        ..pod::spec(blueprint, pod::bench_volumes(blueprint), containers)
    }
}

/// Frappe's scheduler and socket.io server have no handler of SIGTERM, and the first process of a namespace ignores a
/// signal that it does not handle: each would outlive the order to stop until the grace is over. Here another process
/// is the first. Not for web Pods: the start script of an image may be the one that gets the signal, and its server
/// would be cut off in the middle of a request.
fn ends_when_told(pod: PodSpec) -> PodSpec {
    PodSpec { share_process_namespace: Some(true), ..pod }
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(number),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

/// Counts as running when it has answered a request that reads a DocType, and goes on serving after the order to
/// stop until every gateway has seen the Pod go.
///
/// The first is a hook and not a readiness (or startup) probe on purpose: a kubelet that restarts sets every Pod with
/// such a probe to "not ready" until the probe has run again (kubernetes/kubernetes#100277), all Pods of its node at
/// once, and requests fail. A container without one stays ready, and one that has ended is not.
fn lifecycle(blueprint: &Blueprint<'_>, port: u16, path: &str) -> Lifecycle {
    let url = format!("http://127.0.0.1:{port}{path}");
    let wait = blueprint.release.spec.deadlines.ready_seconds.to_string();
    let probe =
        words(&[pod::BINARY, "probe", "--url", &url, "--site", first_site(blueprint), "--wait", &wait]);
    let seconds = blueprint.template.web.drain_seconds;
    let stop = LifecycleHandler {
        sleep: Some(SleepAction { seconds: i64::from(seconds) }),
        ..LifecycleHandler::default()
    };
    Lifecycle {
        post_start: Some(LifecycleHandler {
            exec: Some(ExecAction { command: Some(probe) }),
            ..LifecycleHandler::default()
        }),
        pre_stop: (seconds > 0).then_some(stop),
        ..Lifecycle::default()
    }
}

/// Gentle: a bench under load answers late, and a restart would lose its requests.
fn tcp(port: u16) -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction { port: IntOrString::Int(i32::from(port)), host: None }),
        period_seconds: Some(20),
        timeout_seconds: Some(5),
        failure_threshold: Some(6),
        ..Probe::default()
    }
}

fn first_site<'a>(blueprint: &Blueprint<'a>) -> &'a str {
    blueprint.template.sites.first().map_or("localhost", |site| site.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Template;
    use crate::api::bench::Sidecar;
    use crate::manifest::sample;

    #[test]
    fn every_part_of_a_revision_is_as_it_was_reviewed() {
        let release = sample::release();
        let template = release.spec.template();
        let all = deployments(&sample::blueprint(&release, &template, 2), Running::WITHOUT_SCHEDULER);
        for deployment in all {
            insta::assert_yaml_snapshot!(deployment.metadata.name.clone().unwrap(), deployment);
        }
    }

    #[test]
    fn what_is_not_running_has_no_pods_but_is_there() {
        let release = sample::release();
        let template = release.spec.template();
        let replicas = |running| -> Vec<i32> {
            let all = deployments(&sample::blueprint(&release, &template, 1), running);
            all.into_iter().map(|d| d.spec.unwrap().replicas.unwrap()).collect()
        };
        assert_eq!(replicas(Running::ALL), [2, 1, 1, 1, 1]);
        assert_eq!(replicas(Running::WORKERS), [0, 0, 1, 1, 0]);
        assert_eq!(replicas(Running::NONE), [0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_proxy_beside_the_server_drains_as_long_as_it() {
        let release = sample::release();
        let mut template = release.spec.template();
        let program = Program { command: words(&["nginx-entrypoint.sh"]), ..Program::default() };
        template.web.proxy = Some(Sidecar { program, port: 8080 });
        let all = deployments(&sample::blueprint(&release, &template, 1), Running::ALL);
        let containers = all[0].spec.as_ref().unwrap().template.spec.as_ref().unwrap().containers.clone();
        assert_eq!(containers.len(), 2);
        assert_eq!(containers[1].command.as_deref(), Some(&words(&["nginx-entrypoint.sh"])[..]));
        let stop = |index: usize| containers[index].lifecycle.as_ref().unwrap().pre_stop.clone();
        assert_eq!(stop(0), stop(1));
    }

    #[test]
    fn requests_come_to_the_port_web_with_and_without_a_proxy() {
        let release = sample::release();
        let mut template = release.spec.template();
        let number = |template: &Template| {
            let all = deployments(&sample::blueprint(&release, template, 1), Running::ALL);
            let containers = all[0].spec.as_ref().unwrap().template.spec.as_ref().unwrap().containers.clone();
            let ports = containers.into_iter().flat_map(|container| container.ports.unwrap_or_default());
            let named: Vec<i32> = ports
                .filter(|port| port.name.as_deref() == Some("web"))
                .map(|port| port.container_port)
                .collect();
            named
        };
        assert_eq!(number(&template), [i32::from(template.web.port)]);
        template.web.proxy = Some(Sidecar { program: Program::default(), port: 8080 });
        assert_eq!(number(&template), [8080]);
    }

    #[test]
    fn no_part_of_the_pods_depends_on_the_configuration_or_on_the_scale() {
        let release = sample::release();
        let template = release.spec.template();
        let pods = |running| -> Vec<_> {
            let all = deployments(&sample::blueprint(&release, &template, 1), running);
            all.into_iter().map(|d| d.spec.unwrap().template).collect()
        };
        assert_eq!(pods(Running::ALL), pods(Running::NONE));
    }
}
