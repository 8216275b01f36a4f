//! `crossfade snapshot`: what the apps of a bench say about the database, as one JSON file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::site;
use crate::source;

/// Write the DocTypes, patches and hooks of all apps of a bench, or of one app, to a file.
///
/// The same apps give the same bytes, so snapshots can be compared and kept.
#[derive(Debug, Args)]
pub(super) struct Snapshot {
    /// Bench directory, with apps/ and sites/apps.txt; or the checkout of one app.
    #[arg(long, value_name = "DIR")]
    bench: String,
    /// File to write; "-" for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Write nothing, and fail (exit code 3) if these are not the apps that the plan was made to release.
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    as_planned: Option<PathBuf>,
}

impl Snapshot {
    /// Runs the command: 0 done, 1 failed, 3 other apps than planned.
    pub(super) fn run(&self) -> ExitCode {
        match self.write() {
            Ok(code) => code,
            Err(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
        }
    }

    fn write(&self) -> Result<ExitCode, String> {
        let places = std::slice::from_ref(&self.bench);
        let snapshot = source::read_all(places).map_err(|error| error.to_string())?;
        if let Some(path) = &self.as_planned {
            let plan = site::read_plan(path).map_err(|error| error.to_string())?;
            let digest =
                snapshot.digest().map_err(|error| format!("failed to hash the snapshot: {error}"))?;
            let planned = &plan.basis.green_apps;
            if digest == *planned {
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!(
                "refused: the apps of {} ({digest:.12}) are not those that the plan was made for ({planned:.12}): was the image pushed anew under its tag? Make a new plan",
                self.bench
            );
            return Ok(ExitCode::from(3));
        }
        let mut text =
            serde_json::to_string(&snapshot).map_err(|error| format!("failed to write JSON: {error}"))?;
        text.push('\n');
        if self.out.as_os_str() == "-" {
            print!("{text}");
            return Ok(ExitCode::SUCCESS);
        }
        std::fs::write(&self.out, text)
            .map_err(|error| format!("failed to write {}: {error}", self.out.display()))?;
        let doctypes: usize = snapshot.apps.iter().map(|app| app.doctypes.len()).sum();
        eprintln!("{} apps, {doctypes} DocTypes written to {}", snapshot.apps.len(), self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}
