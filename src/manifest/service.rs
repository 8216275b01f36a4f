//! The Services of a revision: what the route leads to.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Blueprint, Component, labels};

/// Port of every Service of a revision, whatever its containers listen on.
const PORT: i32 = 80;

/// The Services of a revision: `<release>-r<number>-web`, and `-socketio` if it has one. That of another tool's bench
/// selects nothing before it is [`leading_to`] its Pods.
pub fn services(blueprint: &Blueprint<'_>) -> Vec<Service> {
    let template = blueprint.template;
    if let Some(adopted) = &template.adopted {
        return vec![service(blueprint, Component::Web, adopted.entry.port)];
    }
    let web = template.web.proxy.as_ref().map_or(template.web.port, |proxy| proxy.port);
    let mut all = vec![service(blueprint, Component::Web, web)];
    if let Some(socketio) = &template.socketio {
        all.push(service(blueprint, Component::Socketio, socketio.port));
    }
    all
}

/// The Service, with the labels by which another tool's Deployment finds its Pods.
pub fn leading_to(mut service: Service, labels: BTreeMap<String, String>) -> Service {
    service.spec.get_or_insert_default().selector = Some(labels);
    service
}

fn service(blueprint: &Blueprint<'_>, component: Component<'_>, target: u16) -> Service {
    Service {
        metadata: blueprint.metadata(blueprint.part(&component.label()), component),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::identity(&blueprint.release_name(), blueprint.revision, component)),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: PORT,
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::Int(i32::from(target))),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::bench::{Program, Sidecar};
    use crate::api::{Adopted, AdoptedEntry};
    use crate::manifest::sample;

    #[test]
    fn a_revision_has_a_service_for_web_and_one_for_socketio() {
        let release = sample::release();
        let template = release.spec.template();
        insta::assert_yaml_snapshot!(services(&sample::blueprint(&release, &template, 2)));
    }

    #[test]
    fn the_service_leads_to_the_proxy_where_there_is_one() {
        let release = sample::release();
        let mut template = release.spec.template();
        template.web.proxy = Some(Sidecar { program: Program::default(), port: 8080 });
        let all = services(&sample::blueprint(&release, &template, 2));
        let port = all[0].spec.as_ref().unwrap().ports.as_ref().unwrap()[0].target_port.clone();
        assert_eq!(port, Some(IntOrString::Int(8080)));
    }

    #[test]
    fn the_service_of_another_tools_bench_selects_its_pods_by_its_labels() {
        let release = sample::release();
        let mut template = release.spec.template();
        let entry = AdoptedEntry { deployment: "nginx".into(), port: 8080 };
        template.adopted = Some(Adopted { entry, web: vec![], workers: vec![], scheduler: None });
        let mut all = services(&sample::blueprint(&release, &template, 1));
        let labels = BTreeMap::from([("app".to_owned(), "nginx".to_owned())]);
        let service = leading_to(all.remove(0), labels.clone());
        let spec = service.spec.unwrap();
        assert_eq!((all.len(), spec.selector), (0, Some(labels)));
        assert_eq!(spec.ports.unwrap()[0].target_port, Some(IntOrString::Int(8080)));
    }
}
