//! The user's Secrets: the configuration of the bench and of its sites. They are read and never written.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Map, Value};

use super::context::{Context, title};
use super::error::Error;
use crate::api::site::SecretKey;
use crate::api::{FrappeRelease, Template};
use crate::manifest::config;

/// A configuration file that was read, or why it cannot be.
type File = Result<Map<String, Value>, Error>;

/// The files of a revision as the user wrote them.
pub(super) struct UserFiles {
    /// `common_site_config.json`.
    pub(super) common: File,
    /// `site_config.json` by site.
    pub(super) sites: BTreeMap<String, File>,
}

impl UserFiles {
    /// Values that must not be shown: passwords and keys of at least six characters.
    pub(super) fn secrets(&self) -> Vec<String> {
        let files = self.sites.values().chain([&self.common]).filter_map(|file| file.as_ref().ok());
        let mut all: Vec<String> = files.flat_map(secrets_of).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// Reads the files of a template. A file that is wrong is part of the answer; an API server that fails is an error.
pub(super) async fn read(
    ctx: &Context,
    release: &FrappeRelease,
    template: &Template,
) -> Result<UserFiles, Error> {
    let common = file(ctx, release, &template.bench.common_config_secret).await?;
    let mut sites = BTreeMap::new();
    for site in &template.sites {
        sites.insert(site.name.clone(), file(ctx, release, &site.config_secret).await?);
    }
    Ok(UserFiles { common, sites })
}

async fn file(ctx: &Context, release: &FrappeRelease, at: &SecretKey) -> Result<File, Error> {
    let secret = ctx.api::<Secret>(release).get_opt(&at.name).await;
    let secret = secret.map_err(|source| Error::Read { what: title::<Secret>(&(), &at.name), source })?;
    let data = secret.and_then(|secret| secret.data).unwrap_or_default();
    let Some(text) = data.get(&at.key) else {
        return Ok(Err(Error::NoSecret { secret: at.name.clone(), key: at.key.clone() }));
    };
    Ok(config::parse(&text.0).map_err(|source| wrong(at, source)))
}

/// An error about a user's file that says where the file is.
pub(super) fn wrong(at: &SecretKey, source: config::ConfigError) -> Error {
    Error::Config { secret: at.name.clone(), key: at.key.clone(), source }
}

fn secrets_of(file: &Map<String, Value>) -> Vec<String> {
    const SHORTEST: usize = 6;
    let texts = file.iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
    texts
        .filter_map(|(key, value)| {
            if key.contains("password") || key.contains("secret") || key.ends_with("_key") {
                return Some(value);
            }
            // A URL may carry a password: scheme://user:password@host.
            let (credentials, _) = value.split_once("://")?.1.rsplit_once('@')?;
            Some(credentials.split_once(':').map_or(credentials, |(_, password)| password))
        })
        .filter(|secret| secret.len() >= SHORTEST)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_keys_count_as_secrets_and_names_do_not() {
        let file = serde_json::json!({
            "db_name": "_0123456789", "db_password": "password1", "encryption_key": "key-key-key",
            "redis_queue": "redis://user:in-the-url@queue:6379", "db_host": "mariadb", "mail_password": "abc",
        });
        let Value::Object(file) = file else { panic!("it is an object") };
        let mut secrets = secrets_of(&file);
        secrets.sort();
        assert_eq!(secrets, ["in-the-url", "key-key-key", "password1"]);
    }
}
