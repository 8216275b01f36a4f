//! The Services of a revision: what the route leads to.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Blueprint, Component, labels};

/// Port of every Service of a revision, whatever its containers listen on.
const PORT: i32 = 80;

/// The Services of a revision: `<release>-r<number>-web`, and `-socketio` if it has one.
pub fn services(blueprint: &Blueprint<'_>) -> Vec<Service> {
    let template = blueprint.template;
    let web = template.web.proxy.as_ref().map_or(template.web.port, |proxy| proxy.port);
    let mut all = vec![service(blueprint, Component::Web, web)];
    if let Some(socketio) = &template.socketio {
        all.push(service(blueprint, Component::Socketio, socketio.port));
    }
    all
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
}
