//! `crossfade contract`: removes what only blue needed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::site::{self, Printer};
use super::site_release::SiteRelease;
use crate::schema::progress::Progress;
use crate::schema::{Session, cache, contract};

/// Drops triggers, blue's schema and its user, and blue's keys in Redis. There is no way back.
#[derive(Debug, Args)]
pub(crate) struct Contract {
    #[command(flatten)]
    release: SiteRelease,
    /// Redis of blue's cache (its logical database in the path): both prefixes are deleted in it.
    #[arg(long, value_name = "URL", hide_env_values = true)]
    redis_cache: Option<String>,
    /// Blue's `common_site_config.json`, read for `redis_cache`.
    #[arg(long, value_name = "FILE")]
    common_config: Option<PathBuf>,
    /// Redis of green's cache: gets the deferred inserts that blue left. Without it they go to blue's.
    #[arg(long, value_name = "URL")]
    live_redis_cache: Option<String>,
    /// Green's `common_site_config.json`, read for `redis_cache`.
    #[arg(long, value_name = "FILE")]
    live_common_config: Option<PathBuf>,
    /// Keep all that is dropped in this file first; `crossfade restore` puts it back.
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Drop columns of the site without a backup of them.
    #[arg(long, conflicts_with = "backup")]
    without_backup: bool,
    /// How long nobody of blue may have been seen.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    quiet_seconds: u64,
    /// Drop also columns and tables that green does not know any more; Frappe itself never does.
    #[arg(long)]
    drop_removed: bool,
}

impl Contract {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = self.release.plan()?;
            let database = self.release.database()?;
            let work = async |session: &mut Session<'_>| {
                let options = contract::Options {
                    backup: self.backup.as_deref(),
                    without_backup: self.without_backup,
                    drop_removed: self.drop_removed,
                    quiet: Duration::from_secs(self.quiet_seconds),
                };
                contract::run(session, &plan, options).await?;
                self.clear_cache(&printer, database.name()).await?;
                let waited = session.waited();
                Ok(format!("{} is gone; the tables are green's alone; {waited}", self.release.schema))
            };
            self.release.in_session(&database, &printer, work).await
        })
    }

    async fn clear_cache(&self, printer: &Printer, base: &str) -> Result<(), site::Failure> {
        let blue = site::setting(self.redis_cache.as_deref(), self.common_config.as_deref(), "redis_cache")?;
        let live = site::setting(
            self.live_redis_cache.as_deref(),
            self.live_common_config.as_deref(),
            "redis_cache",
        )?;
        let Some(blue) = blue else { return Ok(()) };
        let target = live.clone().unwrap_or_else(|| blue.clone());
        let cleared = cache::retire(&blue, &self.release.schema, &target, base).await?;
        let message =
            format!("{} keys of blue deleted, {} deferred inserts moved", cleared.keys, cleared.moved);
        printer.report("cache", 1, 2, &message);
        // Keys from before the hand-over, stale for whoever uses this logical database next; not if green is there.
        // Its deferred inserts wait there since then: nobody runs them under this prefix any more.
        if target != blue {
            let stale = cache::retire(&blue, base, &target, base).await?;
            let message = format!(
                "{} keys from before the release deleted, {} deferred inserts moved",
                stale.keys, stale.moved
            );
            printer.report("cache", 2, 2, &message);
        } else if live.is_none() {
            let stale = cache::clear(&blue, base).await?;
            printer.report("cache", 2, 2, &format!("{} keys from before the release deleted", stale.keys));
        }
        Ok(())
    }
}
