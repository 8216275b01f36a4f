//! How traffic moves from blue to green.
#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]

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
pub struct Traffic {
    /// What moves the traffic.
    #[serde(default)]
    pub provider: Provider,
    /// The Gateways that take the route. Needed by the provider `GatewayAPI`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub gateways: Vec<GatewayRef>,
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
    /// The selector of a Service: all at once, for clusters without a Gateway.
    Service,
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
    /// Wait for a human: the name that is given with `kubectl crossfade approve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub approve: Option<String>,
}

/// A pause between two weights.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Seconds. Without it the release waits until it is promoted.
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

impl Default for Traffic {
    fn default() -> Self {
        Self {
            provider: Provider::default(),
            gateways: Vec::new(),
            apps: default_apps(),
            analysis: Vec::new(),
        }
    }
}
