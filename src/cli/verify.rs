//! `crossfade verify`: is the release in place?

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::site;
use super::site_release::SiteRelease;
use crate::schema::{Session, divergence, verify};

/// Asks the database whether every step of the plan holds, blue's schema is complete and both versions see the same
/// values; lists what is missing, and refuses (exit code 3) with the rows that differ.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    release: SiteRelease,
    /// Go on comparing both versions' columns for so long while they serve; the first difference ends it.
    #[arg(long, value_name = "SECONDS")]
    continuous: Option<u64>,
}

impl Verify {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let plan = self.release.plan()?;
            let database = self.release.database()?;
            let work = async |session: &mut Session<'_>| {
                let verified = verify::run(session, &plan).await?;
                let mut said = format!(
                    "{} things looked at, nothing is missing; {}",
                    verified.looked, verified.compared
                );
                if let Some(seconds) = self.continuous {
                    let how_long = Duration::from_secs(seconds);
                    let (compared, passes) = divergence::keep_on(session, &plan, how_long).await?;
                    let _ = write!(said, "; {passes} passes in {seconds} s, in the last one {compared}");
                }
                Ok(said)
            };
            self.release.in_session(&database, &printer, work).await
        })
    }
}
