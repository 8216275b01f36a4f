//! `crossfade follow`: keeps the configuration in a Pod's `sites/` what the mounted Secret says.

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::site::{self, Failure};
use super::stopped::stopped;
use super::{Output, site_config};
use crate::schema::progress::Progress;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Brings what the kubelet writes into the mounted Secret into sites/, until it is stopped.
#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// The bench's sites/.
    #[arg(long, value_name = "DIR")]
    sites: PathBuf,
    /// Where the colour's configuration is mounted.
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// A site; give it once for each.
    #[arg(long = "site", required = true)]
    names: Vec<String>,
}

impl Follow {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |printer| async move {
            let mut stopped = pin!(stopped()?);
            let (mut followed, mut failed) = (None, None);
            loop {
                let state = site_config::state(&self.config);
                let is_new = followed.as_ref() != Some(&state);
                if is_new || state.is_none() {
                    match site_config::copy(&self.config, &self.sites, &self.names) {
                        Ok(()) => {
                            if is_new {
                                printer.report("follow", 1, 1, "sites/ has what is mounted");
                            }
                            (followed, failed) = (Some(state), None);
                        }
                        Err(failure) => {
                            let words = Some(failure.to_string());
                            if failed != words {
                                printer.report("follow", 0, 1, words.as_deref().unwrap_or_default());
                            }
                            failed = words;
                        }
                    }
                }
                tokio::select! {
                    () = &mut stopped => return Ok::<_, Failure>("it was stopped".to_owned()),
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
        })
    }
}
