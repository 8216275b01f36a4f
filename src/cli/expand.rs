//! `crossfade expand`: the steps before green's migrate.

use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site;
use super::site_release::SiteRelease;
use crate::schema::{Session, expand, verify};

/// Settles blue's schema, runs the plan's steps on the tables, and verifies them. May be run again at any time.
#[derive(Debug, Args)]
pub(crate) struct Expand {
    #[command(flatten)]
    release: SiteRelease,
}

impl Expand {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = self.release.served_plan()?;
            let database = self.release.database()?;
            let work = async |session: &mut Session<'_>| {
                let expanded = expand::run(session, &plan).await?;
                let verified = verify::run(session, &plan).await?;
                Ok(format!(
                    "{} steps ran, {} were in effect, {} things verified, {}; {}",
                    expanded.ran,
                    expanded.found,
                    verified.looked,
                    verified.compared,
                    session.waited()
                ))
            };
            self.release.in_session(&database, &printer, work).await
        })
    }
}
