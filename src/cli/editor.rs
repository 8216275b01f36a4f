//! `crossfade editor`: the DocType Editor on loopback.

use std::process::ExitCode;

use clap::Args;

use crate::web::api;

/// Edit DocTypes in the browser and see, while you type, what each change does to a live site.
#[derive(Debug, Args)]
pub(super) struct Editor {
    /// Print the description of the page's API and end.
    #[arg(long, hide = true)]
    openapi: bool,
}

impl Editor {
    /// Runs the command.
    pub(super) fn run(&self) -> ExitCode {
        if !self.openapi {
            return ExitCode::FAILURE;
        }
        match api::openapi() {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: failed to write the description of the API: {error}");
                ExitCode::FAILURE
            }
        }
    }
}
