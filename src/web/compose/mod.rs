//! The apps as the drafts would make them, and the files that a save writes for it (no IO: the trees in, edits out).

mod files;
mod patches;

use std::collections::BTreeSet;

use crate::doctype::edit::{self, Document, FieldRenames, Known, export, scrub, settle, text};
use crate::doctype::{DocType, Snapshot, read_doctype_file};
use crate::source::{FileEdit, Tree};

use super::api::{DraftBody, Drafts, Problem, Severity};
use files::folder;

pub(super) use patches::first_doctype;

/// What the drafts come to.
#[derive(Debug)]
pub(super) struct Composed {
    /// The apps with the drafts in them.
    pub(super) snapshot: Snapshot,
    /// What to do to files.
    pub(super) edits: Vec<FileEdit>,
    /// What Frappe would refuse.
    pub(super) problems: Vec<Problem>,
    /// What is left to do by hand once the edits are done.
    pub(super) left: Vec<String>,
}

/// Composes the apps of `green` with the drafts; `modified` is the time of the save as Frappe writes it.
pub(super) fn compose(blue: &Tree, green: &Tree, drafts: &Drafts, modified: &str) -> Composed {
    let composed = Composed {
        snapshot: green.snapshot.clone(),
        edits: Vec::new(),
        problems: Vec::new(),
        left: Vec::new(),
    };
    let mut work = Composer { blue, green, drafts, modified, composed };
    work.keep_unreadable();
    for draft in &drafts.drafts {
        match &draft.document {
            Some(document) => work.write(draft, document),
            None => work.remove(draft),
        }
    }
    work.judge();
    work.add_patches();
    work.composed
}

struct Composer<'a> {
    blue: &'a Tree,
    green: &'a Tree,
    drafts: &'a Drafts,
    modified: &'a str,
    composed: Composed,
}

impl Composer<'_> {
    /// A file that cannot be read is no DocType that went: until it is mended the plan sees what blue has.
    fn keep_unreadable(&mut self) {
        for bad in &self.green.problems {
            let app = self.blue.snapshot.apps.iter().find(|app| app.name == bad.app);
            let stem = bad.path.rsplit('/').next().and_then(|file| file.strip_suffix(".json"));
            let mut all = app.into_iter().flat_map(|app| app.doctypes.values());
            if let Some(doctype) = all.find(|doctype| Some(scrub(&doctype.name).as_str()) == stem).cloned() {
                self.enter(&bad.app, doctype);
            }
        }
    }

    fn write(&mut self, draft: &DraftBody, document: &Document) {
        let name = text(document, "name").into_owned();
        let file = self.green.files.get(&draft.id);
        let Some(path) = self.path(draft, document, &name) else { return };
        let renames = self.field_renames(&name);
        let settled = settle(document, file.map(|file| &file.document), &renames, self.modified);
        if file.is_some_and(|_| !settled.is_changed) && draft.id == name {
            return;
        }
        let Ok(mut written) = export(&settled.document) else { return };
        // Frappe's export ends without one, tools that look after files add one: it stays as it is.
        if file.is_some_and(|file| file.bytes.ends_with(b"\n")) {
            written.push('\n');
        }
        match read_doctype_file(&path, written.as_bytes()) {
            Ok(doctype) => self.replace(draft, doctype),
            Err(error) => self.refuse(&name, None, error.to_string()),
        }
        let app = draft.app.clone();
        match file {
            Some(file) if file.path != path => self.move_folder(file, (&path, &name), written.into_bytes()),
            Some(file) => self.composed.edits.push(FileEdit::Write {
                app,
                path,
                bytes: written.into_bytes(),
                before: Some(file.bytes.clone()),
            }),
            None => self.new_files(draft, (&path, &name), written.into_bytes()),
        }
    }

    /// The DocType in the place of the file's; what its controller asks for stays.
    fn replace(&mut self, draft: &DraftBody, mut doctype: DocType) {
        let app = self.composed.snapshot.apps.iter_mut().find(|app| app.name == draft.app);
        let before = app.and_then(|app| app.doctypes.remove(&draft.id));
        // Its file is written with it, if it is a new one.
        doctype.has_controller = before.as_ref().is_none_or(|before| before.has_controller);
        doctype.on_update = before.map(|before| before.on_update).unwrap_or_default();
        self.enter(&draft.app, doctype);
    }

    fn enter(&mut self, app: &str, doctype: DocType) {
        if let Some(app) = self.composed.snapshot.apps.iter_mut().find(|known| known.name == app) {
            app.doctypes.insert(doctype.name.clone(), doctype);
        }
    }

    fn remove(&mut self, draft: &DraftBody) {
        let Some(file) = self.green.files.get(&draft.id) else { return };
        if let Some(app) = self.composed.snapshot.apps.iter_mut().find(|app| app.name == file.app) {
            app.doctypes.remove(&draft.id);
        }
        let (app, path) = (file.app.clone(), file.path.clone());
        self.composed.left.push(format!(
            "{app}/{}: remove what else belongs to {} (its controller, tests and scripts)",
            folder(&path),
            draft.id
        ));
        self.composed.edits.push(FileEdit::Remove { app, path, before: file.bytes.clone() });
    }

    /// New name -> name in the file, of the fields of a DocType that are renamed.
    fn field_renames(&self, doctype: &str) -> FieldRenames {
        let own = self.drafts.renames.iter().filter(|rename| rename.doctype == doctype);
        own.map(|rename| (rename.to.clone(), rename.from.clone())).collect()
    }

    /// What Frappe would refuse of the drafts, once all of them are in place.
    fn judge(&mut self) {
        let all = self.composed.snapshot.doctypes();
        let known: Known =
            all.iter().map(|(name, (_, doctype))| ((*name).to_owned(), doctype.istable)).collect();
        let mut problems = Vec::new();
        for draft in &self.drafts.drafts {
            let Some(document) = &draft.document else { continue };
            let name = text(document, "name").into_owned();
            let file = self.green.files.get(&draft.id);
            // What the file is refused for already, nobody has to mend before he can save something else.
            let before = file.map(|file| edit::problems(&file.document, &known, false)).unwrap_or_default();
            let before: BTreeSet<_> =
                before.into_iter().map(|old| (old.field, old.property, old.message)).collect();
            for problem in edit::problems(document, &known, name != draft.id || draft.digest.is_none()) {
                let place = (problem.field, problem.property, problem.message);
                let is_old = before.contains(&place);
                let (field, property, message) = place;
                problems.push(Problem {
                    doctype: name.clone(),
                    field,
                    index: problem.index,
                    property,
                    severity: match problem.severity {
                        edit::Severity::Error if !is_old => Severity::Error,
                        edit::Severity::Error | edit::Severity::Warning => Severity::Warning,
                    },
                    message,
                });
            }
        }
        self.composed.problems.extend(problems);
    }

    fn refuse(&mut self, doctype: &str, property: Option<&str>, message: String) {
        self.composed.problems.push(Problem {
            doctype: doctype.to_owned(),
            field: None,
            index: None,
            property: property.map(str::to_owned),
            severity: Severity::Error,
            message,
        });
    }
}
