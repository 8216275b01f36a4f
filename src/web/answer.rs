//! Answers from what was read: the tree of DocTypes, one file, what a rename meets.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::doctype::edit::{self, Document, Target, export, text};
use crate::doctype::table_name;
use crate::plan::{DataAnswer, DataQuestion, Doubt, quote};
use crate::source::Tree;

use super::api::{
    Changed, DocTypeFile, DuplicateExample, Duplicates, DuplicatesQuestion, FileProblem, Link, Reference,
    RenameQuestion, Workspace, WorkspaceApp, WorkspaceDocType,
};
use super::compose::first_doctype;
use super::editor::Editor;
use super::fieldtype::fieldtypes;

/// The tree of DocTypes.
pub(super) fn workspace(editor: &Editor) -> Workspace {
    let (green, blue) = (editor.green(), &editor.blue);
    let apps = green.snapshot.apps.iter();
    let apps =
        apps.map(|app| WorkspaceApp { name: app.name.clone(), modules: app.modules.clone() }).collect();
    let problems = green.problems.iter().map(|bad| FileProblem {
        app: bad.app.clone(),
        path: bad.path.clone(),
        message: bad.message.clone(),
    });
    Workspace {
        apps,
        doctypes: doctypes(blue, &green),
        blue: editor.about_blue.clone(),
        database: editor.has_database(),
        problems: problems.collect(),
        fieldtypes: fieldtypes(editor.frappe()),
    }
}

fn doctypes(blue: &Tree, green: &Tree) -> Vec<WorkspaceDocType> {
    let (of_blue, of_green) = (blue.snapshot.doctypes(), green.snapshot.doctypes());
    let mut went: BTreeMap<&str, _> = of_blue.clone();
    let mut all = Vec::new();
    for (name, file) in &green.files {
        let known = of_blue.get(name.as_str());
        went.remove(name.as_str());
        let changed = match known {
            Some((_, before)) => (before.digest != file.digest).then_some(Changed::Edited),
            None if went.remove(first_doctype(blue, green, name).as_str()).is_some() => {
                Some(Changed::Renamed)
            }
            None => Some(Changed::Added),
        };
        let read = of_green.get(name.as_str()).map(|(_, doctype)| *doctype);
        all.push(WorkspaceDocType {
            name: name.clone(),
            app: file.app.clone(),
            module: text(&file.document, "module").into_owned(),
            istable: read.is_some_and(|doctype| doctype.istable),
            issingle: read.is_some_and(|doctype| doctype.issingle),
            changed,
        });
    }
    let is_open = |app: &str| green.snapshot.apps.iter().any(|known| known.name == app);
    for (name, (app, doctype)) in went {
        // A file that cannot be read is there all the same.
        let is_broken = green
            .problems
            .iter()
            .any(|bad| bad.path.rsplit('/').next() == Some(format!("{}.json", edit::scrub(name)).as_str()));
        if is_open(&app.name) && !is_broken {
            all.push(WorkspaceDocType {
                name: name.to_owned(),
                app: app.name.clone(),
                module: doctype.module.clone(),
                istable: doctype.istable,
                issingle: doctype.issingle,
                changed: Some(Changed::Removed),
            });
        }
    }
    all.sort_by(|a, b| (&a.app, &a.module, &a.name).cmp(&(&b.app, &b.module, &b.name)));
    all
}

/// One DocType's file; `None` if there is none.
pub(super) fn doctype(editor: &Editor, name: &str) -> Option<DocTypeFile> {
    let green = editor.green();
    let file = green.files.get(name)?;
    let exported = export(&file.document).unwrap_or_default();
    let bytes = file.bytes.strip_suffix(b"\n").unwrap_or(&file.bytes);
    let links = edit::linked_from(green.files.values().map(|file| &file.document), name);
    let blue_name = first_doctype(&editor.blue, &green, name);
    let blue = editor.blue.files.get(name).or_else(|| editor.blue.files.get(&blue_name));
    Some(DocTypeFile {
        name: name.to_owned(),
        app: file.app.clone(),
        path: file.path.clone(),
        digest: file.digest.clone(),
        document: file.document.clone(),
        as_exported: exported.as_bytes() == bytes,
        blue: blue.map(|file| file.document.clone()),
        linked_from: links
            .into_iter()
            .map(|(doctype, field, fieldtype)| Link { doctype, field, fieldtype })
            .collect(),
    })
}

/// What names a field or a DocType, in the drafts first and in the files where there is no draft.
pub(super) fn references(editor: &Editor, question: &RenameQuestion) -> Vec<Reference> {
    let green = editor.green();
    let mut documents: BTreeMap<&str, &Document> =
        green.files.iter().map(|(name, file)| (name.as_str(), &file.document)).collect();
    for draft in &question.drafts.drafts {
        documents.remove(draft.id.as_str());
        if let Some(document) = &draft.document {
            documents.insert(&draft.id, document);
        }
    }
    let to = &question.to;
    let target = match &question.field {
        Some(from) => Target::Field { doctype: &question.doctype, from, to },
        None => Target::DocType { from: &question.doctype, to },
    };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let found = edit::references(documents.values().copied(), target);
    let found = found.into_iter().map(|reference| Reference {
        doctype: reference.doctype,
        field: reference.field,
        property: reference.property,
        before: shown(&reference.before),
        after: shown(&reference.after),
        value: reference.after,
    });
    found.collect()
}

/// What to ask the rows; `None` if no live site has the column.
pub(super) fn duplicates_question(editor: &Editor, question: &DuplicatesQuestion) -> Option<DataQuestion> {
    let doctype = question.renamed_from.as_ref().unwrap_or(&question.doctype);
    let is_it =
        |rename: &&super::api::Rename| rename.doctype == question.doctype && rename.to == question.field;
    let column = question.renames.iter().find(is_it).map_or(&question.field, |rename| &rename.from);
    let table = table_name(&first_doctype(&editor.blue, &editor.green(), doctype));
    editor.live_column(&table, column).then(|| DataQuestion {
        table,
        column: column.clone(),
        doubt: Doubt::Duplicates { value: quote::identifier(column) },
    })
}

/// What the rows said.
pub(super) fn duplicates(answer: DataAnswer) -> Duplicates {
    let examples = answer.examples.into_iter();
    Duplicates {
        rows: answer.rows,
        values: answer.values,
        of: answer.of,
        sampled: answer.sampled,
        unanswered: answer.unanswered,
        examples: examples
            .map(|example| DuplicateExample { value: example.value, rows: example.rows })
            .collect(),
    }
}
