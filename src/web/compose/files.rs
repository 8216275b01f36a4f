//! Where a DocType's files belong, and those that a new or renamed one needs.

use crate::doctype::edit::{Document, scrub, text};
use crate::source::{DocTypeSource, FileEdit};
use crate::web::api::DraftBody;

use super::Composer;

impl Composer<'_> {
    /// Where the DocType's file belongs; `None` if it can be nowhere.
    pub(super) fn path(&mut self, draft: &DraftBody, document: &Document, name: &str) -> Option<String> {
        let file = self.green.files.get(&draft.id);
        let module = text(document, "module").into_owned();
        if let Some(file) = file {
            if file.app != draft.app {
                self.refuse(name, None, format!("it belongs to the app {}", file.app));
                return None;
            }
            if text(&file.document, "module") != module {
                let words = "a DocType moves to another module with its folder: move that first".to_owned();
                self.refuse(name, Some("module"), words);
                return None;
            }
            if draft.id == name {
                return Some(file.path.clone());
            }
        }
        let is_named = |draft: &&DraftBody| {
            draft.document.as_ref().is_some_and(|document| text(document, "name") == name)
        };
        let drafted = self.drafts.drafts.iter().filter(is_named).count();
        let is_taken = self.green.files.contains_key(name) || drafted > 1;
        if is_taken {
            self.refuse(name, Some("name"), format!("there is a DocType {name:?} already"));
            return None;
        }
        let app = self.composed.snapshot.apps.iter().find(|app| app.name == draft.app);
        let Some(app) = app else {
            self.refuse(name, None, format!("the app {:?} is none of those that are open", draft.app));
            return None;
        };
        if !app.modules.contains(&module) {
            let words =
                format!("the app {} has no module {module:?}: it is no line of modules.txt", app.name);
            self.refuse(name, Some("module"), words);
            return None;
        }
        let stem = scrub(name);
        let is_folder = !stem.is_empty() && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_folder {
            let words =
                "a DocType's name has letters, digits, spaces, underscores and hyphens alone".to_owned();
            self.refuse(name, Some("name"), words);
            return None;
        }
        let above = match file {
            Some(file) => folder(folder(&file.path)).to_owned(),
            None => format!("{}/{}/doctype", app.name, scrub(&module)),
        };
        if file.is_some() && !above.ends_with("/doctype") {
            self.refuse(
                name,
                Some("name"),
                "its file is in no folder of its own that could be renamed".to_owned(),
            );
            return None;
        }
        Some(format!("{above}/{stem}/{stem}.json"))
    }

    /// A new DocType: Frappe finds it by its folder, a package with a controller.
    pub(super) fn new_files(&mut self, draft: &DraftBody, (path, name): (&str, &str), bytes: Vec<u8>) {
        let folder = folder(path).to_owned();
        let (above, stem) = folder.rsplit_once('/').unwrap_or(("", &folder));
        let class: String = name.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let controller =
            format!("from frappe.model.document import Document\n\n\nclass {class}(Document):\n\tpass\n");
        let files = [
            (format!("{above}/__init__.py"), Vec::new()),
            (format!("{folder}/__init__.py"), Vec::new()),
            (format!("{folder}/{stem}.py"), controller.into_bytes()),
        ];
        self.packages(&draft.app, files);
        let app = draft.app.clone();
        self.composed.edits.push(FileEdit::Write { app, path: path.to_owned(), bytes, before: None });
    }

    /// Files that are made unless they are there; whether they are, the save sees.
    pub(super) fn packages(&mut self, app: &str, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
        for (path, bytes) in files {
            let edit = FileEdit::Write { app: app.to_owned(), path, bytes, before: None };
            if !self.composed.edits.contains(&edit) {
                self.composed.edits.push(edit);
            }
        }
    }

    /// A renamed DocType: its file under the new name; the others of its folder are moved by the save, which sees them.
    pub(super) fn move_folder(&mut self, file: &DocTypeSource, (path, name): (&str, &str), bytes: Vec<u8>) {
        let app = file.app.clone();
        let (old, new) = (folder(&file.path), folder(path));
        self.composed.edits.push(FileEdit::Remove {
            app: app.clone(),
            path: file.path.clone(),
            before: file.bytes.clone(),
        });
        self.composed.edits.push(FileEdit::Move {
            app: app.clone(),
            from: old.to_owned(),
            to: new.to_owned(),
        });
        self.composed.edits.push(FileEdit::Write {
            app: app.clone(),
            path: path.to_owned(),
            bytes,
            before: None,
        });
        let class: String = name.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        self.composed.left.push(format!(
            "{app}/{new}: name the class of the controller {class}, and mend what else calls {} by its old name in Python and JavaScript",
            text(&file.document, "name")
        ));
    }
}

/// The folder of a path.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
