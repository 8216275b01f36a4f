//! The files of an app's checkout that matter.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::doctype::{AppReader, MAX_FILE_BYTES};

use super::{MAX_APP_BYTES, MAX_ENTRIES, SourceError};

/// Deeper than any file that matters (`app/module/doctype/name/name.json`).
const MAX_DEPTH: usize = 5;

/// Called with the path within the app and the bytes of each file that matters.
type Visit<'a> = dyn FnMut(&str, &[u8]) -> Result<(), SourceError> + 'a;

/// Visits every file that matters, sorted by path. Links are not followed: they could lead out of the app.
pub(super) fn walk(root: &Path, visit: &mut Visit<'_>) -> Result<(), SourceError> {
    let mut total = 0;
    for file in paths(root, AppReader::wants)? {
        let bytes = read_file(&root.join(&file), MAX_FILE_BYTES + 1)?;
        total += bytes.len();
        if total > MAX_APP_BYTES {
            return Err(SourceError::TooMuch { path: root.to_owned(), what: "bytes", limit: MAX_APP_BYTES });
        }
        visit(&file, &bytes)?;
    }
    Ok(())
}

/// The paths of all files below a directory that are wanted, sorted.
pub(super) fn paths(root: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, SourceError> {
    let mut files = Vec::new();
    let mut seen = 0;
    list(root, ("", 0), &is_wanted, &mut files, &mut seen).map_err(|error| match error {
        Stop::Io(error) => error,
        Stop::TooMany => SourceError::TooMuch { path: root.to_owned(), what: "entries", limit: MAX_ENTRIES },
    })?;
    files.sort();
    Ok(files)
}

/// Reads a file, at most `limit` bytes of it: what is longer is refused by who parses it.
pub(super) fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, SourceError> {
    let io = |source| SourceError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(io)?.take(limit as u64).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// A file of an app by its path, which may be anything: `None` if there is none, or if a link leads out of the app.
pub(super) fn inside(root: &Path, path: &str, limit: usize) -> Option<Vec<u8>> {
    let (root, file) = (root.canonicalize().ok()?, root.join(path).canonicalize().ok()?);
    if !file.starts_with(&root) || !file.is_file() {
        return None;
    }
    read_file(&file, limit).ok()
}

enum Stop {
    Io(SourceError),
    TooMany,
}

fn list(
    root: &Path,
    (within, depth): (&str, usize),
    is_wanted: &dyn Fn(&str) -> bool,
    files: &mut Vec<String>,
    seen: &mut usize,
) -> Result<(), Stop> {
    let directory = root.join(within);
    let io = |source| Stop::Io(SourceError::Io { path: directory.clone(), source });
    for entry in fs::read_dir(&directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        *seen += 1;
        if *seen > MAX_ENTRIES {
            return Err(Stop::TooMany);
        }
        // A name that is no UTF-8 is none of a DocType's file.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
        let kind = entry.file_type().map_err(io)?;
        let is_skipped = matches!(name.as_str(), "node_modules" | ".git" | "public" | "__pycache__");
        if kind.is_dir() && depth < MAX_DEPTH && !is_skipped {
            list(root, (&path, depth + 1), is_wanted, files, seen)?;
        } else if kind.is_file() && is_wanted(&path) {
            files.push(path);
        }
    }
    Ok(())
}
