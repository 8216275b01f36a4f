//! `crossfade restore`: puts back what a contract dropped.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site;
use super::site_release::SiteRelease;
use crate::schema::Session;
use crate::schema::restore::{self, Wanted};

/// Puts columns and tables back that `contract --backup` kept. The release stays: green goes on.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    release: SiteRelease,
    /// The file that `contract --backup` wrote.
    #[arg(long, value_name = "FILE")]
    backup: PathBuf,
    /// An existing database that also gets blue's own copies: metadata, workspaces.
    #[arg(long, value_name = "DATABASE")]
    copies_into: Option<String>,
}

impl Restore {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let database = self.release.database()?;
            let work = async |session: &mut Session<'_>| {
                let wanted = Wanted { copies_into: self.copies_into.as_deref() };
                let kept = restore::run(session, &self.backup, wanted).await?;
                Ok(format!("{} tables with {} rows were put back", kept.parts, kept.rows))
            };
            self.release.in_session(&database, &printer, work).await
        })
    }
}
