//! Apps as they are edited: read file by file, so that one that is broken hides no other, with the bytes of each DocType.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;
use serde_json::Value;

use crate::doctype::edit::{Document, text};
use crate::doctype::{AppReader, Snapshot, digest};
use crate::patch;

use super::{AllCode, Code, SourceError, bench_apps, directory, directory_app, filled};

/// The checkout of an app that is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Name of the app.
    pub app: String,
    /// Its directory, with no link in it.
    pub root: PathBuf,
}

/// What was read of some apps.
#[derive(Debug)]
pub struct Tree {
    /// The apps, without the files that could not be understood.
    pub snapshot: Snapshot,
    /// The files of DocTypes by name; of two with one name that of the later app, as in Frappe's sync.
    pub files: BTreeMap<String, DocTypeSource>,
    /// `patches.txt` by app: its path within the checkout, and its text.
    pub patches: BTreeMap<String, (String, String)>,
    /// Python files in folders of patches: app and path within its checkout.
    pub patch_files: BTreeSet<(String, String)>,
    /// Files that could not be understood.
    pub problems: Vec<BadFile>,
}

impl Tree {
    /// Apps of which nothing but the snapshot is known.
    pub fn of_snapshot(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            files: BTreeMap::new(),
            patches: BTreeMap::new(),
            patch_files: BTreeSet::new(),
            problems: Vec::new(),
        }
    }
}

/// The file of one DocType.
#[derive(Debug, Clone)]
pub struct DocTypeSource {
    /// App that holds it.
    pub app: String,
    /// Path within the app's checkout.
    pub path: String,
    /// What it says.
    pub document: Document,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// BLAKE3 of its bytes.
    pub digest: String,
}

/// A file that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFile {
    /// App that holds it.
    pub app: String,
    /// Path within the app's checkout.
    pub path: String,
    /// Why.
    pub message: String,
}

/// The files of one app that matter, by path.
pub(super) type AppFiles = BTreeMap<String, Vec<u8>>;

/// The apps in these directories, each a bench or the checkout of an app (`NAME=PATH` says what it is called).
///
/// # Errors
/// If a place is no directory with apps, or an app is there twice.
pub fn checkouts(places: &[String]) -> Result<Vec<Checkout>, SourceError> {
    let mut all: Vec<Checkout> = Vec::new();
    for place in places {
        let (name, path) = match place.split_once('=') {
            Some((name, path)) if !name.contains('/') => (Some(name), Path::new(path)),
            Some(_) | None => (None, Path::new(place)),
        };
        let root = path.canonicalize().map_err(|source| SourceError::Io { path: path.to_owned(), source })?;
        let found = match bench_apps(&root)?.filter(|_| name.is_none()) {
            Some(apps) => apps.into_iter().map(|app| (root.join("apps").join(&app), app)).collect(),
            None => vec![(root.clone(), name.map_or_else(|| directory_app(&root), str::to_owned))],
        };
        for (root, app) in found {
            let root =
                root.canonicalize().map_err(|source| SourceError::Io { path: root.clone(), source })?;
            if all.iter().any(|known| known.app == app) {
                return Err(SourceError::TwiceGiven { app });
            }
            all.push(Checkout { app, root });
        }
    }
    Ok(all)
}

/// Reads the apps as they are on disk, and what their patches do if it is asked for.
///
/// # Errors
/// If a directory cannot be read, or holds no app.
pub fn read_tree(checkouts: &[Checkout], with_code: bool) -> Result<Tree, SourceError> {
    let (mut apps, mut patch_files) = (Vec::new(), BTreeSet::new());
    for checkout in checkouts {
        let mut files = AppFiles::new();
        directory::walk(&checkout.root, &mut |file, bytes| {
            files.insert(file.to_owned(), bytes.to_vec());
            Ok(())
        })?;
        apps.push((checkout.clone(), files, Code::Directory(checkout.root.clone())));
        let python = directory::paths(&checkout.root, is_patch)?;
        patch_files.extend(python.into_iter().map(|path| (checkout.app.clone(), path)));
    }
    Ok(Tree { patch_files, ..tree(apps, with_code)? })
}

/// Joins the files of apps; what their patches do is read if it is asked for.
pub(super) fn tree(apps: Vec<(Checkout, AppFiles, Code)>, with_code: bool) -> Result<Tree, SourceError> {
    let (mut sources, mut patches, mut problems) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let (mut read, mut code) = (Vec::new(), BTreeMap::new());
    for (checkout, files, of_app) in apps {
        let mut reader = AppReader::new(&checkout.app);
        let mut bad = Vec::new();
        for (path, bytes) in &files {
            if let Err(error) = reader.add(path, bytes) {
                let message = error.to_string();
                bad.push(BadFile { app: checkout.app.clone(), path: path.clone(), message });
            }
        }
        let app = reader.finish();
        for path in [format!("{}/patches.txt", checkout.app), "patches.txt".to_owned()] {
            if let Some(text) = files.get(&path).and_then(|bytes| String::from_utf8(bytes.clone()).ok()) {
                patches.entry(checkout.app.clone()).or_insert((path, text));
            }
        }
        let found: Vec<(String, DocTypeSource)> = files
            .into_par_iter()
            .filter_map(|(path, bytes)| doctype_source(&checkout.app, path, bytes))
            .collect();
        // A DocType of a module that modules.txt does not name is none to Frappe.
        sources.extend(found.into_iter().filter(|(name, file)| {
            app.doctypes.get(name).is_some_and(|known| known.digest == file.digest)
                || bad.iter().any(|bad| bad.path == file.path)
        }));
        read.push(if bad.is_empty() { filled(app, &checkout.root)? } else { app });
        problems.extend(bad);
        code.insert(checkout.app, of_app);
    }
    let code = AllCode(code);
    patch::read_controllers(&mut read, &code);
    if with_code {
        patch::read(&mut read, &code);
    }
    Ok(Tree { files: sources, patches, problems, ..Tree::of_snapshot(Snapshot::new(read)) })
}

/// The file of a DocType, if it is one that can be shown.
fn doctype_source(app: &str, path: String, bytes: Vec<u8>) -> Option<(String, DocTypeSource)> {
    if Path::new(&path).extension().is_none_or(|extension| extension != "json") {
        return None;
    }
    let document = document(&bytes)?;
    let name = text(&document, "name").into_owned();
    let digest = digest::of_bytes(&bytes);
    let is_doctype = text(&document, "doctype") == "DocType" && !name.is_empty();
    is_doctype.then(|| (name, DocTypeSource { app: app.to_owned(), path, document, bytes, digest }))
}

/// The document in a file; `None` if it is no object (or a list of one).
pub fn document(bytes: &[u8]) -> Option<Document> {
    match serde_json::from_slice(bytes).ok()? {
        Value::Object(document) => Some(document),
        Value::Array(list) => match <[Value; 1]>::try_from(list).ok()? {
            [Value::Object(document)] => Some(document),
            _ => None,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// When each file that matters was written, and its size: what tells that something changed on disk.
pub type Stamps = BTreeMap<(String, String), (Option<SystemTime>, u64)>;

/// The stamps of all files of the apps that matter, those of patches among them.
///
/// # Errors
/// If a directory cannot be read.
pub fn stamps(checkouts: &[Checkout]) -> Result<Stamps, SourceError> {
    let mut all = Stamps::new();
    for checkout in checkouts {
        for path in directory::paths(&checkout.root, |path| AppReader::wants(path) || is_patch(path))? {
            let Ok(metadata) = checkout.root.join(&path).symlink_metadata() else { continue };
            all.insert((checkout.app.clone(), path), (metadata.modified().ok(), metadata.len()));
        }
    }
    Ok(all)
}

fn is_patch(path: &str) -> bool {
    let is_python = Path::new(path).extension().is_some_and(|extension| extension == "py");
    is_python && path.split('/').any(|part| part == "patches")
}
