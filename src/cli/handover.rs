//! `crossfade handover`: waits until blue has left the tables.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::site::{self, Connection};
use crate::schema::progress::Progress;
use crate::schema::{cache, handover};

/// Waits until no connection of the tables' own user was seen for a while; says who is still connected.
///
/// With --schema it then deletes what is cached under that prefix: a Pod that moved early may have cached what one that moved
/// late has changed, and was not told, for each deletes under its own prefix alone.
#[derive(Debug, Args)]
pub(crate) struct Handover {
    #[command(flatten)]
    connection: Connection,
    /// How long nobody may have been seen.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    quiet_seconds: u64,
    /// The tables' own user, if it is not named like the database (`db_user` of `site_config.json`).
    #[arg(long)]
    user: Option<String>,
    /// How long to wait at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    wait: u64,
    /// Blue's schema: its keys in Redis are deleted, except what lives in Redis alone.
    #[arg(long)]
    schema: Option<String>,
    /// Redis of blue's cache, with its logical database in the path.
    #[arg(long, value_name = "URL", requires = "schema")]
    redis_cache: Option<String>,
    /// Blue's `common_site_config.json`, read for `redis_cache`.
    #[arg(long, value_name = "FILE", requires = "schema")]
    common_config: Option<PathBuf>,
}

impl Handover {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let database = self.connection.open()?;
            let user = self.user.as_deref().unwrap_or(database.name());
            let (quiet, bound) = (Duration::from_secs(self.quiet_seconds), Duration::from_secs(self.wait));
            let took = handover::run(&database, user, quiet, bound, &printer).await?;
            if let Some(schema) = &self.schema {
                let (url, config) = (self.redis_cache.as_deref(), self.common_config.as_deref());
                let url = site::needed_setting(url, config, "redis_cache", "--redis-cache")?;
                let cleared = cache::clear(&url, schema).await?;
                printer.report("cache", 1, 1, &format!("{} keys of {schema} deleted", cleared.keys));
            }
            Ok(format!("nobody is on the tables as {user} any more ({:.1} s)", took.as_secs_f64()))
        })
    }
}
