//! The configuration of a revision: the Secret `<release>-r<number>-config`, made from the user's own files.
//!
//! Frappe reads `common_site_config.json` and `site_config.json` on every request and job. So this Secret is what
//! moves a running revision from the tables onto its schema of views and back. `apps.txt` is not in it: the layout
//! command takes the image's own.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Blueprint, Component};
use crate::api::names::{ANNOTATION_CONFIG, ANNOTATION_PLACEMENT, schema_name};
use crate::api::site::Database;
use crate::release::{Placement, SiteFacts};

/// Key of the bench's configuration.
pub const COMMON_KEY: &str = "common_site_config.json";
/// Port of a MariaDB server when nothing says another.
const DEFAULT_PORT: u16 = 3306;

/// A configuration that cannot be used. No value of it is ever in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text is not a JSON object.
    #[error("failed to read it: it is not a JSON object{0}")]
    NotAnObject(String),
    /// A key is missing.
    #[error("failed to find the key '{0}' in it: Frappe needs it")]
    Missing(&'static str),
    /// A key has a value of the wrong kind.
    #[error("failed to use the key '{0}' in it: {1}")]
    Wrong(&'static str, &'static str),
    /// Neither the site nor the bench has an encryption key. Frappe makes one when it first needs it and writes it into
    /// `site_config.json`: in a Pod that file is read-only, and each colour would need the same.
    #[error(
        "failed to find the key 'encryption_key' in it: Frappe makes one when it first needs it and writes it into the \
         file, which it cannot here; put the site's own in, or 32 random bytes as URL-safe base64 if it has none"
    )]
    NoEncryptionKey,
}

/// Where a site's configuration leads.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// To the tables, with the credentials of the user's own file.
    Tables,
    /// Likewise, but the site is closed.
    Closed,
    /// To the schema of views that was made for the release of revision `green`.
    Views {
        /// Green's revision.
        green: u32,
        /// Password of the schema's user.
        password: &'a str,
    },
}

/// Name of the Secret of a revision.
pub fn name(release: &str, revision: u32) -> String {
    crate::api::names::part_name(release, revision, "config")
}

/// Key of a site's configuration.
pub fn site_key(site: &str) -> String {
    format!("{site}.site_config.json")
}

/// Reads a configuration file.
///
/// The parser's own words are left out but for the place: they may quote a credential.
pub fn parse(text: &[u8]) -> Result<Map<String, Value>, ConfigError> {
    let value: Value = serde_json::from_slice(text).map_err(|error| {
        ConfigError::NotAnObject(format!(" (line {}, column {})", error.line(), error.column()))
    })?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ConfigError::NotAnObject(String::new()))
        }
    }
}

/// The bench's configuration for one revision: queues and cache of its own.
///
/// `bench_id` parts the queues on one Redis. The cache gets the logical database `base + slot`, where
/// `base` is the one that the user's URL names (0 if none): some of Frappe's keys have no prefix, so two colours
/// that run at the same time must not share one.
pub fn common(user: &Map<String, Value>, bench_id: &str, slot: u32) -> Map<String, Value> {
    let mut config = user.clone();
    config.insert("bench_id".to_owned(), bench_id.into());
    if let Some(Value::String(url)) = user.get("redis_cache") {
        config.insert("redis_cache".to_owned(), cache_url(url, slot).into());
    }
    config
}

/// The `bench_id` of a revision's queues: its own name; of another tool's bench what its configuration says, or what Frappe
/// makes from the folder of the bench (`get_bench_id` in frappe/utils/__init__.py).
pub fn bench_id(blueprint: &Blueprint<'_>, user: &Map<String, Value>) -> String {
    if blueprint.template.adopted.is_none() {
        return blueprint.bench_id();
    }
    let said = user.get("bench_id").and_then(Value::as_str).map(str::to_owned);
    said.unwrap_or_else(|| blueprint.template.bench.path.trim_matches('/').replace('/', "-"))
}

/// A Redis URL with the logical database of a slot. What is not a `redis://` or `rediss://` URL stays.
fn cache_url(url: &str, slot: u32) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    if scheme != "redis" && scheme != "rediss" {
        return url.to_owned();
    }
    let (address, query) =
        rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let base = if path.is_empty() { Ok(0) } else { path.parse::<u32>() };
    let Ok(base) = base else { return url.to_owned() };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{host}/{}{query}", base.saturating_add(slot))
}

/// A site's configuration for where it shall lead.
pub fn site(
    user: &Map<String, Value>,
    destination: Destination<'_>,
) -> Result<Map<String, Value>, ConfigError> {
    let mut config = user.clone();
    match destination {
        Destination::Tables => {}
        // frappe/app.py:init_request raises SessionStopped (503); the scheduler looks at it at each tick.
        Destination::Closed => {
            config.insert("maintenance_mode".to_owned(), 1.into());
        }
        Destination::Views { green, password } => {
            let schema = schema_name(text(user, "db_name")?, green);
            if config.contains_key("db_user") {
                config.insert("db_user".to_owned(), schema.clone().into());
            }
            config.insert("db_name".to_owned(), schema.into());
            config.insert("db_password".to_owned(), password.into());
        }
    }
    Ok(config)
}

/// What a site's files say about its database. The release's own word goes first, then the site's, then the bench's.
pub fn facts(
    site: &Map<String, Value>,
    common: &Map<String, Value>,
    database: &Database,
) -> Result<SiteFacts, ConfigError> {
    text(site, "db_password")?;
    if text(site, "encryption_key").is_err() && text(common, "encryption_key").is_err() {
        return Err(ConfigError::NoEncryptionKey);
    }
    if site.get("db_type").is_some_and(|kind| kind != "mariadb") {
        return Err(ConfigError::Wrong("db_type", "Crossfade releases sites on MariaDB alone"));
    }
    let host = match (&database.host, site.get("db_host").or_else(|| common.get("db_host"))) {
        (Some(host), _) => host.clone(),
        (None, Some(Value::String(host))) if !host.is_empty() => host.clone(),
        (None, _) => return Err(ConfigError::Missing("db_host")),
    };
    let port = match (database.port, site.get("db_port").or_else(|| common.get("db_port"))) {
        (Some(port), _) => port,
        (None, None | Some(Value::Null)) => DEFAULT_PORT,
        (None, Some(port)) => {
            port_of(port).ok_or(ConfigError::Wrong("db_port", "it must be a number from 1 to 65535"))?
        }
    };
    let database = text(site, "db_name")?.to_owned();
    // Frappe 15 logs in under the database's name; later versions may name a user.
    let user = match site.get("db_user") {
        Some(_) => text(site, "db_user")?.to_owned(),
        None => database.clone(),
    };
    Ok(SiteFacts { database, user, host, port })
}

/// Frappe takes ports as numbers and as text.
fn port_of(value: &Value) -> Option<u16> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0)
}

fn text<'a>(config: &'a Map<String, Value>, key: &'static str) -> Result<&'a str, ConfigError> {
    match config.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_) | Value::Null) | None => Err(ConfigError::Missing(key)),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(ConfigError::Wrong(key, "it must be text"))
        }
    }
}

/// The Secret of a revision with these files, and the hash by which its Pods are told of it.
pub fn secret(
    blueprint: &Blueprint<'_>,
    files: &BTreeMap<String, Map<String, Value>>,
    to: Placement,
) -> Secret {
    let contents: BTreeMap<String, ByteString> = files
        .iter()
        .map(|(key, config)| {
            (key.clone(), ByteString(format!("{:#}\n", Value::Object(config.clone())).into_bytes()))
        })
        .collect();
    let mut all = Vec::new();
    for (key, content) in &contents {
        all.extend_from_slice(key.as_bytes());
        all.push(0);
        all.extend_from_slice(&content.0);
        all.push(0);
    }
    let mut metadata =
        blueprint.metadata(name(&blueprint.release_name(), blueprint.revision), Component::Config);
    metadata.annotations = Some(BTreeMap::from([
        (ANNOTATION_PLACEMENT.to_owned(), placement_text(to)),
        (ANNOTATION_CONFIG.to_owned(), hash_of(&all)),
    ]));
    Secret { metadata, data: Some(contents), type_: Some("Opaque".to_owned()), ..Secret::default() }
}

/// Where a configuration Secret sends its sites and its hash; `None` if it does not say.
pub fn read(secret: &Secret) -> Option<(Placement, String)> {
    let annotations = secret.metadata.annotations.as_ref()?;
    let placement = match annotations.get(ANNOTATION_PLACEMENT)?.as_str() {
        "tables" => Placement::Tables,
        "closed" => Placement::Closed,
        other => Placement::Views { green: other.strip_prefix("views-")?.parse().ok()? },
    };
    Some((placement, annotations.get(ANNOTATION_CONFIG)?.clone()))
}

fn placement_text(placement: Placement) -> String {
    match placement {
        Placement::Tables => "tables".to_owned(),
        Placement::Closed => "closed".to_owned(),
        Placement::Views { green } => format!("views-{green}"),
    }
}

/// A short hash: 16 hexadecimal characters of SHA-256.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes)).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{Adopted, AdoptedEntry};
    use crate::manifest::sample;

    fn map(value: &Value) -> Map<String, Value> {
        parse(value.to_string().as_bytes()).unwrap()
    }

    fn user_site() -> Map<String, Value> {
        map(&serde_json::json!({"db_name": "_abc", "db_password": "secret1", "encryption_key": "k"}))
    }

    fn anywhere() -> Database {
        Database {
            parallel_sites: 4,
            admin_secret: crate::api::site::SecretName { name: "a".into() },
            host: None,
            port: None,
            kill_blockers_after_seconds: None,
            replicas: Vec::new(),
        }
    }

    #[test]
    fn the_queues_of_another_tools_bench_are_those_that_frappe_names() {
        let release = sample::release();
        let mut template = release.spec.template();
        let entry = AdoptedEntry { deployment: "nginx".into(), port: 8080 };
        template.adopted = Some(Adopted { entry, web: vec![], workers: vec![], scheduler: None });
        let of = |user: &Value| bench_id(&sample::blueprint(&release, &template, 1), &map(user));
        assert_eq!(of(&json!({})), "home-frappe-frappe-bench");
        assert_eq!(of(&json!({"bench_id": "erp"})), "erp");
        let own = release.spec.template();
        assert_eq!(bench_id(&sample::blueprint(&release, &own, 3), &Map::new()), "erp-r3");
    }

    #[test]
    fn views_change_name_and_password_and_keep_all_else() {
        let got = site(&user_site(), Destination::Views { green: 3, password: "generated" }).unwrap();
        let want =
            serde_json::json!({"db_name": "_abc__r3", "db_password": "generated", "encryption_key": "k"});
        assert_eq!(Value::Object(got), want);
    }

    #[test]
    fn a_closed_site_says_so_to_everybody_and_keeps_all_else() {
        let got = site(&user_site(), Destination::Closed).unwrap();
        assert_eq!(got["maintenance_mode"], 1);
        assert_eq!(got["db_name"], "_abc");
        let release = sample::release();
        let template = release.spec.template();
        let blueprint = sample::blueprint(&release, &template, 1);
        let closed = secret(&blueprint, &BTreeMap::from([(site_key("a"), got)]), Placement::Closed);
        assert_eq!(read(&closed).unwrap().0, Placement::Closed);
    }

    #[test]
    fn the_user_of_a_site_that_names_one_follows_the_schema() {
        let mut user = user_site();
        user.insert("db_user".into(), "someone".into());
        let got = site(&user, Destination::Views { green: 3, password: "p" }).unwrap();
        assert_eq!(got["db_user"], "_abc__r3");
        assert_eq!(site(&user, Destination::Tables).unwrap(), user);
    }

    #[test]
    fn each_colour_has_a_bench_id_and_a_cache_of_its_own() {
        let user = map(
            &serde_json::json!({"redis_cache": "redis://:pw@cache:6379", "redis_queue": "redis://queue/1"}),
        );
        let (one, two) = (common(&user, "erp-r1", 1), common(&user, "erp-r2", 0));
        assert_eq!((&one["bench_id"], &two["bench_id"]), (&"erp-r1".into(), &"erp-r2".into()));
        assert_eq!(
            (&one["redis_cache"], &two["redis_cache"]),
            (&"redis://:pw@cache:6379/1".into(), &"redis://:pw@cache:6379/0".into())
        );
        assert_eq!(one["redis_queue"], user["redis_queue"]);
    }

    #[test]
    fn a_database_that_the_cache_url_names_is_the_base() {
        assert_eq!(cache_url("redis://cache:6379/4", 1), "redis://cache:6379/5");
        assert_eq!(cache_url("rediss://cache/4?x=1", 0), "rediss://cache/4?x=1");
        assert_eq!(cache_url("unix:///run/redis.sock", 1), "unix:///run/redis.sock");
        assert_eq!(cache_url("redis://cache/name", 1), "redis://cache/name");
    }

    #[test]
    fn the_address_of_the_database_comes_from_the_nearest_word() {
        let common = map(&serde_json::json!({"db_host": "shared", "db_port": "3307"}));
        let mut site = user_site();
        assert_eq!(
            facts(&site, &common, &anywhere()).unwrap(),
            SiteFacts { database: "_abc".into(), user: "_abc".into(), host: "shared".into(), port: 3307 }
        );
        site.insert("db_host".into(), "own".into());
        site.insert("db_port".into(), 3308.into());
        let seen = facts(&site, &common, &anywhere()).unwrap();
        assert_eq!((seen.host.as_str(), seen.port), ("own", 3308));
        let forced = Database { host: Some("forced".into()), port: Some(3309), ..anywhere() };
        let seen = facts(&site, &common, &forced).unwrap();
        assert_eq!((seen.host.as_str(), seen.port), ("forced", 3309));
    }

    #[test]
    fn what_is_wrong_is_said_without_a_credential() {
        let no_name =
            map(&serde_json::json!({"db_password": "secret1", "db_host": "h", "encryption_key": "k"}));
        assert_eq!(facts(&no_name, &Map::new(), &anywhere()), Err(ConfigError::Missing("db_name")));
        assert_eq!(facts(&user_site(), &Map::new(), &anywhere()), Err(ConfigError::Missing("db_host")));
        let broken = parse(b"{\"db_password\": \"secret1\" x").unwrap_err().to_string();
        assert!(broken.contains("line 1") && !broken.contains("secret1"), "{broken}");
    }

    #[test]
    fn a_site_without_an_encryption_key_is_refused_wherever_the_key_may_stand() {
        let bench = map(&serde_json::json!({"db_host": "h"}));
        let mut without = user_site();
        without.remove("encryption_key");
        assert_eq!(facts(&without, &bench, &anywhere()), Err(ConfigError::NoEncryptionKey));
        without.insert("encryption_key".into(), "".into());
        assert_eq!(facts(&without, &bench, &anywhere()), Err(ConfigError::NoEncryptionKey));
        let bench = map(&serde_json::json!({"db_host": "h", "encryption_key": "k"}));
        assert!(facts(&without, &bench, &anywhere()).is_ok());
    }

    #[test]
    fn the_hash_follows_the_files_and_the_placement_is_read_back() {
        let release = sample::release();
        let template = release.spec.template();
        let blueprint = sample::blueprint(&release, &template, 1);
        let files = |config| BTreeMap::from([(site_key("erp.example.com"), config)]);
        let tables = secret(&blueprint, &files(user_site()), Placement::Tables);
        let to_views = site(&user_site(), Destination::Views { green: 2, password: "p" }).unwrap();
        let views = secret(&blueprint, &files(to_views), Placement::Views { green: 2 });
        let (placement, hash) = read(&views).unwrap();
        assert_eq!(placement, Placement::Views { green: 2 });
        assert_ne!(hash, read(&tables).unwrap().1);
        insta::assert_yaml_snapshot!(views.metadata);
    }
}
