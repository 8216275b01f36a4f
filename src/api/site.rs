//! The sites of a bench and the database they live in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One key of a Secret in the release's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A Secret in the release's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// One site of the bench. All sites of a bench are released together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Name of the site: the folder under `sites/`, and the `Host` that selects it.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// The site's `site_config.json`: `db_name`, `db_password`, `encryption_key` and what else it has.
    ///
    /// Crossfade reads it and never writes it: each revision gets a Secret of its own made from it.
    pub config_secret: SecretKey,
    /// Hostnames that the route takes for this site. Default: the site's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253)))]
    pub hostnames: Vec<String>,
}

impl Site {
    /// The hostnames that lead to this site.
    pub fn hosts(&self) -> Vec<String> {
        if self.hostnames.is_empty() { vec![self.name.clone()] } else { self.hostnames.clone() }
    }
}

/// How the Jobs reach the database server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Secret with `username` and `password` of a user that may create schemas, users, views and triggers
    /// (what it lacks is named before the database is touched).
    pub admin_secret: SecretName,
    /// Host of the server. Default: `db_host` of the site's or the common configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub host: Option<String>,
    /// Port of the server. Default: `db_port` of the configuration, else 3306.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Seconds after which a connection that is in the way of a statement is ended, and named. Default: none is ended.
    /// Needs the right `CONNECTION ADMIN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub kill_blockers_after_seconds: Option<u32>,
    /// Sites that a step works on at once.
    #[serde(default = "default_parallel_sites")]
    #[schemars(range(min = 1, max = 64))]
    pub parallel_sites: u16,
    /// Replicas (`host` or `host:port`) that rows are not filled faster than; the admin's user must be known there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 260)))]
    pub replicas: Vec<String>,
}

const fn default_parallel_sites() -> u16 {
    4
}
