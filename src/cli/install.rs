//! `crossfade install`: puts the program and its no-wait entry where a bench image can run them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site::{self, Failure};

/// Makes the DDL of an unmodified Frappe no-wait; its folder goes on PYTHONPATH for green's migrate.
const ENTRY: &str = include_str!("../entry/sitecustomize.py");

/// Copies this program to DIR/crossfade and writes DIR/entry/sitecustomize.py.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// A directory, in Kubernetes an emptyDir that the bench's containers mount as well.
    directory: PathBuf,
}

impl Install {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |_| async move {
            let entry = self.directory.join("entry");
            std::fs::create_dir_all(&entry).map_err(Failure::file("create", &entry))?;
            let program = self.directory.join("crossfade");
            copy_self(&program)?;
            let file = entry.join("sitecustomize.py");
            std::fs::write(&file, ENTRY).map_err(Failure::file("write", &file))?;
            Ok(format!("{} and {}", program.display(), file.display()))
        })
    }
}

/// By way of a second name: a container that restarts may find the program in use ("text file busy").
fn copy_self(to: &Path) -> Result<(), Failure> {
    let own = std::env::current_exe().map_err(Failure::file("find", Path::new("this program")))?;
    let part = to.with_extension("part");
    std::fs::copy(&own, &part).map_err(Failure::file("copy to", &part))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&part, mode).map_err(Failure::file("make executable", &part))?;
    std::fs::rename(&part, to).map_err(Failure::file("rename to", to))
}
