//! The patches that renames need, and the names that things had before patches which wait already.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctype::edit::{PatchRename, RenamePatch, insert_line, rename_patch, text};
use crate::doctype::{Action, App, PatchLine, parse_patches};
use crate::patch::{self, Files};
use crate::source::{FileEdit, Tree};
use crate::web::api::Rename;

use super::Composer;

impl Composer<'_> {
    /// The patches that renames need: of what blue has, for what it does not have has no values to keep.
    pub(super) fn add_patches(&mut self) {
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
        let (file, before) = match self.green.patches.get(app) {
            Some((file, text)) => (file.clone(), Some(text.clone())),
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
            path: file,
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
        let mut new = App::empty(&app.name);
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
pub(in crate::web) fn first_doctype(blue: &Tree, green: &Tree, name: &str) -> String {
    first([blue, green], name, |action| {
        let Action::RenameDocument { doctype, old, new } = action else { return None };
        (doctype == "DocType").then_some((old, new))
    })
}

/// The same of a field of a DocType.
fn first_field(blue: &Tree, green: &Tree, (of, name): (&str, &str)) -> String {
    first([blue, green], name, |action| {
        let Action::RenameField { doctype, old, new } = action else { return None };
        (doctype == of).then_some((old, new))
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
        let written = self.0.iter().find(|patch| patch.path == path);
        let code = written.map(|patch| patch.code.clone().into_bytes());
        // A package is known by this file.
        code.or_else(|| path.ends_with("/__init__.py").then(Vec::new))
    }
}
