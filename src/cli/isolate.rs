//! `crossfade isolate`: blue's schema of views and its user.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use super::Output;
use super::site::{self, Failure};
use super::site_release::SiteRelease;
use crate::schema::{handover, isolate};

/// Makes blue's schema: a view per table, copies of what green's migrate rewrites, a user that sees nothing else.
#[derive(Debug, Args)]
pub(crate) struct Isolate {
    #[command(flatten)]
    release: SiteRelease,
    /// File with the password that blue's user gets.
    #[arg(long, value_name = "FILE")]
    schema_password_file: PathBuf,
    /// Then wait until the tables' own user was not seen for this long (as `handover` does).
    #[arg(long, value_name = "SECONDS")]
    until_idle: Option<u64>,
}

impl Isolate {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = self.release.served_plan()?;
            let path = &self.schema_password_file;
            let text = std::fs::read_to_string(path).map_err(Failure::file("read", path))?;
            let password = text.trim_end_matches(['\r', '\n']);
            if password.is_empty() {
                let reason = "it is empty: blue's user must have a password".to_owned();
                return Err(Failure::Content { path: path.display().to_string(), reason });
            }
            let database = self.release.database()?;
            let begun = Instant::now();
            let mut session = self.release.session(&database, &printer).await?;
            let made = isolate::run(&mut session, &plan, password).await?;
            drop(session);
            let spent = begun.elapsed().as_secs_f64();
            if let Some(quiet) = self.until_idle {
                let bound = Duration::from_hours(1);
                handover::run(&database, database.name(), Duration::from_secs(quiet), bound, &printer)
                    .await?;
            }
            Ok(format!(
                "{} has {} views, {} copies, {} sequences ({spent:.1} s)",
                self.release.schema, made.views, made.copies, made.sequences
            ))
        })
    }
}
