//! How traffic moves from blue to green.
#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]

use std::collections::BTreeSet;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where traffic comes in and how it moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("self.provider != 'GatewayAPI' || (has(self.gateways) && self.gateways.size() > 0)").message(
    "spec.traffic.gateways is empty: name the Gateway that takes the route, or set spec.traffic.provider: Service"
))]
#[x_kube(validation = kube::core::Rule::new("self.apps.filter(a, a.name == '*').size() == 1 && self.apps[self.apps.size() - 1].name == '*'").message(
    "spec.traffic.apps must end with the entry '*': it carries all traffic that no other entry names"
))]
#[x_kube(validation = kube::core::Rule::new("self.apps.size() == 1 || (self.provider == 'GatewayAPI' && self.matching == 'RegularExpression')").message(
    "spec.traffic.apps can name apps only with provider GatewayAPI and matching RegularExpression: else the whole site moves together, so leave only the entry '*'"
))]
#[x_kube(validation = kube::core::Rule::new("self.provider != 'Service' || self.apps.all(a, a.steps.all(s, !has(s.weight) || s.weight == 0 || s.weight == 100))").message(
    "with spec.traffic.provider: Service the whole site moves at once: the only weights are 0 and 100, e.g. steps: [{weight: 100}]"
))]
pub struct Traffic {
    /// What moves the traffic.
    #[serde(default)]
    pub provider: Provider,
    /// The Gateways that take the route. Needed by the provider `GatewayAPI`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub gateways: Vec<GatewayRef>,
    /// How requests are told apart.
    #[serde(default)]
    pub matching: Matching,
    /// Who may choose a colour by the header `X-Crossfade-Colour` or the cookie.
    #[serde(default)]
    pub preview: Preview,
    /// Seconds that the gateway gives a request; socket.io has no limit. Default: `spec.web.graceSeconds`. 0 leaves it to
    /// the gateway, for those that do not know the field `timeouts` of a route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86_400))]
    pub request_seconds: Option<u32>,
    /// The apps in the order in which they move, `*` for all that are not named (and last).
    /// Default: the whole site at once, in steps of 10, 50 and 100 %.
    #[serde(default = "default_apps")]
    #[schemars(
        length(min = 1, max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub apps: Vec<AppTraffic>,
    /// Analyses of `spec.analysis` that run beside the steps, from green's first traffic to the end of the shift. They
    /// have no `count`: one that fails takes the release back at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 4),
        inner(length(min = 1, max = 63)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub analysis: Vec<String>,
}

/// What moves the traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Provider {
    /// Weights of an `HTTPRoute`.
    #[default]
    #[serde(rename = "GatewayAPI")]
    GatewayApi,
    /// The selector of the Services `<release>-web` and `<release>-socketio`: all at once, for clusters without a Gateway.
    Service,
}

/// How requests are told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Matching {
    /// By regular expressions on path, headers and cookie: traffic moves app by app, and users stick to their colour.
    #[default]
    RegularExpression,
    /// Not at all, for Gateways without regular expressions: one weight for the whole site, drawn for each request.
    PathPrefix,
}

/// Who may choose a colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Preview {
    /// Whoever knows the token of the revision, which `kubectl crossfade preview` prints: a value is `green-<token>`.
    #[default]
    Token,
    /// Everybody: a value is `green` or `blue`.
    Open,
}

/// A Gateway that takes the route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRef {
    /// Name of the Gateway.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace. Default: the release's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// One listener of it. Default: all that fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}

/// How the traffic of one app (or of all others) moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("self.steps.filter(s, has(s.weight)).map(s, s.weight).isSorted()").message(
    "weights of spec.traffic.apps[].steps must not fall: to take traffic back, abort the release"
))]
#[x_kube(validation = kube::core::Rule::new("self.steps.exists(s, has(s.weight) && s.weight == 100)").message(
    "spec.traffic.apps[].steps must reach weight 100, else the release never ends"
))]
pub struct AppTraffic {
    /// Name of the app as in `spec.apps`, or `*`.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The steps. Weights never fall and end at 100.
    #[serde(default = "default_steps")]
    #[schemars(length(min = 1, max = 32))]
    pub steps: Vec<Step>,
}

/// One step: exactly one of its fields is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("[has(self.weight), has(self.pause), has(self.analysis), has(self.approve)].filter(x, x).size() == 1").message(
    "a traffic step is exactly one of weight, pause, analysis, approve"
))]
#[x_kube(validation = kube::core::Rule::new("!has(self.approve) || !(self.approve in ['plan', 'promote', 'contract'])").message(
    "the names plan, promote and contract are taken by the approvals of the release: give the approval of a traffic step another name"
))]
pub struct Step {
    /// Percent of the traffic that green gets from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub weight: Option<u8>,
    /// Wait here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Analyse green by the template of this name in `spec.analysis`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub analysis: Option<String>,
    /// Wait for a human: the name that is given with `kubectl crossfade approve`, or in `spec.approvals.steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub approve: Option<String>,
}

/// A pause between two weights.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Seconds. Without it the app waits until it is promoted (`kubectl crossfade promote`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 604_800))]
    pub seconds: Option<u32>,
}

fn default_apps() -> Vec<AppTraffic> {
    vec![AppTraffic { name: "*".to_owned(), steps: default_steps() }]
}

fn default_steps() -> Vec<Step> {
    let weight = |percent| Step { weight: Some(percent), ..Step::default() };
    let pause = |seconds| Step { pause: Some(Pause { seconds: Some(seconds) }), ..Step::default() };
    vec![weight(10), pause(30), weight(50), pause(30), weight(100)]
}

/// The entry that stands for everything that no other names.
pub const REST: &str = "*";

impl Traffic {
    /// The weights that can be in force for any app, from the least, without 0: users are parted at these.
    pub fn edges(&self) -> BTreeSet<u8> {
        let steps = self.apps.iter().flat_map(|app| &app.steps);
        let weights = steps.filter_map(|step| step.weight).filter(|weight| (1..=100).contains(weight));
        weights.chain([100]).collect()
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            provider: Provider::default(),
            gateways: Vec::new(),
            matching: Matching::default(),
            preview: Preview::default(),
            request_seconds: None,
            apps: default_apps(),
            analysis: Vec::new(),
        }
    }
}
