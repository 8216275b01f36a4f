//! A save: what the drafts come to, written to the files that they were read from, if these are still what was read.

use std::collections::BTreeMap;

use crate::doctype::edit::scrub;
use crate::source::{self, Checkout, FileEdit, SourceError, Tree, WriteError};

use super::api::{Conflict, ConflictFile, ConflictKind, Drafts, Problem, Saved, SavedKind, Severity};
use super::compose::Composed;
use super::editor::Editor;

/// How a save ended.
pub(super) enum Outcome {
    /// Everything is written.
    Saved(Saved),
    /// A file changed since it was read: nothing is written.
    Conflict(Conflict),
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SaveError {
    /// Frappe would refuse it.
    #[error("{0}")]
    Refused(String),
    /// The apps cannot be read.
    #[error(transparent)]
    Read(#[from] SourceError),
    /// The files cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes the drafts.
pub(super) fn save(editor: &Editor, drafts: &Drafts) -> Result<Outcome, SaveError> {
    let green = editor.reload()?;
    if let Some(conflict) = conflict(&green, drafts) {
        return Ok(Outcome::Conflict(conflict));
    }
    let Composed { edits, problems, left, .. } = editor.compose(&green, drafts);
    refuse(&problems)?;
    let edits = settled(&editor.checkouts, edits);
    if let Err(error) = source::write_all(&editor.checkouts, &edits) {
        // Between the look and the writing: the next look tells what it was.
        let conflict = conflict(&*editor.reload()?, drafts);
        return conflict.map(Outcome::Conflict).ok_or(SaveError::Write(error));
    }
    editor.reload()?;
    let mut written: Vec<String> = edits.iter().map(FileEdit::place).collect();
    written.dedup();
    let message = match written.len() {
        0 => "nothing differs from the files".to_owned(),
        1 => format!("saved {}", written[0]),
        files => format!("saved {files} files"),
    };
    Ok(Outcome::Saved(Saved { kind: SavedKind::Saved, message, written, left }))
}

fn refuse(problems: &[Problem]) -> Result<(), SaveError> {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let lines: Vec<String> = errors
        .map(|problem| {
            let field = problem.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
            format!("{}{field}: {}", problem.doctype, problem.message)
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { Err(SaveError::Refused(lines.join("\n"))) }
}

/// The files that are not what the drafts were made from.
fn conflict(green: &Tree, drafts: &Drafts) -> Option<Conflict> {
    let mut files = Vec::new();
    for draft in &drafts.drafts {
        let file = green.files.get(&draft.id);
        if file.map(|file| &file.digest) == draft.digest.as_ref() {
            continue;
        }
        files.push(ConflictFile {
            id: draft.id.clone(),
            path: file.map(|file| file.path.clone()).unwrap_or_default(),
            digest: file.map(|file| file.digest.clone()),
            document: file.map(|file| file.document.clone()),
        });
    }
    (!files.is_empty()).then_some(Conflict { kind: ConflictKind::Conflict, files })
}

/// The edits with what only the disk can tell: which packages are there already, and what else lies in a folder that gets
/// another name.
fn settled(checkouts: &[Checkout], edits: Vec<FileEdit>) -> Vec<FileEdit> {
    let roots: BTreeMap<&str, &Checkout> =
        checkouts.iter().map(|checkout| (checkout.app.as_str(), checkout)).collect();
    let mut all = Vec::new();
    for edit in edits {
        let is_there = match &edit {
            FileEdit::Write { app, path, before: None, .. } if is_package_file(path) => {
                roots.get(app.as_str()).is_some_and(|checkout| checkout.root.join(path).is_file())
            }
            FileEdit::Write { .. } | FileEdit::Remove { .. } | FileEdit::Move { .. } => false,
        };
        if is_there {
            continue;
        }
        let renamed = match &edit {
            FileEdit::Move { app, from, to } => {
                roots.get(app.as_str()).map_or_else(Vec::new, |checkout| renamed(checkout, from, to))
            }
            FileEdit::Write { .. } | FileEdit::Remove { .. } => Vec::new(),
        };
        all.push(edit);
        all.extend(renamed);
    }
    all
}

/// What an app's Python needs to be found, and what is never written over: it may hold code.
fn is_package_file(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (file, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    file == "__init__.py" || (path.contains("/doctype/") && file == format!("{folder}.py"))
}

/// Files of the folder of a DocType that bear its name, which they take along (`DocType.rename_files_and_folders`).
fn renamed(checkout: &Checkout, from: &str, to: &str) -> Vec<FileEdit> {
    let stem = |folder: &str| scrub(folder.rsplit('/').next().unwrap_or_default());
    let (old, new) = (stem(from), stem(to));
    let entries = std::fs::read_dir(checkout.root.join(from)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let json = format!("{old}.json");
    let theirs = names.into_iter().filter(|name| name.contains(&old) && *name != json);
    theirs
        .map(|name| FileEdit::Move {
            app: checkout.app.clone(),
            from: format!("{to}/{name}"),
            to: format!("{to}/{}", name.replacen(&old, &new, 1)),
        })
        .collect()
}
