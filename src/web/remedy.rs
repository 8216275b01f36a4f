//! Safer ways to the same end (pure): what a risky change can be turned into.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::doctype::{App, DocField, DocType};
use crate::plan::{Change, Plan, Verdict};

use super::api::{DuplicatesOf, Remedy, RemedyEdit, Rename};

/// The DocTypes of one version by name.
pub(super) type DocTypes<'a> = BTreeMap<&'a str, (&'a App, &'a DocType)>;

/// The safer ways for a change, the best first.
pub(super) fn remedies(change: &Change, plan: &Plan, [blue, green]: &[DocTypes<'_>; 2]) -> Vec<Remedy> {
    let mut found = Vec::new();
    found.extend(declared_rename(change, plan));
    let sides = change.field.as_deref().and_then(|field| {
        let old = blue.get(change.doctype.as_str())?.1.field(field)?;
        let new = green.get(change.doctype.as_str())?.1.field(field)?;
        Some((old.clone(), new.clone()))
    });
    match change.kind.as_str() {
        "column_narrowed"
        | "column_incompatible"
        | "fieldtype_changed"
        | "value_to_table"
        | "table_to_value"
            if change.cls != "none" =>
        {
            found.extend(sides.map(|(old, new)| two_releases(change, &old, &new, green)));
        }
        "reqd_added" => found.extend(fill_first(change, sides.map(|(_, new)| new))),
        "field_added" if is_mandatory(change) => found.extend(fill_first(change, None)),
        "unique_added" => found.extend(duplicates_first(change)),
        "patch_added" if change.verdict == Verdict::Blocking => found.extend(accepted(change)),
        _ => {}
    }
    found
}

fn is_mandatory(change: &Change) -> bool {
    change.new.as_ref().is_some_and(|new| new.get("reqd") == Some(&Value::Bool(true)))
}

fn remedy(id: &str, label: &str, words: String) -> Remedy {
    Remedy {
        id: id.to_owned(),
        label: label.to_owned(),
        words,
        edits: Vec::new(),
        renames: Vec::new(),
        accept_patches: Vec::new(),
        duplicates: None,
    }
}

fn set(change: &Change, property: &str, value: Value) -> RemedyEdit {
    RemedyEdit::Set {
        doctype: change.doctype.clone(),
        field: change.field.clone(),
        property: property.to_owned(),
        value,
    }
}

/// A field that went and one that came, which the planner asks about.
fn declared_rename(change: &Change, plan: &Plan) -> Option<Remedy> {
    let field = change.field.as_deref()?;
    let is_end = |old: &str, new: &str| match change.kind.as_str() {
        "field_removed" | "child_table_removed" => old == field,
        "field_added" | "child_table_added" => new == field,
        _ => false,
    };
    let mut questions =
        plan.questions.iter().filter(|question| !question.is_doctype && question.doctype == change.doctype);
    let question = questions.find(|question| is_end(&question.old, &question.new))?;
    let (old, new) = (&question.old, &question.new);
    let words = format!(
        "{old} becomes {new} with its values: a patch with rename_field is written, and both versions keep their own name until blue is gone"
    );
    let rename = Rename { doctype: change.doctype.clone(), from: old.clone(), to: new.clone() };
    Some(Remedy { renames: vec![rename], ..remedy("declare-rename", "It is a rename", words) })
}

/// The old field stays as it is, and one of the new type comes beside it.
fn two_releases(change: &Change, old: &DocField, new: &DocField, green: &DocTypes<'_>) -> Remedy {
    let taken = |name: &str| {
        green.get(change.doctype.as_str()).is_some_and(|(_, doctype)| doctype.field(name).is_some())
    };
    let named = (2..).map(|number| format!("{}_{number}", old.fieldname));
    let name = named.take(1000).find(|name| !taken(name)).unwrap_or_default();
    let mut values = serde_json::Map::new();
    values.insert("fieldname".to_owned(), name.clone().into());
    values.insert("fieldtype".to_owned(), new.fieldtype.clone().into());
    let label = new.label.clone().or_else(|| old.label.clone());
    for (key, value) in [("label", label), ("options", new.options.clone())] {
        values.extend(value.map(|value| (key.to_owned(), value.into())));
    }
    if new.length > 0 {
        values.insert("length".to_owned(), new.length.into());
    }
    let words = format!(
        "{} stays a {} in this release, and {name} comes beside it as {}. Let the code of this release write both; move the values over by a patch of the next one, and remove {} in it",
        old.fieldname, old.fieldtype, new.fieldtype, old.fieldname
    );
    let length = if old.length > 0 { json!(old.length) } else { Value::Null };
    let edits = vec![
        set(change, "fieldtype", old.fieldtype.clone().into()),
        set(change, "options", old.options.clone().map_or(Value::Null, Value::from)),
        set(change, "length", length),
        RemedyEdit::AddField { doctype: change.doctype.clone(), after: old.fieldname.clone(), values },
    ];
    Remedy { edits, ..remedy("two-releases", "Split over two releases", words) }
}

/// Not mandatory in this release: so that it can be filled first.
fn fill_first(change: &Change, field: Option<DocField>) -> Option<Remedy> {
    let name = change.field.as_deref()?;
    let mut words = format!("takes Mandatory away from {name} for this release");
    let mut edits = vec![set(change, "reqd", Value::Null)];
    // What a new document begins with keeps the old version's documents from being empty.
    if let Some(first) = field.filter(|field| field.fieldtype == "Select" && field.default.is_none()) {
        let options = first.options.unwrap_or_default();
        if let Some(option) = options.lines().find(|option| !option.is_empty()) {
            let _ = write!(words, ", and gives it the default {option}, its first option");
            edits.push(set(change, "default", option.into()));
        }
    }
    words.push_str(
        ". The rows that are there stay as they are: fill them by a patch of your own and let this release's code write it; make it mandatory in the next release",
    );
    Some(Remedy { edits, ..remedy("fill-first", "Not mandatory in this release", words) })
}

/// An index now, unique when the values are.
fn duplicates_first(change: &Change) -> Option<Remedy> {
    let field = change.field.clone()?;
    let words = format!(
        "look for values of {field} that several rows have; as long as there are some it gets a plain index, and becomes unique in a later release"
    );
    let duplicates = Some(DuplicatesOf { doctype: change.doctype.clone(), field });
    let edits = vec![set(change, "unique", Value::Null), set(change, "search_index", json!(1))];
    Some(Remedy { edits, duplicates, ..remedy("check-duplicates", "Make the values unique first", words) })
}

/// A patch that somebody has read.
fn accepted(change: &Change) -> Option<Remedy> {
    let line = change.new.as_ref()?.as_str()?.to_owned();
    let words = format!(
        "say that you have read {line} and that what it does is harmless to the version that runs; it stands in spec.planning.acceptPatches then"
    );
    Some(Remedy { accept_patches: vec![line], ..remedy("accept-patch", "I have read this patch", words) })
}
