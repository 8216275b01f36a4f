//! The apps as the drafts would make them, and the files that a save writes for it (no IO: the trees in, edits out).

use std::collections::{BTreeMap, BTreeSet};

use crate::doctype::edit::{
    self, Document, FieldRenames, Known, PatchRename, RenamePatch, export, insert_line, rename_patch, scrub,
    settle, text,
};
use crate::doctype::{Action, DocType, PatchLine, Snapshot, parse_patches, read_doctype_file};
use crate::patch::{self, Files};
use crate::source::{DocTypeSource, FileEdit, Tree};

use super::api::{DraftBody, Drafts, Problem, Rename, Severity};

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
    let mut composer = Composer { blue, green, drafts, modified, composed };
    composer.keep_unreadable();
    for draft in &drafts.drafts {
        match &draft.document {
            Some(document) => composer.write(draft, document),
            None => composer.remove(draft),
        }
    }
    composer.judge();
    composer.add_patches();
    composer.composed
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

    /// Where the DocType's file belongs; `None` if it can be nowhere.
    fn path(&mut self, draft: &DraftBody, document: &Document, name: &str) -> Option<String> {
        let file = self.green.files.get(&draft.id);
        let module = text(document, "module").into_owned();
        if let Some(file) = file {
            if text(&file.document, "module") != module {
                let words = "a DocType moves to another module with its folder: move that first".to_owned();
                self.refuse(name, Some("module"), words);
                return None;
            }
            if draft.id == name {
                return Some(file.path.clone());
            }
        }
        let is_taken = self.green.files.contains_key(name)
            || self
                .drafts
                .drafts
                .iter()
                .filter(|other| {
                    other.document.as_ref().is_some_and(|document| text(document, "name") == name)
                })
                .count()
                > 1;
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
    fn new_files(&mut self, draft: &DraftBody, (path, name): (&str, &str), bytes: Vec<u8>) {
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
    fn packages(&mut self, app: &str, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
        for (path, bytes) in files {
            let edit = FileEdit::Write { app: app.to_owned(), path, bytes, before: None };
            if !self.composed.edits.contains(&edit) {
                self.composed.edits.push(edit);
            }
        }
    }

    /// A renamed DocType: its file under the new name; the others of its folder are moved by the save, which sees them.
    fn move_folder(&mut self, file: &DocTypeSource, (path, name): (&str, &str), bytes: Vec<u8>) {
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
            for problem in edit::problems(document, &known, name != draft.id || draft.digest.is_none()) {
                problems.push(Problem {
                    doctype: name.clone(),
                    field: problem.field,
                    index: problem.index,
                    property: problem.property,
                    severity: match problem.severity {
                        edit::Severity::Warning => Severity::Warning,
                        edit::Severity::Error => Severity::Error,
                    },
                    message: problem.message,
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

    /// The patches that renames need: of what blue has, for what it does not have has no values to keep.
    fn add_patches(&mut self) {
        let mut wanted: Vec<(String, PatchRename)> = Vec::new();
        for draft in &self.drafts.drafts {
            let name = draft.document.as_ref().map(|document| text(document, "name").into_owned());
            if let (Some(from), Some(to)) = (&draft.renamed_from, name)
                && *from != to
            {
                let from = first_doctype(self.blue, self.green, from);
                if self.blue.snapshot.doctypes().contains_key(from.as_str()) && from != to {
                    wanted.push((draft.app.clone(), PatchRename::DocType { from, to }));
                }
            }
        }
        for rename in &self.drafts.renames {
            wanted.extend(self.field_patch(rename));
        }
        let mut of_apps: BTreeMap<String, Vec<PatchRename>> = BTreeMap::new();
        for (app, rename) in wanted {
            of_apps.entry(app).or_default().push(rename);
        }
        for (app, renames) in of_apps {
            self.patches_of(&app, &renames);
        }
    }

    fn field_patch(&self, rename: &Rename) -> Option<(String, PatchRename)> {
        let all = self.composed.snapshot.doctypes();
        let (app, doctype) = all.get(rename.doctype.as_str())?;
        let old_doctype = self.blue_doctype(&rename.doctype);
        let from = first_field(self.blue, self.green, (&rename.doctype, &rename.from));
        let blue = self.blue.snapshot.doctypes();
        let (_, before) = blue.get(old_doctype.as_str())?;
        let is_needed =
            before.field(&from).is_some() && doctype.field(&rename.to).is_some() && from != rename.to;
        is_needed.then(|| {
            let rename = PatchRename::Field {
                doctype: rename.doctype.clone(),
                module: doctype.module.clone(),
                from,
                to: rename.to.clone(),
            };
            (app.name.clone(), rename)
        })
    }

    /// Blue's name of a DocType that drafts or patches rename.
    fn blue_doctype(&self, name: &str) -> String {
        let renamed = self.drafts.drafts.iter().find_map(|draft| {
            let is_it = draft.document.as_ref().is_some_and(|document| text(document, "name") == name);
            draft.renamed_from.as_ref().filter(|_| is_it)
        });
        first_doctype(self.blue, self.green, renamed.map_or(name, String::as_str))
    }

    fn patches_of(&mut self, app: &str, renames: &[PatchRename]) {
        let at = format!("{app}/patches.txt");
        let (path, before) = match self.green.patches.get(app) {
            Some((path, text)) => (path.clone(), Some(text.clone())),
            None => (at, None),
        };
        let mut patches_txt = before.clone().unwrap_or_default();
        let mut written: Vec<RenamePatch> = Vec::new();
        for rename in renames {
            let is_taken = |file: &str| {
                let is_known =
                    parse_patches(&patches_txt).iter().any(|line| line.file().as_deref() == Some(file));
                is_known
                    || self.green.patch_files.contains(&(app.to_owned(), file.to_owned()))
                    || written.iter().any(|patch| patch.path == file)
            };
            let patch = rename_patch(app, &patches_txt, rename, is_taken);
            patches_txt = insert_line(&patches_txt, patch.section, &patch.line);
            written.push(patch);
        }
        self.read_patches(app, &patches_txt, &written);
        for patch in written {
            let inits = patch.packages.iter().map(|folder| (format!("{folder}/__init__.py"), Vec::new()));
            self.packages(app, inits.collect::<Vec<_>>());
            self.composed.edits.push(FileEdit::Write {
                app: app.to_owned(),
                path: patch.path,
                bytes: patch.code.into_bytes(),
                before: None,
            });
        }
        self.composed.edits.push(FileEdit::Write {
            app: app.to_owned(),
            path,
            bytes: patches_txt.into_bytes(),
            before: before.map(String::into_bytes),
        });
    }

    /// The app's patches as they will be, those that are new read as any other.
    fn read_patches(&mut self, app: &str, patches_txt: &str, written: &[RenamePatch]) {
        let Some(app) = self.composed.snapshot.apps.iter_mut().find(|known| known.name == app) else {
            return;
        };
        let known: BTreeMap<&str, &PatchLine> =
            app.patches.iter().map(|patch| (patch.line.as_str(), patch)).collect();
        let mut patches = parse_patches(patches_txt);
        let mut new = crate::doctype::App::empty(&app.name);
        for patch in &mut patches {
            match known.get(patch.line.as_str()) {
                Some(before) => patch.effects.clone_from(&before.effects),
                None => new.patches.push(patch.clone()),
            }
        }
        let mut apps = [new];
        patch::read(&mut apps, &Written(written));
        for read in apps.into_iter().flat_map(|app| app.patches) {
            if let Some(patch) = patches.iter_mut().find(|patch| patch.line == read.line) {
                *patch = read;
            }
        }
        app.patches = patches;
    }
}

/// The name that a DocType had before the patches of green that wait already.
pub(super) fn first_doctype(blue: &Tree, green: &Tree, name: &str) -> String {
    first([blue, green], name, |action| match action {
        Action::RenameDocument { doctype, old, new } if doctype == "DocType" => Some((old, new)),
        _ => None,
    })
}

/// The same of a field of a DocType.
fn first_field(blue: &Tree, green: &Tree, (of, name): (&str, &str)) -> String {
    first([blue, green], name, |action| match action {
        Action::RenameField { doctype, old, new } if doctype == of => Some((old, new)),
        _ => None,
    })
}

fn first<'a>(
    [blue, green]: [&'a Tree; 2],
    name: &str,
    renames: impl Fn(&'a Action) -> Option<(&'a String, &'a String)>,
) -> String {
    let all = |tree: &'a Tree| tree.snapshot.apps.iter().flat_map(|app| app.patches.iter().rev());
    let ran: BTreeSet<&str> = all(blue).map(|patch| patch.line.as_str()).collect();
    let waiting = all(green).filter(|patch| !ran.contains(patch.line.as_str()));
    let effects = waiting.filter_map(|patch| patch.effects.as_deref()).flatten();
    let mut first = name.to_owned();
    for (old, new) in effects.filter_map(|effect| renames(&effect.action)) {
        if *new == first {
            first.clone_from(old);
        }
    }
    first
}

/// The patches that are about to be written, as files.
struct Written<'a>(&'a [RenamePatch]);

impl Files for Written<'_> {
    fn file(&self, _: &str, path: &str) -> Option<Vec<u8>> {
        let patch =
            self.0.iter().find(|patch| patch.path == path).map(|patch| patch.code.clone().into_bytes());
        // A package is known by this file.
        patch.or_else(|| path.ends_with("/__init__.py").then(Vec::new))
    }
}

/// The folder of a path.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
