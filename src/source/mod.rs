//! Where apps come from (IO: files): a bench, the checkout of one app, a `.tar.gz` of one, a snapshot file.
//!
//! Files are read into memory within limits and handed to [`crate::doctype::AppReader`]; nothing is unpacked to disk.

mod archive;
mod assets;
mod directory;
mod error;
mod git;
mod tree;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::doctype::{App, AppReader, Snapshot};
use crate::patch::{self, Files, MAX_CODE_BYTES};

pub use error::SourceError;
pub use git::{Commit, is_in_repository, read_commit};
pub use tree::{BadFile, Checkout, DocTypeSource, Stamps, Tree, checkouts, document, read_tree, stamps};
pub use write::{FileEdit, WriteError, write_all};

/// Entries of one app that are looked at; ERPNext with its Node modules has 100,000.
const MAX_ENTRIES: usize = 500_000;
/// Bytes of one app that are read, and of a snapshot; the DocTypes of ERPNext are 9 MB.
const MAX_APP_BYTES: usize = 64 * 1024 * 1024;
/// Bytes that an archive may unpack to, with what is passed over: the checkout of ERPNext has 80 MB, one with its Node modules some hundred.
const MAX_UNPACKED_BYTES: u64 = 512 * 1024 * 1024;

/// Where the Python of an app lies.
enum Code {
    /// In its checkout.
    Directory(PathBuf),
    /// In memory, out of an archive.
    Memory(BTreeMap<String, Vec<u8>>),
    /// Nowhere: a snapshot has what it says of patches already.
    None,
}

/// The Python of all apps by name.
struct AllCode(BTreeMap<String, Code>);

impl Files for AllCode {
    fn file(&self, app: &str, path: &str) -> Option<Vec<u8>> {
        match self.0.get(app)? {
            // A byte more than is allowed, so that a file that is too large is seen to be.
            Code::Directory(root) => directory::inside(root, path, MAX_CODE_BYTES + 1),
            Code::Memory(files) => files.get(path).cloned(),
            Code::None => None,
        }
    }
}

/// Reads the apps of each place and joins them in this order, and what their patches do.
///
/// A place is a snapshot file, a bench directory, the directory of one app or its `.tar.gz`; `NAME=PATH` says what the
/// app is called where the files do not.
///
/// # Errors
/// If a place is none of these, or a file in it cannot be read; the message names it.
pub fn read_all(places: &[String]) -> Result<Snapshot, SourceError> {
    read_places(places, true)
}

/// The apps of blue without what their patches do, for those have run, and all of green, read at the same time.
///
/// # Errors
/// As [`read_all`], for each side by itself.
pub fn read_both(
    blue: &[String],
    green: &[String],
) -> (Result<Snapshot, SourceError>, Result<Snapshot, SourceError>) {
    rayon::join(|| read_places(blue, false), || read_all(green))
}

/// What a place holds.
#[derive(Default)]
struct Found {
    apps: Vec<(App, Code)>,
    assets: Vec<String>,
}

impl Found {
    fn snapshot(self, with_code: bool) -> Snapshot {
        let (mut apps, mut code) = (Vec::new(), BTreeMap::new());
        for (app, of_app) in self.apps {
            code.insert(app.name.clone(), of_app);
            apps.push(app);
        }
        let code = AllCode(code);
        patch::read_controllers(&mut apps, &code);
        if with_code {
            patch::read(&mut apps, &code);
        }
        Snapshot { assets: self.assets, ..Snapshot::new(apps) }
    }
}

fn read_places(places: &[String], with_code: bool) -> Result<Snapshot, SourceError> {
    let mut all = Found::default();
    for place in places {
        let found = read(place, with_code)?;
        for (app, code) in found.apps {
            if all.apps.iter().any(|(known, _)| known.name == app.name) {
                return Err(SourceError::TwiceGiven { app: app.name });
            }
            all.apps.push((app, code));
        }
        all.assets.extend(found.assets);
    }
    Ok(all.snapshot(with_code))
}

/// Reads all apps of a bench in the order of `apps.txt`.
///
/// # Errors
/// If the directory is no bench, or a file of an app cannot be read.
pub fn read_bench(bench: &Path) -> Result<Snapshot, SourceError> {
    Ok(of_bench(bench)?.snapshot(true))
}

fn of_bench(bench: &Path) -> Result<Found, SourceError> {
    let names = bench_apps(bench)?.ok_or_else(|| SourceError::NoBench { path: bench.to_owned() })?;
    let apps = names.iter().map(|name| {
        let path = bench.join("apps").join(name);
        if path.is_dir() {
            read_directory(name, &path)
        } else {
            Err(SourceError::NoApp { path, app: name.clone() })
        }
    });
    Ok(Found { apps: apps.collect::<Result<_, _>>()?, assets: assets::list(bench) })
}

fn read(place: &str, with_code: bool) -> Result<Found, SourceError> {
    let (name, path) = match place.split_once('=') {
        Some((name, path)) if !name.contains('/') => (Some(name), Path::new(path)),
        Some(_) | None => (None, Path::new(place)),
    };
    let of_apps = |apps| Found { apps, assets: Vec::new() };
    if path.is_dir() {
        return if bench_apps(path)?.is_some() && name.is_none() {
            of_bench(path)
        } else {
            let name = name.map_or_else(|| directory_app(path), str::to_owned);
            Ok(of_apps(vec![read_directory(&name, path)?]))
        };
    }
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    if [".tar.gz", ".tgz"].iter().any(|ending| file.to_lowercase().ends_with(ending)) {
        let (app, files) = archive::read(name, path, with_code)?;
        return Ok(of_apps(vec![(app, Code::Memory(files))]));
    }
    let bytes = directory::read_file(path, MAX_APP_BYTES + 1)?;
    if bytes.len() > MAX_APP_BYTES {
        return Err(SourceError::TooMuch { path: path.to_owned(), what: "bytes", limit: MAX_APP_BYTES });
    }
    let snapshot = Snapshot::from_json(&path.display().to_string(), &bytes)?;
    let apps = snapshot.apps.into_iter().map(|app| (app, Code::None)).collect();
    Ok(Found { apps, assets: snapshot.assets })
}

fn read_directory(name: &str, path: &Path) -> Result<(App, Code), SourceError> {
    let mut reader = AppReader::new(name);
    directory::walk(path, &mut |file, bytes| Ok(reader.add(file, bytes)?))?;
    Ok((filled(reader.finish(), path)?, Code::Directory(path.to_owned())))
}

/// An app without DocTypes, patches and modules is more likely a wrong path than an app.
fn filled(app: App, path: &Path) -> Result<App, SourceError> {
    if app.doctypes.is_empty() && app.patches.is_empty() && app.modules.is_empty() {
        Err(SourceError::NotAnApp { path: path.to_owned() })
    } else {
        Ok(app)
    }
}

/// `apps.txt` of a bench: of its sites, or beside the apps (as in an image whose sites are a volume).
fn bench_apps(bench: &Path) -> Result<Option<Vec<String>>, SourceError> {
    if !bench.join("apps").is_dir() {
        return Ok(None);
    }
    let candidates: [PathBuf; 2] = [bench.join("sites/apps.txt"), bench.join("apps.txt")];
    let Some(path) = candidates.iter().find(|path| path.is_file()) else { return Ok(None) };
    let bytes = directory::read_file(path, crate::doctype::MAX_FILE_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    match names.iter().find(|name| !is_package(name)) {
        Some(name) => Err(SourceError::BadAppName { path: path.clone(), app: name.clone() }),
        None => Ok(Some(names)),
    }
}

/// A Python package's name: `apps/../../etc` is none.
fn is_package(name: &str) -> bool {
    name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'))
}

/// The package within a checkout (`crm/crm/hooks.py`), else the name of the directory.
fn directory_app(path: &Path) -> String {
    let own = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let own = own.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let has_app = |name: &str| {
        ["hooks.py", "modules.txt", "patches.txt"].iter().any(|file| path.join(name).join(file).is_file())
    };
    if has_app(&own) {
        return own;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut packages: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| has_app(name))
        .collect();
    packages.sort();
    packages.into_iter().next().unwrap_or(own)
}
