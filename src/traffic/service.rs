//! The provider `Service`: the selector of a Service chooses the colour, for clusters without a Gateway.
//!
//! `<release>-web` and `<release>-socketio` are what an Ingress, a load balancer or a route of the user's own leads to.
//! They select the Pods of one revision: the whole site moves at once.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::ObjectMeta;
use kube::{Resource, ResourceExt};

use super::{Wanted, is_as_written, is_whole, split_of};
use crate::api::names::{
    ANNOTATION_SPLIT, LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_RELEASE, LABEL_REVISION, MANAGED_BY,
};
use crate::api::traffic::REST;
use crate::release::{RouteSeen, Split};

/// Component label of the Services of this provider.
pub const COMPONENT: &str = "entry";
/// Port of the Services.
const PORT: i32 = 80;
const WEB: &str = "web";
const SOCKETIO: &str = "socketio";

/// The Services of a split: they select the revision that has the whole weight.
pub fn services(wanted: &Wanted<'_>) -> Vec<Service> {
    let revision = serving(wanted.split);
    let has_socketio = wanted.with_socketio.contains(&revision);
    let web = service(wanted, WEB, WEB, revision);
    // Without a socket.io server of its own the web server answers for itself.
    let socketio = service(wanted, SOCKETIO, if has_socketio { SOCKETIO } else { WEB }, revision);
    if wanted.with_socketio.is_empty() { vec![web] } else { vec![web, socketio] }
}

/// The revision that has the traffic: green as soon as its weight is 100.
fn serving(split: &Split) -> u32 {
    match split.blue {
        Some(blue) if split.of(REST) < 100 => blue,
        Some(_) | None => split.green,
    }
}

fn service(wanted: &Wanted<'_>, part: &str, component: &str, revision: u32) -> Service {
    let release = wanted.release;
    let name = release.name_any();
    let labels = BTreeMap::from([
        (LABEL_RELEASE.to_owned(), name.clone()),
        (LABEL_COMPONENT.to_owned(), COMPONENT.to_owned()),
        (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
    ]);
    let selector = BTreeMap::from([
        (LABEL_RELEASE.to_owned(), name.clone()),
        (LABEL_REVISION.to_owned(), revision.to_string()),
        (LABEL_COMPONENT.to_owned(), component.to_owned()),
    ]);
    Service {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{part}")),
            namespace: release.namespace(),
            labels: Some(labels),
            annotations: serde_json::to_string(wanted.split)
                .ok()
                .map(|split| BTreeMap::from([(ANNOTATION_SPLIT.to_owned(), split)])),
            owner_references: release.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(selector),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: PORT,
                protocol: Some("TCP".to_owned()),
                // By name: the next revision may have a proxy before its server, or another number.
                target_port: Some(IntOrString::String(component.to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// What the Services that are there say. There is nobody who accepts: what is written is in force, and the Pods that it
/// selects were ready before.
pub fn seen(there: &[Service], wanted: impl Fn(&Split) -> Vec<Service>) -> RouteSeen {
    let split = there.iter().find(|service| service.name_any().ends_with("-web")).and_then(split_of);
    let is_same = |there: &Service, wanted: &Service| {
        is_as_written(&there.spec, &wanted.spec) && selector(there) == selector(wanted)
    };
    let is_whole = is_whole(there, split.as_ref(), wanted, is_same);
    RouteSeen { split, is_whole, is_accepted: true, message: String::new() }
}

fn selector(service: &Service) -> Option<&BTreeMap<String, String>> {
    service.spec.as_ref()?.selector.as_ref()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::plan::Routing;
    use crate::traffic::simulated::release;

    fn made(split: &Split, with_socketio: &[u32]) -> Vec<Service> {
        let with_socketio: BTreeSet<u32> = with_socketio.iter().copied().collect();
        let release = release("");
        services(&Wanted {
            release: &release,
            split,
            routing: &Routing::default(),
            with_socketio: &with_socketio,
        })
    }

    fn at(weight: u8) -> Split {
        Split { blue: Some(1), green: 2, apps: BTreeMap::from([(REST.to_owned(), weight)]) }
    }

    fn revisions(services: &[Service]) -> Vec<String> {
        services.iter().map(|s| s.spec.clone().unwrap().selector.unwrap()[LABEL_REVISION].clone()).collect()
    }

    #[test]
    fn the_whole_site_moves_with_the_last_weight() {
        assert_eq!(revisions(&made(&at(0), &[1, 2])), ["1", "1"]);
        assert_eq!(revisions(&made(&at(100), &[1, 2])), ["2", "2"]);
        assert_eq!(revisions(&made(&Split::only(2), &[])), ["2"]);
    }

    #[test]
    fn a_selector_that_somebody_changed_is_seen() {
        let mut there = made(&at(0), &[]);
        // What the API server fills in does not count.
        there[0].spec.as_mut().unwrap().cluster_ip = Some("10.0.0.1".into());
        let look = |there: &[Service]| seen(there, |split| made(split, &[]));
        assert_eq!((look(&there).split, look(&there).is_whole), (Some(at(0)), true));
        there[0].spec.as_mut().unwrap().selector.as_mut().unwrap().insert("x".into(), "y".into());
        assert!(!look(&there).is_whole, "a label more selects fewer Pods");
        there = made(&at(0), &[]);
        there[0].spec.as_mut().unwrap().selector.as_mut().unwrap().insert(LABEL_REVISION.into(), "7".into());
        assert!(!look(&there).is_whole);
    }
}
