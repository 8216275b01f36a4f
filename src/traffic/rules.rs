//! A split as rules of an `HTTPRoute`: for each app what belongs to it, and for each user where he is sent.
//!
//! All paths are regular expressions here, also the one for the rest: gateways differ in whether an expression or a prefix
//! goes first, but among expressions the longer goes first, then the one with more headers, then the order of the rules.

use gateway_api::httproutes::{
    HttpRouteRules, HttpRouteRulesBackendRefs, HttpRouteRulesBackendRefsFilters,
    HttpRouteRulesBackendRefsFiltersResponseHeaderModifier,
    HttpRouteRulesBackendRefsFiltersResponseHeaderModifierAdd, HttpRouteRulesBackendRefsFiltersType,
    HttpRouteRulesMatches, HttpRouteRulesMatchesHeaders, HttpRouteRulesMatchesHeadersType,
    HttpRouteRulesMatchesPath, HttpRouteRulesMatchesPathType, HttpRouteRulesTimeouts,
};
use kube::ResourceExt;

use super::{PREVIEW_HEADER, Preview, Wanted, bucket, cookie_name, pattern};
use crate::api::names::part_name;
use crate::api::traffic::REST;
use crate::plan::AppRequests;

/// Matches of a rule that every version of the Gateway API takes.
const MAX_MATCHES: usize = 8;
/// Port of the Services of a revision.
const SERVICE_PORT: i32 = 80;
/// How long a browser keeps its bucket: longer than a release takes.
const COOKIE_SECONDS: u32 = 30 * 86_400;

/// Rules that stay together in one route, because their order matters.
pub(super) type Group = Vec<HttpRouteRules>;

/// What serves a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Web,
    Socketio,
}

/// All rules of a split that has two colours, told apart by regular expressions.
pub(super) fn by_app(wanted: &Wanted<'_>) -> Vec<Group> {
    let made = Maker::new(wanted);
    let rest = wanted.split.of(REST);
    let path = |expression: &str| vec![regular(expression)];
    let mut groups = vec![
        made.users(&path("^/.*$"), rest, Part::Web, true),
        made.users(&path(r"^/socket\.io(?:/.*)?$"), rest, Part::Socketio, true),
        // No cookie: what may be kept by caches in between must not carry one.
        made.users(&path("^/assets/.*$"), rest, Part::Web, false),
    ];
    let has_frappe = wanted.split.apps.contains_key(FRAPPE);
    for (app, weight) in wanted.split.apps.iter().filter(|(app, _)| app.as_str() != REST) {
        let requests = wanted.routing.apps.get(app).cloned().unwrap_or_default();
        for matches in matches(app, &requests, has_frappe).chunks(MAX_MATCHES) {
            groups.push(made.users(matches, *weight, Part::Web, true));
        }
    }
    // When nobody is sent to blue any more, its assets are asked of green: blue is about to stop.
    let blue_serves = wanted.split.blue.is_some_and(|blue| wanted.split.serves(blue));
    let only_in = [
        (&wanted.routing.green_assets, Some(wanted.split.green)),
        (&wanted.routing.blue_assets, wanted.split.blue.filter(|_| blue_serves)),
    ];
    for (paths, revision) in only_in {
        let Some(revision) = revision else { continue };
        let all: Vec<_> =
            pattern::assets(paths.iter().map(String::as_str)).iter().map(|path| regular(path)).collect();
        for matches in all.chunks(MAX_MATCHES) {
            groups.push(vec![made.rule(
                matches.to_vec(),
                vec![made.backend(revision, Part::Web, 100)],
                Part::Web,
            )]);
        }
    }
    groups
}

/// The rules where requests cannot be told apart, or need not be: a weight for each revision.
pub(super) fn whole_site(wanted: &Wanted<'_>) -> Group {
    let made = Maker::new(wanted);
    let split = wanted.split;
    let revisions: Vec<u32> = split.blue.into_iter().chain([split.green]).collect();
    let backends = |part| -> Vec<_> {
        let weight = |revision: &u32| made.backend(*revision, part, split.weight(*revision, REST));
        revisions.iter().map(weight).collect()
    };
    let mut rules = Vec::new();
    if revisions.iter().any(|revision| wanted.with_socketio.contains(revision)) {
        rules.push(made.rule(vec![prefix("/socket.io")], backends(Part::Socketio), Part::Socketio));
    }
    rules.push(made.rule(vec![prefix("/")], backends(Part::Web), Part::Web));
    rules
}

const FRAPPE: &str = "frappe";

/// Everything that belongs to an app.
///
/// A method belongs to the app whose code it is. A method of the framework on a `DocType` of the app (which the desk says in a
/// header) belongs to the app.
fn matches(app: &str, requests: &AppRequests, has_frappe: bool) -> Vec<HttpRouteRulesMatches> {
    let doctypes = || requests.doctypes.iter().map(String::as_str);
    let mut all = vec![regular(&pattern::methods(app))];
    all.extend(pattern::documents(doctypes()).iter().map(|path| regular(path)));
    all.extend(pattern::pages(requests.pages.iter().map(String::as_str)).iter().map(|path| regular(path)));
    for value in pattern::doctype_headers(doctypes()) {
        let doctype = header("X-Frappe-Doctype", HttpRouteRulesMatchesHeadersType::RegularExpression, &value);
        all.push(with(regular("^/.*$"), doctype.clone()));
        // Where the framework moves by itself, its methods have an expression of their own, which is longer.
        if has_frappe && app != FRAPPE {
            all.push(with(regular(&pattern::methods(FRAPPE)), doctype));
        }
    }
    // Pages of the website name the method in a header alone.
    let command =
        header("X-Frappe-CMD", HttpRouteRulesMatchesHeadersType::RegularExpression, &pattern::commands(app));
    all.push(with(matched(HttpRouteRulesMatchesPathType::Exact, "/"), command));
    all
}

/// Makes rules for one split.
struct Maker<'a> {
    wanted: &'a Wanted<'a>,
    name: String,
    cookie: String,
    preview: Preview,
    buckets: bucket::Texts,
    draws: Vec<bucket::Draw>,
}

impl<'a> Maker<'a> {
    fn new(wanted: &'a Wanted<'a>) -> Self {
        let name = wanted.release.name_any();
        Self {
            wanted,
            cookie: cookie_name(&name, wanted.split.green),
            preview: Preview::of(wanted.release, wanted.split.green),
            buckets: bucket::Texts::of(wanted.release, wanted.split.green),
            draws: bucket::draws(&wanted.release.spec.traffic.edges()),
            name,
        }
    }

    /// The rules of one app (or a part of what belongs to it): a colour that was chosen by header, the colour of the bucket or
    /// choice in the cookie, and a draw for those who have none.
    fn users(&self, matches: &[HttpRouteRulesMatches], weight: u8, part: Part, hands_out: bool) -> Group {
        let split = self.wanted.split;
        // With all traffic on green blue is about to stop: who has chosen it goes with the others.
        let blue = split.blue.filter(|_| split.least(split.green) < 100);
        let colours = [
            (Some(split.green), &self.preview.green, self.buckets.green(weight)),
            (blue, &self.preview.blue, self.buckets.blue(weight)),
        ];
        let colours =
            || colours.iter().filter_map(|(revision, value, buckets)| Some(((*revision)?, *value, buckets)));
        let narrowed = |header: &HttpRouteRulesMatchesHeaders| -> Vec<_> {
            matches.iter().map(|each| with(each.clone(), header.clone())).collect()
        };
        let mut rules = Vec::new();
        for (revision, value, _) in colours() {
            let chosen = header(PREVIEW_HEADER, HttpRouteRulesMatchesHeadersType::Exact, value);
            rules.push(self.rule(narrowed(&chosen), vec![self.backend(revision, part, 100)], part));
        }
        for (revision, value, buckets) in colours() {
            let kept = header(
                "Cookie",
                HttpRouteRulesMatchesHeadersType::RegularExpression,
                &self.cookie_with(value, buckets.as_deref()),
            );
            rules.push(self.rule(narrowed(&kept), vec![self.backend(revision, part, 100)], part));
        }
        rules.push(self.rule(matches.to_vec(), self.drawn(weight, part, hands_out), part));
        rules
    }

    /// A `Cookie` header in which our cookie has one of these values.
    fn cookie_with(&self, value: &str, buckets: Option<&str>) -> String {
        let buckets = buckets.map(|buckets| format!("|{buckets}")).unwrap_or_default();
        // Names of releases are plain but for dots.
        let name = self.cookie.replace('.', "\\.");
        format!("^(?:.*; ?)?{name}=(?:{value}{buckets})(?:;.*)?$")
    }

    fn drawn(&self, weight: u8, part: Part, hands_out: bool) -> Vec<HttpRouteRulesBackendRefs> {
        let split = self.wanted.split;
        let Some(blue) = split.blue else { return vec![self.backend(split.green, part, 100)] };
        if !hands_out {
            return vec![
                self.backend(blue, part, 100 - weight.min(100)),
                self.backend(split.green, part, weight),
            ];
        }
        let draw = |draw: &bucket::Draw| {
            let revision = if bucket::is_green(draw.bucket, weight) { split.green } else { blue };
            let mut backend = self.backend(revision, part, draw.share);
            backend.filters = Some(vec![self.hand_out(draw.bucket)]);
            backend
        };
        self.draws.iter().map(draw).collect()
    }

    fn hand_out(&self, bucket: u8) -> HttpRouteRulesBackendRefsFilters {
        let cookie = format!(
            "{}={}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax",
            self.cookie,
            self.buckets.text(bucket)
        );
        HttpRouteRulesBackendRefsFilters {
            r#type: HttpRouteRulesBackendRefsFiltersType::ResponseHeaderModifier,
            // Added, not set: the bench sets cookies of its own.
            response_header_modifier: Some(HttpRouteRulesBackendRefsFiltersResponseHeaderModifier {
                add: Some(vec![HttpRouteRulesBackendRefsFiltersResponseHeaderModifierAdd {
                    name: "Set-Cookie".to_owned(),
                    value: cookie,
                }]),
                remove: None,
                set: None,
            }),
            cors: None,
            extension_ref: None,
            request_header_modifier: None,
            request_mirror: None,
            request_redirect: None,
            url_rewrite: None,
        }
    }

    fn backend(&self, revision: u32, part: Part, weight: u8) -> HttpRouteRulesBackendRefs {
        // A colour without a socket.io server answers for itself.
        let has_socketio = self.wanted.with_socketio.contains(&revision);
        let service = if part == Part::Socketio && has_socketio { "socketio" } else { "web" };
        HttpRouteRulesBackendRefs {
            group: Some(String::new()),
            kind: Some("Service".to_owned()),
            name: part_name(&self.name, revision, service),
            port: Some(SERVICE_PORT),
            weight: Some(i32::from(weight)),
            ..HttpRouteRulesBackendRefs::default()
        }
    }

    fn rule(
        &self,
        matches: Vec<HttpRouteRulesMatches>,
        backends: Vec<HttpRouteRulesBackendRefs>,
        part: Part,
    ) -> HttpRouteRules {
        HttpRouteRules {
            matches: Some(matches),
            backend_refs: Some(backends),
            timeouts: self.timeouts(part),
            ..HttpRouteRules::default()
        }
    }

    /// Written out: many gateways cut a request after 15 seconds if nothing is said.
    fn timeouts(&self, part: Part) -> Option<HttpRouteRulesTimeouts> {
        let spec = &self.wanted.release.spec;
        let seconds = spec.traffic.request_seconds.unwrap_or(u32::from(spec.web.grace_seconds));
        let request = match part {
            Part::Web => format!("{seconds}s"),
            // A socket is open as long as its page.
            Part::Socketio => "0s".to_owned(),
        };
        (seconds > 0).then_some(HttpRouteRulesTimeouts { request: Some(request), backend_request: None })
    }
}

pub(super) fn prefix(path: &str) -> HttpRouteRulesMatches {
    matched(HttpRouteRulesMatchesPathType::PathPrefix, path)
}

fn regular(path: &str) -> HttpRouteRulesMatches {
    matched(HttpRouteRulesMatchesPathType::RegularExpression, path)
}

fn matched(kind: HttpRouteRulesMatchesPathType, path: &str) -> HttpRouteRulesMatches {
    HttpRouteRulesMatches {
        path: Some(HttpRouteRulesMatchesPath { r#type: Some(kind), value: Some(path.to_owned()) }),
        ..HttpRouteRulesMatches::default()
    }
}

pub(super) fn with(
    mut matched: HttpRouteRulesMatches,
    header: HttpRouteRulesMatchesHeaders,
) -> HttpRouteRulesMatches {
    matched.headers.get_or_insert_default().push(header);
    matched
}

pub(super) fn header(
    name: &str,
    kind: HttpRouteRulesMatchesHeadersType,
    value: &str,
) -> HttpRouteRulesMatchesHeaders {
    HttpRouteRulesMatchesHeaders { name: name.to_owned(), r#type: Some(kind), value: value.to_owned() }
}
