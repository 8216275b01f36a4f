//! The files of an app in a `.tar.gz`; nothing is unpacked to disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

use flate2::read::GzDecoder;

use crate::doctype::{App, AppReader, MAX_FILE_BYTES};

use super::{MAX_APP_BYTES, MAX_ENTRIES, MAX_UNPACKED_BYTES, SourceError, filled};

/// Reads the app in an archive; its name is the package's, unless it is given. With its Python files: those of
/// controllers, and all if they are asked for.
pub(super) fn read(
    name: Option<&str>,
    path: &Path,
    with_code: bool,
) -> Result<(App, BTreeMap<String, Vec<u8>>), SourceError> {
    let mut files = files(path, with_code)?;
    let name = name.map_or_else(|| package(&files, path), str::to_owned);
    let mut reader = AppReader::new(&name);
    for (file, bytes) in &files {
        reader.add(file, bytes)?;
    }
    files.retain(|file, _| is_wanted_code(file, with_code));
    Ok((filled(reader.finish(), path)?, files))
}

/// Controllers are always read, patches and what they call if they are asked for.
fn is_wanted_code(file: &str, with_code: bool) -> bool {
    let is_code = Path::new(file).extension().is_some_and(|extension| extension == "py");
    is_code && (with_code || file.contains("/doctype/") || file.ends_with("/__init__.py"))
}

fn files(path: &Path, with_code: bool) -> Result<BTreeMap<String, Vec<u8>>, SourceError> {
    let io = |source| SourceError::Io { path: path.to_owned(), source };
    // The limit holds for what comes out, so a small archive cannot keep us busy or fill the memory.
    let mut unpacked = GzDecoder::new(File::open(path).map_err(io)?).take(MAX_UNPACKED_BYTES);
    let files = entries(&mut unpacked, path, with_code);
    // Where the limit cut the archive, that is the reason, whatever it looked like from within.
    if unpacked.limit() == 0 {
        return Err(SourceError::TooMuch {
            path: path.to_owned(),
            what: "bytes unpacked",
            limit: usize::try_from(MAX_UNPACKED_BYTES).unwrap_or(usize::MAX),
        });
    }
    files
}

/// The files of a tar archive that matter, by path; `path` is where it comes from, for messages.
pub(super) fn entries(
    unpacked: &mut impl Read,
    path: &Path,
    with_code: bool,
) -> Result<BTreeMap<String, Vec<u8>>, SourceError> {
    let io = |source| SourceError::Io { path: path.to_owned(), source };
    let too_much = |what, limit| SourceError::TooMuch { path: path.to_owned(), what, limit };
    let mut archive = tar::Archive::new(unpacked);
    let (mut files, mut total) = (BTreeMap::new(), 0);
    for (at, entry) in archive.entries().map_err(io)?.enumerate() {
        let mut entry = entry.map_err(io)?;
        if at >= MAX_ENTRIES {
            return Err(too_much("entries", MAX_ENTRIES));
        }
        let file = inside(&entry.path().map_err(io)?, path)?;
        let is_wanted = AppReader::wants(&file) || is_wanted_code(&file, with_code);
        if !entry.header().entry_type().is_file() || !is_wanted {
            continue;
        }
        let most = MAX_FILE_BYTES as u64 + 1;
        // What it says of its size may be anything.
        let mut bytes = Vec::with_capacity(usize::try_from(entry.size().min(most)).unwrap_or_default());
        entry.by_ref().take(most).read_to_end(&mut bytes).map_err(io)?;
        total += bytes.len();
        if total > MAX_APP_BYTES {
            return Err(too_much("bytes", MAX_APP_BYTES));
        }
        files.insert(file, bytes);
    }
    Ok(files)
}

/// The entry's path within the archive, with `/`.
fn inside(entry: &Path, archive: &Path) -> Result<String, SourceError> {
    let mut parts = Vec::new();
    for component in entry.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                let entry = entry.display().to_string();
                return Err(SourceError::Escapes { path: archive.to_owned(), entry });
            }
        }
    }
    Ok(parts.join("/"))
}

/// The directory that holds `hooks.py`, `modules.txt` or `patches.txt`, else the archive's name up to the first dot.
fn package(files: &BTreeMap<String, Vec<u8>>, path: &Path) -> String {
    let of_app = files
        .keys()
        .filter_map(|file| file.split_once('/'))
        .find(|(_, rest)| matches!(*rest, "hooks.py" | "modules.txt" | "patches.txt"));
    let own = || {
        let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
        file.split('.').next().unwrap_or("app").to_owned()
    };
    of_app.map_or_else(own, |(package, _)| package.to_owned())
}
