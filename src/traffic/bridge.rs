//! The bridge: while two routes take the same requests, a third one by which every proxy knows where both lead to.
//!
//! Of the two only the older is in force, and a proxy may have never heard of the Services of the other. When the older one is
//! deleted some gateways send routes and Services in no order (Contour, issue 1178): for a moment requests are led to a Service
//! that the proxy does not know yet, or not any more, and answered with 503. Measured on Contour 1.33 and Envoy, idle, four
//! clients: 28 of 30 deletions failed requests (747 in all), 0 of 60 with a bridge.

use std::collections::BTreeMap;

use gateway_api::httproutes::{
    HttpRoute, HttpRouteRules, HttpRouteRulesBackendRefs, HttpRouteRulesMatchesHeadersType, HttpRouteSpec,
};
use jiff::Timestamp;
use kube::ResourceExt;

use super::gateway_api::{MAX_HOSTNAMES, MAX_RULES, hostnames, metadata, parent};
use super::rules::{header, prefix, with};
use super::{PREVIEW_HEADER, is_as_written};
use crate::api::FrappeRelease;
use crate::api::names::{ANNOTATION_SINCE, LABEL_COMPONENT};
use crate::release::BridgeSeen;

/// Value of the component's label.
const COMPONENT: &str = "bridge";
/// Backends that a rule holds.
const MAX_BACKENDS: usize = 16;

/// Name of a release's bridge.
pub fn name(release: &str) -> String {
    format!("{release}-{COMPONENT}")
}

/// Whether a route of a release is its bridge, not a part of its split.
pub fn is_bridge(route: &HttpRoute) -> bool {
    route.labels().get(LABEL_COMPONENT).is_some_and(|component| component == COMPONENT)
}

/// A route to everything that these routes lead to, for a header that nobody sends.
pub fn bridge<'a>(
    release: &FrappeRelease,
    between: impl Iterator<Item = &'a HttpRoute>,
    since: Timestamp,
) -> HttpRoute {
    let mut backends: Vec<HttpRouteRulesBackendRefs> = Vec::new();
    let rules = between.flat_map(|route| route.spec.rules.iter().flatten());
    for backend in rules.flat_map(|rule| rule.backend_refs.iter().flatten()) {
        // As the API server writes it. Its filters change requests, and nobody comes this way.
        let plain = HttpRouteRulesBackendRefs {
            filters: None,
            group: Some(backend.group.clone().unwrap_or_default()),
            kind: Some(backend.kind.clone().unwrap_or_else(|| "Service".to_owned())),
            weight: Some(1),
            ..backend.clone()
        };
        if !backends.contains(&plain) {
            backends.push(plain);
        }
    }
    // Routes come in any order.
    backends.sort_by(|one, other| (&one.name, one.port).cmp(&(&other.name, other.port)));
    let rule = |(index, backends): (usize, &[HttpRouteRulesBackendRefs])| {
        let nobody =
            header(PREVIEW_HEADER, HttpRouteRulesMatchesHeadersType::Exact, &format!("{COMPONENT}-{index}"));
        HttpRouteRules {
            matches: Some(vec![with(prefix("/"), nobody)]),
            backend_refs: Some(backends.to_vec()),
            ..HttpRouteRules::default()
        }
    };
    let rules = backends.chunks(MAX_BACKENDS).take(MAX_RULES).enumerate().map(rule).collect();
    let mut metadata = metadata(release, name(&release.name_any()));
    metadata.labels.get_or_insert_default().insert(LABEL_COMPONENT.to_owned(), COMPONENT.to_owned());
    metadata.annotations = Some(BTreeMap::from([(ANNOTATION_SINCE.to_owned(), since.to_string())]));
    HttpRoute {
        metadata,
        spec: HttpRouteSpec {
            hostnames: Some(hostnames(release).into_iter().take(MAX_HOSTNAMES).collect()),
            parent_refs: Some(release.spec.traffic.gateways.iter().map(parent).collect()),
            rules: Some(rules),
        },
        status: None,
    }
}

/// What a bridge that is there says. Without `between` nothing is asked of it: what it was made for is gone.
pub fn seen<'a>(
    release: &FrappeRelease,
    there: &HttpRoute,
    between: Option<impl Iterator<Item = &'a HttpRoute>>,
) -> BridgeSeen {
    let since = there.annotations().get(ANNOTATION_SINCE).and_then(|since| since.parse().ok());
    let is_same = |between| is_as_written(&there.spec, &bridge(release, between, Timestamp::UNIX_EPOCH).spec);
    BridgeSeen { since: since.unwrap_or_default(), is_whole: since.is_some() && between.is_none_or(is_same) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::plan::Routing;
    use crate::release::Split;
    use crate::traffic::simulated::release;
    use crate::traffic::{Wanted, gateway_api};

    fn rival(backends: &str) -> HttpRoute {
        let text = format!(
            "metadata: {{name: chart}}\nspec: {{parentRefs: [{{name: gw}}], rules: [{{backendRefs: [{backends}]}}]}}"
        );
        serde_yaml::from_str(&text).unwrap()
    }

    #[test]
    fn it_leads_nobody_to_all_that_the_routes_lead_to_each_once() {
        let release = release("");
        let (split, routing, with_socketio) = (Split::only(1), Routing::default(), BTreeSet::from([1]));
        let wanted =
            Wanted { release: &release, split: &split, routing: &routing, with_socketio: &with_socketio };
        let own = gateway_api::routes(&wanted);
        let filter = "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: A, value: b}]}}";
        let chart = rival(&format!(
            "{{name: erp, port: 8080, filters: [{filter}]}}, {{name: erp, port: 8080, weight: 0}}, {{name: erp-r1-web, port: 80}}"
        ));
        let made =
            |rival| bridge(&release, own.iter().chain([rival]), "2026-01-02T03:04:05Z".parse().unwrap());
        insta::assert_yaml_snapshot!("bridge", made(&chart));
        let written = made(&chart);
        let look = |rival: Option<&HttpRoute>| {
            seen(&release, &written, rival.map(|rival| own.iter().chain([rival])))
        };
        let since = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(look(Some(&chart)), BridgeSeen { since, is_whole: true });
        let other = rival("{name: other, port: 8080}");
        assert!(!look(Some(&other)).is_whole);
        // The other tool's route is gone: what was written stays.
        assert!(look(None).is_whole);
        assert!(is_bridge(&written) && !own.iter().any(is_bridge));
    }

    #[test]
    fn a_rule_holds_no_more_backends_than_the_gateway_api_allows() {
        let names: Vec<String> = (0..20).map(|index| format!("{{name: s{index}, port: 80}}")).collect();
        let made = bridge(&release(""), [rival(&names.join(", "))].iter(), Timestamp::UNIX_EPOCH)
            .spec
            .rules
            .unwrap();
        let sizes: Vec<_> = made.iter().map(|rule| rule.backend_refs.as_ref().map_or(0, Vec::len)).collect();
        assert_eq!(sizes, [16, 4]);
        assert_ne!(made[0].matches, made[1].matches);
    }
}
