//! The provider `GatewayAPI`: one `HTTPRoute` with a weight for each revision.
//!
//! Every field that the API server would fill in is written out (group, kind, weight, type of path), so that
//! server-side apply and GitOps tools see no drift.

use std::collections::{BTreeMap, BTreeSet};

use gateway_api::httproutes::{
    HttpRoute, HttpRouteParentRefs, HttpRouteRules, HttpRouteRulesBackendRefs, HttpRouteRulesMatches,
    HttpRouteRulesMatchesPath, HttpRouteRulesMatchesPathType, HttpRouteSpec, HttpRouteStatusParents,
};
use kube::core::ObjectMeta;
use kube::{Resource, ResourceExt};

use crate::api::FrappeRelease;
use crate::api::names::{LABEL_MANAGED_BY, LABEL_RELEASE, MANAGED_BY, part_name};
use crate::api::traffic::GatewayRef;
use crate::release::RouteSeen;

const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
/// Port of the Services of a revision.
const SERVICE_PORT: i32 = 80;
const WEB: &str = "web";
const SOCKETIO: &str = "socketio";

/// The route of a release with these weights by revision; `with_socketio` are the revisions that have a socket.io
/// server.
pub fn route(
    release: &FrappeRelease,
    weights: &BTreeMap<u32, u8>,
    with_socketio: &BTreeSet<u32>,
) -> HttpRoute {
    let name = release.name_any();
    let backends = |part: &str, weights: &BTreeMap<u32, u8>| -> Vec<HttpRouteRulesBackendRefs> {
        weights.iter().map(|(revision, weight)| backend(part_name(&name, *revision, part), *weight)).collect()
    };
    let mut rules = Vec::new();
    let sockets: BTreeMap<u32, u8> = weights
        .iter()
        .filter(|(revision, _)| with_socketio.contains(revision))
        .map(|(r, w)| (*r, *w))
        .collect();
    // A rule whose weights are all 0 answers 500: without it the web server answers for itself.
    if sockets.values().any(|weight| *weight > 0) {
        rules.push(rule("/socket.io", backends(SOCKETIO, &sockets)));
    }
    rules.push(rule("/", backends(WEB, weights)));
    HttpRoute {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: release.namespace(),
            labels: Some(BTreeMap::from([
                (LABEL_RELEASE.to_owned(), name),
                (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
            ])),
            owner_references: release.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: HttpRouteSpec {
            hostnames: Some(hostnames(release)),
            parent_refs: Some(release.spec.traffic.gateways.iter().map(parent).collect()),
            rules: Some(rules),
        },
        status: None,
    }
}

/// The hostnames of all sites, each once.
fn hostnames(release: &FrappeRelease) -> Vec<String> {
    let mut all = Vec::new();
    for host in release.spec.sites.iter().flat_map(crate::api::site::Site::hosts) {
        if !all.contains(&host) {
            all.push(host);
        }
    }
    all
}

fn parent(gateway: &GatewayRef) -> HttpRouteParentRefs {
    HttpRouteParentRefs {
        group: Some(GATEWAY_GROUP.to_owned()),
        kind: Some("Gateway".to_owned()),
        name: gateway.name.clone(),
        namespace: gateway.namespace.clone(),
        port: None,
        section_name: gateway.section_name.clone(),
    }
}

fn rule(path: &str, backends: Vec<HttpRouteRulesBackendRefs>) -> HttpRouteRules {
    HttpRouteRules {
        matches: Some(vec![HttpRouteRulesMatches {
            path: Some(HttpRouteRulesMatchesPath {
                r#type: Some(HttpRouteRulesMatchesPathType::PathPrefix),
                value: Some(path.to_owned()),
            }),
            ..HttpRouteRulesMatches::default()
        }]),
        backend_refs: Some(backends),
        ..HttpRouteRules::default()
    }
}

fn backend(service: String, weight: u8) -> HttpRouteRulesBackendRefs {
    HttpRouteRulesBackendRefs {
        group: Some(String::new()),
        kind: Some("Service".to_owned()),
        name: service,
        port: Some(SERVICE_PORT),
        weight: Some(i32::from(weight)),
        ..HttpRouteRulesBackendRefs::default()
    }
}

/// What a route says: its weights, and whether every Gateway of it has accepted exactly this generation.
pub fn seen(release: &str, route: &HttpRoute) -> RouteSeen {
    let refusal = refusal(route);
    RouteSeen {
        weights: weights(release, route),
        is_accepted: refusal.is_none(),
        message: refusal.unwrap_or_default(),
    }
}

/// The weights of the rule that takes the web traffic, by revision.
fn weights(release: &str, route: &HttpRoute) -> BTreeMap<u32, u8> {
    let rules = route.spec.rules.iter().flatten();
    let backends = rules.flat_map(|rule| rule.backend_refs.iter().flatten());
    backends
        .filter_map(|backend| {
            let revision = revision_of(release, &backend.name)?;
            // Kubernetes' own default of a weight is 1.
            Some((revision, u8::try_from(backend.weight.unwrap_or(1)).ok()?))
        })
        .collect()
}

/// The revision of a web Service's name, `<release>-r<number>-web`.
fn revision_of(release: &str, service: &str) -> Option<u32> {
    service.strip_prefix(release)?.strip_prefix("-r")?.strip_suffix(WEB)?.strip_suffix('-')?.parse().ok()
}

/// Why the route is not in force as it stands, or `None` if it is.
fn refusal(route: &HttpRoute) -> Option<String> {
    let parents = route.spec.parent_refs.as_deref().unwrap_or_default();
    if parents.is_empty() {
        return Some("the route names no Gateway".to_owned());
    }
    let reported = route.status.as_ref().map(|status| status.parents.as_slice()).unwrap_or_default();
    let namespace = route.metadata.namespace.as_deref();
    parents.iter().find_map(|parent| {
        let of_parent: Vec<_> =
            reported.iter().filter(|status| is_about(status, parent, namespace)).collect();
        if of_parent.is_empty() {
            return Some(format!("Gateway '{}' has not answered for the route yet", parent.name));
        }
        of_parent.iter().find_map(|status| unaccepted(status, &parent.name, route.metadata.generation))
    })
}

fn is_about(status: &HttpRouteStatusParents, parent: &HttpRouteParentRefs, own: Option<&str>) -> bool {
    let told = &status.parent_ref;
    told.name == parent.name
        && told.namespace.as_deref().or(own) == parent.namespace.as_deref().or(own)
        && told.section_name == parent.section_name
        && told.port == parent.port
}

fn unaccepted(status: &HttpRouteStatusParents, gateway: &str, generation: Option<i64>) -> Option<String> {
    ["Accepted", "ResolvedRefs"].into_iter().find_map(|kind| {
        let Some(condition) = status.conditions.iter().find(|condition| condition.type_ == kind) else {
            return Some(format!("Gateway '{gateway}' has not said {kind} for the route yet"));
        };
        if condition.observed_generation != generation {
            return Some(format!("Gateway '{gateway}' has not seen the last change of the route yet"));
        }
        (condition.status != "True")
            .then(|| format!("Gateway '{gateway}': {kind} is {}: {}", condition.status, condition.message))
    })
}

#[cfg(test)]
mod tests {
    use gateway_api::httproutes::{HttpRouteStatus, HttpRouteStatusParentsParentRef};
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::*;

    const RELEASE: &str = "
apiVersion: crossfade.dev/v1alpha1
kind: FrappeRelease
metadata: {name: erp, namespace: shop, uid: 5f9c1f5e-0000-4000-8000-000000000001}
spec:
  image: registry.example.com/erp:v2
  sites:
    - {name: erp.example.com, configSecret: {name: s, key: k}, hostnames: [erp.example.com, www.example.com]}
    - {name: two.example.com, configSecret: {name: s, key: k}}
  bench: {commonConfigSecret: {name: c, key: k}}
  database: {adminSecret: {name: admin}}
  web: {}
  traffic:
    gateways: [{name: public, namespace: gateways}, {name: private}]
";

    fn release() -> FrappeRelease {
        serde_yaml::from_str(RELEASE).unwrap()
    }

    fn made(weights: [(u32, u8); 2], with_socketio: &[u32]) -> HttpRoute {
        route(&release(), &weights.into(), &with_socketio.iter().copied().collect())
    }

    fn condition(kind: &str, status: &str, generation: i64) -> Condition {
        Condition {
            type_: kind.into(),
            status: status.into(),
            reason: "R".into(),
            message: "the reason".into(),
            observed_generation: Some(generation),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }
    }

    /// The route at generation 5, as both Gateways answered it.
    fn answered(answer: impl Fn(&str) -> Vec<Condition>) -> HttpRoute {
        let mut route = made([(1, 90), (2, 10)], &[]);
        route.metadata.generation = Some(5);
        let parents = route.spec.parent_refs.clone().unwrap();
        let status = |parent: HttpRouteParentRefs| HttpRouteStatusParents {
            conditions: answer(&parent.name),
            controller_name: "example.com/gateway".into(),
            parent_ref: HttpRouteStatusParentsParentRef {
                name: parent.name,
                namespace: Some(parent.namespace.unwrap_or("shop".into())),
                ..HttpRouteStatusParentsParentRef::default()
            },
        };
        route.status = Some(HttpRouteStatus { parents: parents.into_iter().map(status).collect() });
        route
    }

    fn fine() -> Vec<Condition> {
        vec![condition("Accepted", "True", 5), condition("ResolvedRefs", "True", 5)]
    }

    #[test]
    fn the_route_is_as_it_was_reviewed() {
        insta::assert_yaml_snapshot!(made([(1, 90), (2, 10)], &[1, 2]));
    }

    #[test]
    fn weights_are_read_back_as_they_were_written() {
        let seen = seen("erp", &made([(1, 90), (12, 10)], &[1, 12]));
        assert_eq!(seen.weights, BTreeMap::from([(1, 90), (12, 10)]));
    }

    #[test]
    fn socketio_of_one_colour_alone_never_leaves_a_rule_without_weight() {
        let rules = |weights| made(weights, &[1]).spec.rules.unwrap().len();
        assert_eq!(rules([(1, 90), (2, 10)]), 2);
        assert_eq!(rules([(1, 0), (2, 100)]), 1);
    }

    #[test]
    fn a_route_is_in_force_when_every_gateway_accepted_this_generation() {
        assert!(seen("erp", &answered(|_| fine())).is_accepted);
    }

    #[test]
    fn an_answer_to_an_older_generation_does_not_count() {
        let old = |_: &str| vec![condition("Accepted", "True", 4), condition("ResolvedRefs", "True", 4)];
        let seen = seen("erp", &answered(old));
        assert!(!seen.is_accepted && seen.message.contains("'public'"), "{}", seen.message);
    }

    #[test]
    fn one_gateway_that_refuses_or_is_silent_holds_the_route() {
        let refuse = |name: &str| match name {
            "private" => vec![condition("Accepted", "True", 5), condition("ResolvedRefs", "False", 5)],
            _ => fine(),
        };
        let refused = seen("erp", &answered(refuse));
        assert_eq!(
            (refused.is_accepted, refused.message.as_str()),
            (false, "Gateway 'private': ResolvedRefs is False: the reason")
        );
        let mut silent = answered(|_| fine());
        silent.status.as_mut().unwrap().parents.pop();
        assert!(!seen("erp", &silent).is_accepted);
        assert!(!seen("erp", &made([(1, 100), (2, 0)], &[])).is_accepted);
    }

    #[test]
    fn only_services_of_this_release_count() {
        assert_eq!(revision_of("erp", "erp-r3-web"), Some(3));
        assert_eq!(revision_of("erp", "erp-r3-socketio"), None);
        assert_eq!(revision_of("erp", "erp-two-r3-web"), None);
    }
}
