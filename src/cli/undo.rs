//! `crossfade undo`: back to the version before, as long as there is a way back.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Output;
use super::target::{Target, exit_with};
use crate::release::saying::{Undone, undo};

/// Bring the version before back: at any time before the contraction, also when all traffic is on the new one.
///
/// After that the old version is a release like any other, since the database is no longer the one it left: undo says so
/// and exits with 1.
#[derive(Debug, Args)]
pub(super) struct Undo {
    #[command(flatten)]
    target: Target,
}

impl Undo {
    /// Runs the command.
    pub(super) fn run(self, output: Output) -> ExitCode {
        exit_with(async move {
            let api = self.target.api().await?;
            let release = self.target.get(&api).await?;
            let Undone { revision, blue, fields } = undo(&release)?;
            self.target.say(&api, &fields).await?;
            match output {
                Output::Human => {
                    println!(
                        "FrappeRelease '{}' is taken back from revision {revision} to {blue}",
                        self.target.name
                    );
                }
                Output::Json => {
                    println!("{}", json!({"name": self.target.name, "undone": revision, "blue": blue}));
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
