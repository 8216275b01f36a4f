//! `crossfade snapshot`: what the apps of a bench say about the database, as one JSON file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::source;

/// Write the DocTypes, patches and hooks of all apps of a bench to a file.
///
/// The same apps give the same bytes, so snapshots can be compared and kept.
#[derive(Debug, Args)]
pub(super) struct Snapshot {
    /// Bench directory, with apps/ and sites/apps.txt.
    #[arg(long, value_name = "DIR")]
    bench: PathBuf,
    /// File to write; "-" for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

impl Snapshot {
    /// Runs the command: 0 done, 1 failed.
    pub(super) fn run(&self) -> ExitCode {
        match self.write() {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
        }
    }

    fn write(&self) -> Result<(), String> {
        let snapshot = source::read_bench(&self.bench).map_err(|error| error.to_string())?;
        let mut text =
            serde_json::to_string(&snapshot).map_err(|error| format!("failed to write JSON: {error}"))?;
        text.push('\n');
        if self.out.as_os_str() == "-" {
            print!("{text}");
            return Ok(());
        }
        std::fs::write(&self.out, text)
            .map_err(|error| format!("failed to write {}: {error}", self.out.display()))?;
        let doctypes: usize = snapshot.apps.iter().map(|app| app.doctypes.len()).sum();
        eprintln!("{} apps, {doctypes} DocTypes written to {}", snapshot.apps.len(), self.out.display());
        Ok(())
    }
}
