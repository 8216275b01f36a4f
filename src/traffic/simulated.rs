//! A gateway for tests: it reads the finished routes and sends requests as the Gateway API and Contour say.

use std::collections::BTreeMap;

use gateway_api::httproutes::{
    HttpRoute, HttpRouteRules, HttpRouteRulesBackendRefs, HttpRouteRulesMatches,
    HttpRouteRulesMatchesHeadersType, HttpRouteRulesMatchesPathType,
};
use kube::ResourceExt;
use regex::Regex;

use crate::api::FrappeRelease;
use crate::plan::{AppRequests, Routing};
use crate::release::Split;

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

/// A release with more lines of `spec.traffic`.
pub(super) fn release(traffic: &str) -> FrappeRelease {
    let more: String = traffic.lines().flat_map(|line| ["    ", line, "\n"]).collect();
    serde_yaml::from_str(&format!("{RELEASE}{more}")).unwrap()
}

/// `doctypes` in all, shared out to the apps `app0`, `app1`, ...
pub(super) fn routing(apps: usize, doctypes: usize) -> Routing {
    let mut routing = Routing {
        blue_assets: vec!["app0/dist/js/app0.bundle.OLD.js".into()],
        green_assets: vec!["app0/dist/js/app0.bundle.NEW.js".into()],
        ..Routing::default()
    };
    for app in 0..apps {
        let own = (0..doctypes).filter(|number| number % apps == app);
        let requests = AppRequests {
            doctypes: own.map(|number| format!("Doc Type {number}")).collect(),
            pages: [format!("page{app}")].into(),
        };
        routing.apps.insert(format!("app{app}"), requests);
    }
    routing
}

/// Revision 1 to revision 2.
pub(super) fn split(apps: &[(&str, u8)]) -> Split {
    let apps = apps.iter().map(|(app, weight)| ((*app).to_owned(), *weight)).collect();
    Split { blue: Some(1), green: 2, apps }
}

/// A request.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
}

impl Request {
    pub(super) fn to(path: &str) -> Self {
        Self { path: path.to_owned(), headers: BTreeMap::new() }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_lowercase(), value.to_owned());
        self
    }
}

/// The rules of routes in the order in which a gateway tries them, with their expressions compiled.
pub(super) struct Gateway {
    tried: Vec<(Compiled, Vec<HttpRouteRulesBackendRefs>)>,
}

struct Compiled {
    kind: HttpRouteRulesMatchesPathType,
    value: String,
    path: Option<Regex>,
    headers: Vec<(String, Regex)>,
}

impl Gateway {
    pub(super) fn new(routes: &[HttpRoute]) -> Self {
        let mut all = Vec::new();
        for route in routes {
            for (index, rule) in route.spec.rules.iter().flatten().enumerate() {
                all.extend(entries(rule, index, &route.name_any()));
            }
        }
        // Exact, then expressions by length, then prefixes by length; then headers; then the order of rules; then the name.
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self { tried: all.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// The backends that share a request, with the `Set-Cookie` that each adds; nothing for 404.
    pub(super) fn send(&self, request: &Request) -> Vec<(String, i32, Option<String>)> {
        let found = self.tried.iter().find(|(matched, _)| matched.takes(request));
        let backends = found.map(|(_, backends)| backends.as_slice()).unwrap_or_default();
        backends
            .iter()
            .map(|backend| {
                let filter = backend.filters.as_ref().and_then(|filters| filters.first());
                let added = filter.and_then(|filter| filter.response_header_modifier.as_ref()?.add.as_ref());
                let cookie =
                    added.map(|added| added[0].value.split(';').next().unwrap_or_default().to_owned());
                (backend.name.clone(), backend.weight.unwrap_or(1), cookie)
            })
            .filter(|(_, weight, _)| *weight > 0)
            .collect()
    }
}

type Order = (u8, std::cmp::Reverse<usize>, String, std::cmp::Reverse<usize>, usize, String);

fn entries(
    rule: &HttpRouteRules,
    index: usize,
    route: &str,
) -> Vec<(Order, (Compiled, Vec<HttpRouteRulesBackendRefs>))> {
    let backends = rule.backend_refs.clone().unwrap_or_default();
    let matches = rule.matches.iter().flatten();
    matches
        .map(|matched| {
            let compiled = compiled(matched);
            let rank = match compiled.kind {
                HttpRouteRulesMatchesPathType::Exact => 0,
                HttpRouteRulesMatchesPathType::RegularExpression => 1,
                HttpRouteRulesMatchesPathType::PathPrefix => 2,
            };
            let order = (
                rank,
                std::cmp::Reverse(compiled.value.len()),
                compiled.value.clone(),
                std::cmp::Reverse(compiled.headers.len()),
                index,
                route.to_owned(),
            );
            (order, (compiled, backends.clone()))
        })
        .collect()
}

fn compiled(matched: &HttpRouteRulesMatches) -> Compiled {
    let path = matched.path.clone().unwrap();
    let (kind, value) = (path.r#type.unwrap(), path.value.unwrap());
    let headers = matched.headers.iter().flatten().map(|header| {
        let expression = match header.r#type.as_ref().unwrap() {
            HttpRouteRulesMatchesHeadersType::Exact => format!("^{}$", regex::escape(&header.value)),
            HttpRouteRulesMatchesHeadersType::RegularExpression => header.value.clone(),
        };
        (header.name.to_lowercase(), Regex::new(&expression).unwrap())
    });
    let is_regular = matches!(kind, HttpRouteRulesMatchesPathType::RegularExpression);
    Compiled {
        path: is_regular.then(|| Regex::new(&value).unwrap()),
        headers: headers.collect(),
        kind,
        value,
    }
}

impl Compiled {
    fn takes(&self, request: &Request) -> bool {
        let path = match self.kind {
            HttpRouteRulesMatchesPathType::Exact => request.path == self.value,
            HttpRouteRulesMatchesPathType::RegularExpression => {
                self.path.as_ref().is_some_and(|path| path.is_match(&request.path))
            }
            HttpRouteRulesMatchesPathType::PathPrefix => {
                let rest = request.path.strip_prefix(self.value.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        };
        path && self
            .headers
            .iter()
            .all(|(name, value)| request.headers.get(name).is_some_and(|header| value.is_match(header)))
    }
}

/// What users meet, over whole shifts.
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::traffic::{PREVIEW_HEADER, Preview, Wanted, cookie_name, gateway_api};

    fn gateway(split: &Split, traffic: &str, routing: &Routing) -> Gateway {
        let (release, with_socketio) = (release(traffic), BTreeSet::from([1, 2]));
        let wanted = Wanted { release: &release, split, routing, with_socketio: &with_socketio };
        Gateway::new(&gateway_api::routes(&wanted))
    }

    /// The one backend of a request.
    fn sole(gateway: &Gateway, request: &Request) -> String {
        let backends = gateway.send(request);
        assert_eq!(backends.len(), 1, "{request:?} may go to {backends:?}");
        backends[0].0.clone()
    }

    const TWO_APPS: &str = "apps:
- {name: app0, steps: [{weight: 10}, {weight: 50}, {weight: 100}]}
- {name: app1, steps: [{weight: 25}, {weight: 100}]}
- {name: '*', steps: [{weight: 50}, {weight: 100}]}";

    #[test]
    fn every_kind_of_request_follows_its_app() {
        // Only app1 has moved.
        let split = split(&[("app0", 0), ("app1", 100), ("*", 0)]);
        let gateway = gateway(&split, TWO_APPS, &routing(2, 6));
        let colour = |request: Request| {
            let backends = gateway.send(&request);
            let names: BTreeSet<&str> = backends.iter().map(|(name, _, _)| name.as_str()).collect();
            assert_eq!(names.len(), 1, "{request:?}: {backends:?}");
            names.into_iter().next().unwrap().to_owned()
        };
        let green = [
            Request::to("/api/method/app1.api.list"),
            Request::to("/api/v2/method/app1.x"),
            Request::to("/api/resource/Doc%20Type%201"),
            Request::to("/api/v2/document/Doc%20Type%205/name"),
            Request::to("/page1/below"),
            Request::to("/").with("X-Frappe-CMD", "app1.www.contact.send"),
            Request::to("/api/method/frappe.desk.reportview.get").with("X-Frappe-Doctype", "Doc%20Type%203"),
            Request::to("/assets/app0/dist/js/app0.bundle.NEW.js"),
        ];
        for request in green {
            assert_eq!(colour(request.clone()), "erp-r2-web", "{request:?}");
        }
        let blue = [
            Request::to("/"),
            Request::to("/app/doc-type-1"),
            Request::to("/api/method/login"),
            Request::to("/api/method/frappe.client.get"),
            Request::to("/api/method/app0.api.list").with("X-Frappe-Doctype", "Doc%20Type%203"),
            Request::to("/api/resource/Doc%20Type%200"),
            Request::to("/page0"),
            Request::to("/assets/app0/dist/js/app0.bundle.OLD.js"),
            Request::to("/assets/frappe/logo.svg"),
        ];
        for request in blue {
            assert_eq!(colour(request.clone()), "erp-r1-web", "{request:?}");
        }
        assert_eq!(colour(Request::to("/socket.io/?EIO=4")), "erp-r1-socketio");
    }

    #[test]
    fn methods_of_a_framework_that_moves_by_itself_still_follow_the_doctype() {
        let mut routing = routing(1, 2);
        routing.apps.insert("frappe".into(), AppRequests::default());
        let split = split(&[("app0", 100), ("frappe", 0), ("*", 0)]);
        let traffic = "apps: [{name: app0}, {name: frappe}, {name: '*'}]";
        let gateway = gateway(&split, traffic, &routing);
        let call = Request::to("/api/method/frappe.client.get");
        let service = |request: &Request| gateway.send(request)[0].0.clone();
        assert_eq!(service(&call), "erp-r1-web");
        assert_eq!(service(&call.with("X-Frappe-Doctype", "Doc%20Type%201")), "erp-r2-web");
    }

    #[test]
    fn a_preview_sees_its_colour_everywhere_and_a_forged_one_does_not() {
        let split = split(&[("app0", 0), ("app1", 0), ("*", 0)]);
        let gateway = gateway(&split, TWO_APPS, &routing(2, 6));
        let values = Preview::of(&release(""), 2);
        for path in ["/", "/api/method/app0.x", "/api/resource/Doc%20Type%201", "/assets/x.js", "/page1"] {
            let request = Request::to(path);
            let by_header = request.clone().with(PREVIEW_HEADER, &values.green);
            let cookie = format!("sid=1; {}={}", cookie_name("erp", 2), values.green);
            let by_cookie = request.clone().with("Cookie", &cookie);
            // The header wins over the cookie.
            let both = by_cookie.clone().with(PREVIEW_HEADER, &values.blue);
            assert_eq!(sole(&gateway, &by_header), "erp-r2-web");
            assert_eq!(sole(&gateway, &by_cookie), "erp-r2-web");
            assert_eq!(sole(&gateway, &both), "erp-r1-web");
            for forged in ["green", "green-0000000000000000", ".*"] {
                let cookie = format!("{}={forged}", cookie_name("erp", 2));
                let request = request.clone().with(PREVIEW_HEADER, forged).with("Cookie", &cookie);
                assert!(
                    gateway.send(&request).iter().all(|(name, _, _)| name == "erp-r1-web"),
                    "{path} {forged}"
                );
            }
        }
    }

    #[test]
    fn blue_is_chosen_as_long_as_it_has_a_share_of_some_app() {
        let values = Preview::of(&release(""), 2);
        for (weights, colour) in
            [([("app0", 100), ("*", 50)], "erp-r1-web"), ([("app0", 100), ("*", 100)], "erp-r2-web")]
        {
            let gateway = gateway(&split(&weights), TWO_APPS, &routing(2, 6));
            for path in ["/", "/api/method/app0.x", "/page1"] {
                let by_header = Request::to(path).with(PREVIEW_HEADER, &values.blue);
                let cookie = format!("{}={}", cookie_name("erp", 2), values.blue);
                for request in [by_header, Request::to(path).with("Cookie", &cookie)] {
                    let served = gateway.send(&request);
                    assert!(served.iter().all(|(name, _, _)| name == colour), "{request:?} {weights:?}");
                }
            }
        }
    }

    /// A browser: it keeps the cookie that it is given.
    #[derive(Default)]
    struct Jar {
        cookie: Option<String>,
        seen: BTreeMap<&'static str, BTreeSet<String>>,
    }

    impl Jar {
        /// Asks for a path; `dice` (0 to 99) is what the gateway draws. Gives the revision's Service.
        fn ask(&mut self, gateway: &Gateway, path: &str, dice: i32) -> String {
            let mut request = Request::to(path);
            if let Some(cookie) = &self.cookie {
                request = request.with("Cookie", &format!("sid=abc; {cookie}; system_user=yes"));
            }
            let mut sum = 0;
            let backends = gateway.send(&request);
            let total: i32 = backends.iter().map(|(_, weight, _)| weight).sum();
            assert!(self.cookie.is_none() || total == 100 && backends.len() == 1, "{path}: {backends:?}");
            for (name, weight, cookie) in backends {
                sum += weight;
                if dice * total < sum * 100 {
                    self.cookie = cookie.or(self.cookie.take());
                    return name;
                }
            }
            panic!("nothing serves {path}");
        }
    }

    const APPS: [(&str, &str); 3] =
        [("app0", "/api/method/app0.api.list"), ("app1", "/api/resource/Doc%20Type%201"), ("*", "/")];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

        /// Weights rise in any order of the apps; 500 jars that come at any time ask in any order.
        #[test]
        fn nobody_ever_goes_back(order in prop::collection::vec(0..3_usize, 3..7), seed in any::<u64>()) {
            let steps: [&[u8]; 3] = [&[10, 50, 100], &[25, 100], &[50, 100]];
            let (mut at, mut jars) = ([0_usize; 3], Vec::new());
            jars.resize_with(500, Jar::default);
            let mut random = seed;
            let mut dice = move || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as usize
            };
            let routing = routing(2, 6);
            for app in std::iter::once(None).chain(order.into_iter().map(Some)) {
                if let Some(app) = app {
                    at[app] = (at[app] + 1).min(steps[app].len());
                }
                let weight = |app: usize| at[app].checked_sub(1).map_or(0, |index| steps[app][index]);
                let split = split(&[("app0", weight(0)), ("app1", weight(1)), ("*", weight(2))]);
                let gateway = gateway(&split, TWO_APPS, &routing);
                for jar in &mut jars {
                    if dice() % 3 == 0 {
                        continue;
                    }
                    let app = dice() % 3;
                    let (name, path) = APPS[app];
                    let service = jar.ask(&gateway, path, i32::try_from(dice() % 100).unwrap());
                    let before = jar.seen.entry(name).or_default();
                    prop_assert!(
                        service == "erp-r2-web" || !before.contains("erp-r2-web"),
                        "{} went back to blue with {:?}", name, jar.cookie
                    );
                    before.insert(service);
                }
            }
        }

        /// New visitors meet green as often as the weight says, and so do those who came before.
        #[test]
        fn the_weights_are_exact(edge in prop::sample::select(vec![10_u8, 25, 50, 100])) {
            let split = split(&[("app0", edge), ("app1", 0), ("*", 0)]);
            let gateway = gateway(&split, TWO_APPS, &routing(2, 6));
            let drawn = gateway.send(&Request::to("/api/method/app0.x"));
            let green: i32 = drawn.iter().filter(|(name, _, _)| name == "erp-r2-web").map(|(_, weight, _)| weight).sum();
            prop_assert_eq!(green, i32::from(edge));
            // Those who were given their bucket by another app are parted the same way.
            let mut sticky = 0;
            for (_, weight, cookie) in gateway.send(&Request::to("/")) {
                let request = Request::to("/api/method/app0.x").with("Cookie", &cookie.unwrap());
                sticky += if sole(&gateway, &request) == "erp-r2-web" { weight } else { 0 };
            }
            prop_assert_eq!(sticky, i32::from(edge));
        }
    }
}
