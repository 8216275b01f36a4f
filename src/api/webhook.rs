//! Webhooks: addresses that are told of a release, and that can hold it.
#![allow(unreachable_pub, reason = "KubeSchema repeats each struct inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::site::SecretKey;

/// An address that is told at a point of the release by a POST of JSON. Which answers hold it, the point says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("has(self.url) != has(self.urlSecret)").message(
    "a webhook has exactly one of url and urlSecret"
))]
#[x_kube(validation = kube::core::Rule::new("!has(self.format) || self.format != 'Template' || has(self.template)").message(
    "a webhook of the format Template needs a template: say what is sent, e.g. template: '{\"summary\": {{ text }}}'"
))]
pub struct Webhook {
    /// Name in status and events.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The point.
    pub at: HookPoint,
    /// Where to POST. Status and events never show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^https?://[^/?#]+"))]
    pub url: Option<String>,
    /// The key of a Secret in the release's namespace with the whole address, for one that is a token itself, as Slack's are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_secret: Option<SecretKey>,
    /// What the body is.
    #[serde(default)]
    pub format: BodyFormat,
    /// A text in the language of Jinja: what `Slack` is sent as `text`, what a body of `Flagger` has under `text` besides,
    /// or the whole body of the format `Template`. It may name what a body of `Flagger` has, and the sentence for people
    /// as `text`; tags are `if`, `elif`, `else`, `endif`, filters `upper`, `lower`, `title`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub template: Option<String>,
    /// Headers of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<Header>,
    /// Certificates (PEM) that an `https` address is trusted by. Default: those of the web's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<SecretKey>,
    /// What the body says under `metadata`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Seconds to wait for the answer.
    #[serde(default = "timeout_seconds")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// Calls after the first that failed, with pauses that grow from 2 s to 60 s. `ConfirmRollout`,
    /// `ConfirmTrafficIncrease`, `ConfirmPromotion` and `BeforeContract` ask for ever instead.
    #[serde(default = "retries")]
    #[schemars(range(min = 0, max = 20))]
    pub retries: u32,
    /// Seconds between two calls of a point that asks for ever.
    #[serde(default = "interval_seconds")]
    #[schemars(range(min = 1, max = 3600))]
    pub interval_seconds: u32,
}

/// What a webhook is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BodyFormat {
    /// `{name, namespace, phase, checksum, revision, point, metadata}`, as Flagger's webhooks are.
    #[default]
    Flagger,
    /// `{text}` with a sentence for people, as the incoming webhooks of Slack and Mattermost take it.
    Slack,
    /// What `template` gives, which must be JSON. Values are put in as JSON, texts with their quotes.
    Template,
}

/// A header of a request: with a value, or with one from a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("has(self.value) != has(self.secret)").message(
    "a header has exactly one of value and secret"
))]
pub struct Header {
    /// Its name, e.g. `Authorization`.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z0-9-]+$"))]
    pub name: String,
    /// Its value, for what is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub value: Option<String>,
    /// The key of a Secret in the release's namespace with the whole value, e.g. `Bearer ...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretKey>,
}

/// The points at which webhooks are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum HookPoint {
    /// Before the plan is executed: holds the release while it answers anything but 2xx.
    ConfirmRollout,
    /// Before the first traffic: the release goes back if it fails.
    PreRollout,
    /// At each weight, once it is in force: the release goes back if it fails.
    Rollout,
    /// Before each higher weight: holds the release while it answers anything but 2xx.
    ConfirmTrafficIncrease,
    /// Before blue is drained: holds the release while it answers anything but 2xx.
    ConfirmPromotion,
    /// After the release is complete. Its answer changes nothing.
    PostRollout,
    /// When the release goes back. Its answer changes nothing.
    Rollback,
    /// At every event. Its answer changes nothing, and it is not called again after a restart of the operator.
    Event,
    /// Before the point of no return: holds the release while it answers anything but 2xx.
    BeforeContract,
}

impl HookPoint {
    /// The name as it stands in the spec.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfirmRollout => "ConfirmRollout",
            Self::PreRollout => "PreRollout",
            Self::Rollout => "Rollout",
            Self::ConfirmTrafficIncrease => "ConfirmTrafficIncrease",
            Self::ConfirmPromotion => "ConfirmPromotion",
            Self::PostRollout => "PostRollout",
            Self::Rollback => "Rollback",
            Self::Event => "Event",
            Self::BeforeContract => "BeforeContract",
        }
    }

    /// Whether the release is held until the webhook agrees, however long that takes.
    pub const fn is_confirmation(self) -> bool {
        match self {
            Self::ConfirmRollout
            | Self::ConfirmTrafficIncrease
            | Self::ConfirmPromotion
            | Self::BeforeContract => true,
            Self::PreRollout | Self::Rollout | Self::PostRollout | Self::Rollback | Self::Event => false,
        }
    }
}

const fn timeout_seconds() -> u32 {
    10
}

const fn retries() -> u32 {
    3
}

const fn interval_seconds() -> u32 {
    10
}
