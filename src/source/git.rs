//! Apps as a commit of their repository has them, by the program `git`: it knows its formats, worktrees and settings.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::tree::{AppFiles, Checkout, Tree, tree};
use super::{Code, SourceError, archive};

/// What a reference stands for in the repository of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The app.
    pub app: String,
    /// Its hash.
    pub hash: String,
}

/// Whether a directory lies in a repository that has a commit.
pub fn is_in_repository(root: &Path) -> bool {
    resolve(root, "HEAD").is_ok()
}

/// Reads the apps as a commit has them, without what their patches do (they have run).
///
/// # Errors
/// If a directory lies in no repository, or its repository does not know the reference.
pub fn read_commit(checkouts: &[Checkout], reference: &str) -> Result<(Tree, Vec<Commit>), SourceError> {
    let (mut apps, mut commits) = (Vec::new(), Vec::new());
    for checkout in checkouts {
        let hash = resolve(&checkout.root, reference)?;
        let files = files(checkout, &hash)?;
        apps.push((checkout.clone(), files.clone(), Code::Memory(files)));
        commits.push(Commit { app: checkout.app.clone(), hash });
    }
    Ok((tree(apps, false)?, commits))
}

fn resolve(root: &Path, reference: &str) -> Result<String, SourceError> {
    let mut command = git(root);
    // What begins with a hyphen is no option.
    command
        .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
        .arg(format!("{reference}^{{commit}}"));
    let failed =
        |reason: String| SourceError::Git { path: root.to_owned(), reference: reference.to_owned(), reason };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        return Err(failed(if said.is_empty() {
            "the repository does not know it".to_owned()
        } else {
            said.to_owned()
        }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The files of the directory in that commit, by path within the directory.
fn files(checkout: &Checkout, hash: &str) -> Result<AppFiles, SourceError> {
    let failed =
        |reason: String| SourceError::Git { path: checkout.root.clone(), reference: hash.to_owned(), reason };
    let mut command = git(&checkout.root);
    // Attributes may take files out of an archive (export-ignore); no app marks its DocTypes so.
    command.args(["archive", "--format=tar", hash]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let read = child.stdout.take().map(|mut archive| {
        let files = archive::entries(&mut archive, &checkout.root, false);
        // Who closes early makes Git fail: behind the last entry are empty blocks.
        let _ = io::copy(&mut archive, &mut io::sink());
        files
    });
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    read.unwrap_or_else(|| Ok(AppFiles::new()))
}

fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).stdin(Stdio::null());
    // A hook or an alias that runs us must not send us to its own repository.
    command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    command
}
