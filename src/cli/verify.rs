//! `crossfade verify`: is the release in place?

use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site;
use super::site_release::SiteRelease;
use crate::schema::verify;

/// Asks the database whether every step of the plan holds and blue's schema is complete; lists what is missing.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    release: SiteRelease,
}

impl Verify {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = self.release.plan()?;
            let database = self.release.database()?;
            let mut session = self.release.session(&database, &printer).await?;
            let looked = verify::run(&mut session, &plan).await?;
            Ok(format!("{looked} things looked at, nothing is missing"))
        })
    }
}
