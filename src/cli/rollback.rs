//! `crossfade rollback`: gives the tables back to blue.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Output;
use super::site::{self, Failure, Printer};
use super::site_release::SiteRelease;
use crate::schema::progress::Progress;
use crate::schema::{Session, cache, rollback};

/// Takes a release back. Stage `tables` first, then blue's configuration back to the tables, then stage `finish`.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    release: SiteRelease,
    /// Which half to run.
    #[arg(long, value_enum)]
    stage: Stage,
    /// How long nobody of the colour that has to be gone may have been seen: green for stage `tables`, blue for `finish`.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    quiet_seconds: u64,
    /// Redis of a colour's cache (its logical database in the path); give both colours', blue's first.
    #[arg(long, value_name = "URL")]
    redis_cache: Vec<String>,
    /// A colour's `common_site_config.json`, read for `redis_cache`; give both colours', blue's first.
    #[arg(long, value_name = "FILE")]
    common_config: Vec<PathBuf>,
}

/// The halves of a rollback; blue's configuration changes between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Undo steps, metadata back, the base's keys in Redis deleted. Green must be stopped.
    Tables,
    /// Wait until blue has left its schema; drop schema, user, trash, blue's keys, and what it cached on its way back.
    Finish,
}

impl Rollback {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = self.release.plan()?;
            let database = self.release.database()?;
            let urls = self.redis_urls()?;
            let work = async |session: &mut Session<'_>| {
                let quiet = Duration::from_secs(self.quiet_seconds);
                match self.stage {
                    Stage::Tables => rollback::tables(session, &plan, quiet).await?,
                    Stage::Finish => rollback::finish(session, quiet).await?,
                }
                self.clear_cache(&printer, database.name(), &urls).await
            };
            self.release.in_session(&database, &printer, work).await?;
            Ok(match self.stage {
                Stage::Tables => {
                    "the tables are blue's again: give blue its own configuration back".to_owned()
                }
                Stage::Finish => format!("{} is gone; blue is on its tables", self.release.schema),
            })
        })
    }

    /// Of each Redis what the other colour must not find, once the tables are blue's again and once blue's schema is gone.
    async fn clear_cache(&self, printer: &Printer, base: &str, urls: &[String]) -> Result<(), Failure> {
        for url in urls {
            // Blue's is the first, and blue goes on: what green left waiting in its own is run there.
            let blues = urls.first().unwrap_or(url);
            let cleared = match self.stage {
                Stage::Tables if url != blues => {
                    cache::renew_settings(url, base, blues, base).await?;
                    cache::retire(url, base, blues, base).await?
                }
                Stage::Tables => {
                    // Users' settings under the tables' prefix are of before the hand-over in blue's Redis, and stay: what
                    // blue was told since is newer, and so is, of its own users, what green was told.
                    cache::renew_settings(url, &self.release.schema, url, base).await?;
                    cache::clear(url, base).await?
                }
                Stage::Finish => cache::retire(url, &self.release.schema, blues, base).await?,
            };
            let message = format!("{} keys deleted, {} deferred inserts moved", cleared.keys, cleared.moved);
            printer.report("cache", 1, 1, &message);
        }
        if let (Stage::Finish, Some(blues)) = (self.stage, urls.first()) {
            // A Pod that was back on the tables early may have cached what one that was not has changed.
            let stale = cache::clear(blues, base).await?;
            printer.report("cache", 1, 1, &format!("{} keys of {} deleted", stale.keys, base));
        }
        Ok(())
    }

    fn redis_urls(&self) -> Result<Vec<String>, Failure> {
        let mut urls = self.redis_cache.clone();
        for path in &self.common_config {
            urls.extend(site::setting(None, Some(path), "redis_cache")?);
        }
        let mut seen = std::collections::BTreeSet::new();
        urls.retain(|url| seen.insert(url.clone()));
        Ok(urls)
    }
}
