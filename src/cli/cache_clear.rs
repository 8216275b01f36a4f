//! `crossfade cache-clear`: deletes the keys of one prefix.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site;
use crate::schema::cache;

/// Deletes PREFIX|* in one Redis, except rows of deferred inserts, which are not in the database yet.
#[derive(Debug, Args)]
pub(crate) struct CacheClear {
    /// Redis of the cache, with its logical database in the path.
    #[arg(long, value_name = "URL")]
    redis_cache: Option<String>,
    /// A mounted `common_site_config.json`, read for `redis_cache`.
    #[arg(long, value_name = "FILE")]
    common_config: Option<PathBuf>,
    /// The prefix: a site's `db_name`.
    #[arg(long)]
    prefix: String,
}

impl CacheClear {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |_| async move {
            let (url, config) = (self.redis_cache.as_deref(), self.common_config.as_deref());
            let url = site::needed_setting(url, config, "redis_cache", "--redis-cache")?;
            let cleared = cache::clear(&url, &self.prefix).await?;
            Ok(format!("{} keys of {} deleted", cleared.keys, self.prefix))
        })
    }
}
