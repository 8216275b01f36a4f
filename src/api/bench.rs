//! What runs in a bench: image layout, web, workers, scheduler, socketio, migrate.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, EnvVar, ResourceRequirements, Toleration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::site::SecretKey;

/// How the bench's image is laid out and what it is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bench {
    /// Folder of the bench in the image.
    #[serde(default = "default_path")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^/"))]
    pub path: String,
    /// The bench's `common_site_config.json`: `redis_cache`, `redis_queue`, `db_host` and what else it has.
    /// `bench_id` and the logical database of `redis_cache` are set per revision.
    pub common_config_secret: SecretKey,
    /// Claim with the sites' `public` and `private` files (`<site>/public`, `<site>/private`), `ReadWriteMany` where Pods
    /// run on several nodes. Without it files live and die with the Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub sites_claim: Option<String>,
    /// User and group that the image's bench belongs to.
    #[serde(default = "default_user")]
    #[schemars(range(min = 1, max = 65_535))]
    pub user: i64,
    /// Environment of every container of the bench.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub env: Vec<EnvVar>,
    /// What is loaded before the bench's Python code, by `PYTHONPATH`. The framework itself is not changed.
    #[serde(default)]
    pub entry: Entry,
    /// Labels put on the nodes that the bench's Pods may use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations of the bench's Pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub tolerations: Vec<Toleration>,
    /// Affinity of the bench's Pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
}

/// The command of one container. What is left out comes from the image or the part's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// Replaces the image's entry point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub command: Vec<String>,
    /// Arguments of the command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub args: Vec<String>,
    /// CPU and memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
}

/// The web server of the bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Web {
    /// The application server. Default: the image's own command (gunicorn in Frappe's images).
    #[serde(flatten)]
    pub program: Program,
    /// Pods of each colour.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
    /// Port that the application server listens on.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// A proxy beside it in the same Pod (nginx of Frappe's images). Without it the route leads to `port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Sidecar>,
    /// Path that a Pod must answer before it counts as started: a real read of a DocType, refused or not.
    #[serde(default = "default_probe_path")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^/"))]
    pub startup_path: String,
    /// Seconds that a Pod goes on serving after it was told to stop, so that every gateway has seen it go.
    #[serde(default = "default_drain_seconds")]
    #[schemars(range(min = 0, max = 600))]
    pub drain_seconds: u16,
    /// Seconds that requests in flight may take after that.
    #[serde(default = "default_grace_seconds")]
    #[schemars(range(min = 1, max = 3600))]
    pub grace_seconds: u16,
}

/// A container of the same image beside the application server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sidecar {
    /// Its command, e.g. `nginx-entrypoint.sh`.
    #[serde(flatten)]
    pub program: Program,
    /// Port that the route leads to.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
}

/// The socket.io server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Socketio {
    /// Its command. Default: `node <bench>/apps/frappe/socketio.js`.
    #[serde(flatten)]
    pub program: Program,
    /// Port that it listens on.
    #[serde(default = "default_socketio_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
}

/// Workers for a set of queues. Each colour has queues of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// Name of the Deployment's part: `worker-<name>`.
    #[schemars(length(min = 1, max = 20), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Queues in the order they are served, e.g. `[short, default]`.
    #[schemars(
        length(min = 1, max = 16),
        inner(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))
    )]
    pub queues: Vec<String>,
    /// Its command. Default: `bench worker --queue <queues>`.
    #[serde(flatten)]
    pub program: Program,
    /// Pods of each colour.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
    /// Seconds that a job may take to end after its worker was told to stop.
    #[serde(default = "default_worker_grace")]
    #[schemars(range(min = 1, max = 86_400))]
    pub grace_seconds: u32,
}

/// The caches of both colours during a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cache {
    /// Whether what one colour invalidates (a role, a setting, a session) is deleted from the other's cache as well. Needs
    /// the command MONITOR of Redis; without it the other colour may see the old value until it expires.
    #[serde(default = "yes")]
    pub relay: bool,
}

impl Default for Cache {
    fn default() -> Self {
        Self { relay: yes() }
    }
}

const fn yes() -> bool {
    true
}

/// Green's own migrate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migrate {
    /// Its command. `$(SITE)` stands for the site. Default: `bench --site $(SITE) migrate --skip-search-index`.
    #[serde(flatten)]
    pub program: Program,
    /// Seconds after which the migrate counts as failed.
    #[serde(default = "default_migrate_seconds")]
    #[schemars(range(min = 10, max = 172_800))]
    pub timeout_seconds: u32,
}

impl Default for Migrate {
    fn default() -> Self {
        Self { program: Program::default(), timeout_seconds: default_migrate_seconds() }
    }
}

/// What is loaded before the bench's Python code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Entry {
    /// A module of Crossfade (the default). In green's migrate each DDL statement gives up at once when its table is in
    /// use, and is sent again. In web and workers a `FOR UPDATE NOWAIT`, with which Frappe deletes, that meets the
    /// instant of such a statement is sent again for up to a second.
    #[default]
    NoWait,
    /// Nothing: a DDL statement of green's migrate may stand in the way of every request, and a delete may fail.
    Plain,
}

fn default_path() -> String {
    "/home/frappe/frappe-bench".to_owned()
}

const fn default_user() -> i64 {
    1000
}

const fn one() -> i32 {
    1
}

const fn default_port() -> u16 {
    8000
}

const fn default_socketio_port() -> u16 {
    9000
}

fn default_probe_path() -> String {
    "/api/resource/DocType?limit_page_length=1".to_owned()
}

const fn default_drain_seconds() -> u16 {
    5
}

const fn default_grace_seconds() -> u16 {
    120
}

const fn default_worker_grace() -> u32 {
    1500
}

const fn default_migrate_seconds() -> u32 {
    7200
}
