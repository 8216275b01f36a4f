//! Why apps could not be read from a place.

use std::path::PathBuf;

use thiserror::Error;

use crate::doctype::ReadError;

/// What went wrong; each names the file or directory.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The file system said no.
    #[error("failed to read {}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file within an app is not what it should be.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory has no `apps/` with `sites/apps.txt` or `apps.txt`.
    #[error("failed to read the bench {}: it has no apps/ with sites/apps.txt or apps.txt", path.display())]
    NoBench {
        /// The directory.
        path: PathBuf,
    },
    /// `apps.txt` names an app that is not there.
    #[error("failed to read the app {app:?}: apps.txt names it, but {} is no directory", path.display())]
    NoApp {
        /// Where it should be.
        path: PathBuf,
        /// The app.
        app: String,
    },
    /// `apps.txt` holds what is no name of an app.
    #[error("failed to read {}: {app:?} is no name of an app", path.display())]
    BadAppName {
        /// The file.
        path: PathBuf,
        /// The line.
        app: String,
    },
    /// There is nothing of an app in this place.
    #[error(
        "failed to find an app in {}: it has no modules.txt, patches.txt or DocType JSON; give a bench, the checkout of an app, its .tar.gz or a snapshot file",
        path.display()
    )]
    NotAnApp {
        /// The place.
        path: PathBuf,
    },
    /// Two places hold the same app.
    #[error("failed to join the apps: {app:?} is given twice")]
    TwiceGiven {
        /// The app.
        app: String,
    },
    /// The place holds more than any app.
    #[error("failed to read {}: it has more than {limit} {what}", path.display())]
    TooMuch {
        /// The place.
        path: PathBuf,
        /// What there is too much of.
        what: &'static str,
        /// What is allowed.
        limit: usize,
    },
    /// An entry of an archive wants to be outside of it.
    #[error("failed to read {}: its entry {entry:?} leaves the archive", path.display())]
    Escapes {
        /// The archive.
        path: PathBuf,
        /// The entry's path.
        entry: String,
    },
    /// Git does not give what was asked for.
    #[error("failed to read {reference:?} of the Git repository in {}: {reason}", path.display())]
    Git {
        /// Directory of the app.
        path: PathBuf,
        /// What was asked for.
        reference: String,
        /// What Git said.
        reason: String,
    },
}
