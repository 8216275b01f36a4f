//! The provider `GatewayAPI`: one `HTTPRoute`, or several where one cannot hold all rules.
//!
//! Every field that the API server would fill in is written out (group, kind, weight, type of path), so that
//! server-side apply and GitOps tools see no drift.

use std::collections::BTreeMap;

use gateway_api::httproutes::{
    HttpRoute, HttpRouteParentRefs, HttpRouteRules, HttpRouteSpec, HttpRouteStatusParents,
};
use kube::core::ObjectMeta;
use kube::{Resource, ResourceExt};

use super::{Wanted, is_as_written, is_whole, rules, split_of};
use crate::api::FrappeRelease;
use crate::api::names::{ANNOTATION_SPLIT, LABEL_MANAGED_BY, LABEL_RELEASE, MANAGED_BY};
use crate::api::traffic::{GatewayRef, Matching};
use crate::release::{RouteSeen, Split};

const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
/// Rules that a route holds.
pub(super) const MAX_RULES: usize = 16;
/// Matches that all rules of a route hold together.
const MAX_MATCHES: usize = 128;
/// Hostnames that a route holds.
pub(super) const MAX_HOSTNAMES: usize = 16;

/// The routes of a split. The first has the name of the release and takes what no other takes.
pub fn routes(wanted: &Wanted<'_>) -> Vec<HttpRoute> {
    let is_told_apart =
        wanted.split.blue.is_some() && wanted.release.spec.traffic.matching == Matching::RegularExpression;
    let groups = if is_told_apart { rules::by_app(wanted) } else { vec![rules::whole_site(wanted)] };
    let shards = packed(groups);
    let hostnames = hostnames(wanted.release);
    let all =
        hostnames.chunks(MAX_HOSTNAMES).flat_map(|hosts| shards.iter().map(move |rules| (hosts, rules)));
    all.enumerate().map(|(index, (hosts, rules))| route(wanted, index, hosts, rules.clone())).collect()
}

/// Puts groups of rules into as few routes as the limits allow, in their order.
fn packed(groups: Vec<rules::Group>) -> Vec<Vec<HttpRouteRules>> {
    let matches = |rules: &[HttpRouteRules]| -> usize {
        rules.iter().map(|rule| rule.matches.as_ref().map_or(0, Vec::len)).sum()
    };
    let mut shards: Vec<Vec<HttpRouteRules>> = Vec::new();
    for group in groups {
        let fits = |shard: &Vec<HttpRouteRules>| {
            shard.len() + group.len() <= MAX_RULES && matches(shard) + matches(&group) <= MAX_MATCHES
        };
        match shards.iter_mut().find(|shard| fits(shard)) {
            Some(shard) => shard.extend(group),
            None => shards.push(group),
        }
    }
    shards
}

fn route(wanted: &Wanted<'_>, index: usize, hosts: &[String], rules: Vec<HttpRouteRules>) -> HttpRoute {
    let release = wanted.release;
    let name = release.name_any();
    let mut metadata = metadata(release, if index == 0 { name } else { format!("{name}-route-{index}") });
    let split = serde_json::to_string(wanted.split).ok();
    metadata.annotations = split.map(|split| BTreeMap::from([(ANNOTATION_SPLIT.to_owned(), split)]));
    HttpRoute {
        metadata,
        spec: HttpRouteSpec {
            hostnames: Some(hosts.to_vec()),
            parent_refs: Some(release.spec.traffic.gateways.iter().map(parent).collect()),
            rules: Some(rules),
        },
        status: None,
    }
}

/// Metadata of a route of a release, without annotations.
pub(super) fn metadata(release: &FrappeRelease, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: release.namespace(),
        labels: Some(BTreeMap::from([
            (LABEL_RELEASE.to_owned(), release.name_any()),
            (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
        ])),
        owner_references: release.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The hostnames of all sites, each once.
pub fn hostnames(release: &FrappeRelease) -> Vec<String> {
    let mut all = Vec::new();
    for host in release.spec.sites.iter().flat_map(crate::api::site::Site::hosts) {
        if !all.contains(&host) {
            all.push(host);
        }
    }
    all
}

pub(super) fn parent(gateway: &GatewayRef) -> HttpRouteParentRefs {
    HttpRouteParentRefs {
        group: Some(GATEWAY_GROUP.to_owned()),
        kind: Some("Gateway".to_owned()),
        name: gateway.name.clone(),
        namespace: gateway.namespace.clone(),
        port: None,
        section_name: gateway.section_name.clone(),
    }
}

/// What the routes that are there say: how they split the traffic, whether all are as `wanted` makes them for that split,
/// and whether every Gateway of each has accepted exactly this generation.
pub fn seen(there: &[HttpRoute], wanted: impl Fn(&Split) -> Vec<HttpRoute>) -> RouteSeen {
    // The first route is written first, so it has the newest split.
    let first = there.iter().min_by_key(|route| route.name_any().len());
    let split = first.and_then(split_of);
    let is_same = |there: &HttpRoute, wanted: &HttpRoute| is_as_written(&there.spec, &wanted.spec);
    let is_whole = is_whole(there, split.as_ref(), wanted, is_same);
    let refusal = there.iter().find_map(refusal);
    RouteSeen { split, is_whole, is_accepted: refusal.is_none(), message: refusal.unwrap_or_default() }
}

/// Why the route is not in force as it stands, or `None` if it is.
fn refusal(route: &HttpRoute) -> Option<String> {
    let parents = route.spec.parent_refs.as_deref().unwrap_or_default();
    if parents.is_empty() {
        return Some("the route names no Gateway".to_owned());
    }
    let reported = route.status.as_ref().map(|status| status.parents.as_slice()).unwrap_or_default();
    let namespace = route.metadata.namespace.as_deref();
    let name = route.name_any();
    parents.iter().find_map(|parent| {
        let of_parent: Vec<_> =
            reported.iter().filter(|status| is_about(status, parent, namespace)).collect();
        if of_parent.is_empty() {
            return Some(format!("Gateway '{}' has not answered for the route '{name}' yet", parent.name));
        }
        of_parent.iter().find_map(|status| unaccepted(status, &parent.name, &name, route.metadata.generation))
    })
}

fn is_about(status: &HttpRouteStatusParents, parent: &HttpRouteParentRefs, own: Option<&str>) -> bool {
    let told = &status.parent_ref;
    told.name == parent.name
        && told.namespace.as_deref().or(own) == parent.namespace.as_deref().or(own)
        && told.section_name == parent.section_name
        && told.port == parent.port
}

fn unaccepted(
    status: &HttpRouteStatusParents,
    gateway: &str,
    route: &str,
    generation: Option<i64>,
) -> Option<String> {
    let said = |kind: &str| status.conditions.iter().find(|condition| condition.type_ == kind);
    let refused = ["Accepted", "ResolvedRefs"].into_iter().find_map(|kind| {
        let Some(condition) = said(kind) else {
            return Some(format!("Gateway '{gateway}' has not said {kind} for the route '{route}' yet"));
        };
        if condition.observed_generation != generation {
            return Some(format!(
                "Gateway '{gateway}' has not seen the last change of the route '{route}' yet"
            ));
        }
        (condition.status != "True").then(|| {
            format!(
                "Gateway '{gateway}', route '{route}': {kind} is {}: {}",
                condition.status, condition.message
            )
        })
    });
    // Accepted, but with rules left out.
    let partly = said("PartiallyInvalid").filter(|condition| condition.status == "True");
    refused.or_else(|| {
        Some(format!("Gateway '{gateway}' takes only a part of the route '{route}': {}", partly?.message))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gateway_api::httproutes::{HttpRouteStatus, HttpRouteStatusParentsParentRef};
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::*;
    use crate::plan::Routing;
    use crate::traffic::simulated::{release, routing, split};

    fn made(split: &Split, traffic: &str, with_socketio: &[u32]) -> Vec<HttpRoute> {
        let (release, routing) = (release(traffic), routing(2, 3));
        let with_socketio: BTreeSet<u32> = with_socketio.iter().copied().collect();
        routes(&Wanted { release: &release, split, routing: &routing, with_socketio: &with_socketio })
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

    /// Routes at generation 5, as both Gateways answered them.
    fn answered(split: &Split, answer: impl Fn(&str, &str) -> Vec<Condition>) -> Vec<HttpRoute> {
        let mut routes = made(split, "", &[]);
        for route in &mut routes {
            let name = route.name_any();
            route.metadata.generation = Some(5);
            let parents = route.spec.parent_refs.clone().unwrap();
            let status = |parent: HttpRouteParentRefs| HttpRouteStatusParents {
                conditions: answer(&name, &parent.name),
                controller_name: "example.com/gateway".into(),
                parent_ref: HttpRouteStatusParentsParentRef {
                    name: parent.name,
                    namespace: Some(parent.namespace.unwrap_or("shop".into())),
                    ..HttpRouteStatusParentsParentRef::default()
                },
            };
            route.status = Some(HttpRouteStatus { parents: parents.into_iter().map(status).collect() });
        }
        routes
    }

    fn fine() -> Vec<Condition> {
        vec![condition("Accepted", "True", 5), condition("ResolvedRefs", "True", 5)]
    }

    fn look(there: &[HttpRoute]) -> RouteSeen {
        seen(there, |split| made(split, "", &[]))
    }

    #[test]
    fn the_routes_are_as_they_were_reviewed() {
        insta::assert_yaml_snapshot!("one_revision", made(&Split::only(2), "", &[2]));
        insta::assert_yaml_snapshot!(
            "by_weight",
            made(&split(&[("*", 10)]), "matching: PathPrefix", &[1, 2])
        );
        insta::assert_yaml_snapshot!("by_app", made(&split(&[("app0", 50), ("*", 0)]), STEPS, &[1, 2]));
    }

    const STEPS: &str =
        "apps: [{name: app0, steps: [{weight: 50}, {weight: 100}]}, {name: '*', steps: [{weight: 100}]}]";

    #[test]
    fn what_was_written_is_read_back() {
        let split = split(&[("app0", 50), ("*", 0)]);
        let seen = look(&answered(&split, |_, _| fine()));
        assert_eq!((seen.split, seen.is_whole, seen.is_accepted), (Some(split), true, true));
    }

    #[test]
    fn a_route_that_was_changed_or_is_missing_or_too_many_is_seen() {
        let split = split(&[("app0", 50), ("app1", 0), ("*", 0)]);
        let whole = answered(&split, |_, _| fine());
        assert!(whole.len() > 1, "one route cannot be missing a part");
        let mut there = whole.clone();
        there.pop();
        assert!(!look(&there).is_whole);
        let mut there = whole.clone();
        let rules = there[1].spec.rules.as_mut().unwrap();
        rules[0].backend_refs.as_mut().unwrap()[0].weight = Some(7);
        assert!(!look(&there).is_whole);
        let mut there = whole.clone();
        there.push(HttpRoute {
            metadata: ObjectMeta { name: Some("erp-route-9".into()), ..ObjectMeta::default() },
            ..whole[1].clone()
        });
        assert!(!look(&there).is_whole);
        // What an API server of tomorrow fills in is no change.
        let mut there = whole;
        there[1].spec.rules.as_mut().unwrap()[0].name = Some("filled-in".into());
        assert!(look(&there).is_whole);
    }

    #[test]
    fn an_answer_to_an_older_generation_does_not_count() {
        let old =
            |_: &str, _: &str| vec![condition("Accepted", "True", 4), condition("ResolvedRefs", "True", 4)];
        let seen = look(&answered(&Split::only(1), old));
        assert!(!seen.is_accepted && seen.message.contains("'public'"), "{}", seen.message);
    }

    #[test]
    fn one_gateway_that_refuses_one_route_holds_all() {
        let split = split(&[("app0", 50), ("app1", 0), ("*", 0)]);
        let refuse = |route: &str, gateway: &str| match (route, gateway) {
            ("erp-route-1", "private") => {
                vec![condition("Accepted", "True", 5), condition("ResolvedRefs", "False", 5)]
            }
            _ => fine(),
        };
        let refused = look(&answered(&split, refuse));
        assert_eq!(
            (refused.is_accepted, refused.message.as_str()),
            (false, "Gateway 'private', route 'erp-route-1': ResolvedRefs is False: the reason")
        );
        let partly = |_: &str, _: &str| [fine(), vec![condition("PartiallyInvalid", "True", 5)]].concat();
        assert!(!look(&answered(&split, partly)).is_accepted);
        let mut silent = answered(&split, |_, _| fine());
        silent[1].status.as_mut().unwrap().parents.pop();
        assert!(!look(&silent).is_accepted);
        assert!(!look(&made(&split, "", &[])).is_accepted);
    }

    #[test]
    fn seven_hundred_doctypes_of_twelve_apps_fit_into_routes() {
        let apps: Vec<(String, u8)> =
            (0..12).map(|app| (format!("app{app}"), 50)).chain([("*".into(), 0)]).collect();
        let split = Split { blue: Some(1), green: 2, apps: apps.into_iter().collect() };
        let (release, routing) = (release(""), routing(12, 700));
        let with_socketio = BTreeSet::from([1, 2]);
        let all = routes(&Wanted {
            release: &release,
            split: &split,
            routing: &routing,
            with_socketio: &with_socketio,
        });
        let mut names = BTreeSet::new();
        for route in &all {
            assert!(names.insert(route.name_any()) && route.name_any().len() <= 63);
            let rules = route.spec.rules.as_ref().unwrap();
            let matches: Vec<usize> = rules.iter().map(|rule| rule.matches.as_ref().unwrap().len()).collect();
            assert!(rules.len() <= MAX_RULES && matches.iter().sum::<usize>() <= MAX_MATCHES);
            assert!(matches.iter().all(|count| (1..=8).contains(count)));
            assert!(rules.iter().all(|rule| rule.backend_refs.as_ref().unwrap().len() <= 16));
            let bytes = serde_json::to_vec(route).unwrap().len();
            assert!(bytes < 500_000, "{bytes} bytes: the API server takes 1.5 MB with all managed fields");
        }
        assert!((4..=16).contains(&all.len()), "{} routes", all.len());
    }

    #[test]
    fn more_hostnames_than_a_route_holds_take_more_routes() {
        let mut release = release("");
        release.spec.sites[0].hostnames = (0..20).map(|host| format!("h{host}.example.com")).collect();
        let split = Split::only(1);
        let none = BTreeSet::new();
        let routing = Routing::default();
        let all =
            routes(&Wanted { release: &release, split: &split, routing: &routing, with_socketio: &none });
        let counts: Vec<usize> =
            all.iter().map(|route| route.spec.hostnames.as_ref().unwrap().len()).collect();
        assert_eq!(counts, [16, 5]);
    }

    #[test]
    fn a_gateway_that_does_not_know_timeouts_can_be_left_alone() {
        let timeouts = |traffic: &str| -> Vec<_> {
            let routes = made(&Split::only(1), traffic, &[1]);
            routes[0]
                .spec
                .rules
                .clone()
                .unwrap()
                .into_iter()
                .map(|rule| rule.timeouts.map(|t| t.request))
                .collect()
        };
        assert_eq!(timeouts(""), [Some(Some("0s".to_owned())), Some(Some("120s".to_owned()))]);
        assert_eq!(timeouts("requestSeconds: 0"), [None, None]);
    }
}
