//! What a save writes: the edited document, settled as Frappe's export settles it (`DocType.before_export` in
//! `frappe/core/doctype/doctype/doctype.py`), and with nothing else moved.
//!
//! Frappe leaves out what is null or empty, keeps `fields` in the order of the file (new ones after them) and says the
//! order of the form in `field_order`. A new DocType says by whom and when it was made. Beyond that a key that is empty in the file already stays, a number keeps its
//! spelling (a browser makes 1.0 into 1), and a renamed field keeps its place: the diff holds only the change.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Number, Value};

use super::{Document, field_names, text};

/// The user of Frappe's that edits DocTypes in a desk.
const DEVELOPER: &str = "Administrator";

/// New name of a field -> its name in the file.
pub type FieldRenames = BTreeMap<String, String>;

/// A document that can be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// What to write.
    pub document: Document,
    /// Whether it differs from the file in more than `modified`.
    pub is_changed: bool,
}

/// Settles an edited document. `modified` is the time of the save as Frappe writes it (`2026-01-31 12:00:00.000000`); it is
/// entered only if something changed.
pub fn settle(edited: &Document, file: Option<&Document>, renames: &FieldRenames, modified: &str) -> Settled {
    let empty = Document::new();
    let before = file.unwrap_or(&empty);
    let mut document = Document::new();
    for (key, value) in edited.iter().filter(|(key, _)| !matches!(key.as_str(), "fields" | "field_order")) {
        if let Some(value) = settled(value, before.get(key)) {
            document.insert(key.clone(), value);
        }
    }
    document.insert("fields".to_owned(), Value::Array(fields(edited, before, renames)));
    let (order, order_before) = (form_order(edited), form_order(before));
    match before.get("field_order") {
        // It may name fields that are gone: as long as the form is the same, so is it.
        Some(kept) if order == order_before => document.insert("field_order".to_owned(), kept.clone()),
        None if !before.is_empty() && order == field_names(&document) => None,
        Some(_) | None => document.insert("field_order".to_owned(), order.into()),
    };
    if file.is_none() {
        // Who saves in the desk of a bench of his own is this user.
        for (key, value) in [("creation", modified), ("owner", DEVELOPER), ("modified_by", DEVELOPER)] {
            document.entry(key).or_insert_with(|| value.into());
        }
    }
    let is_changed = file.is_none_or(|file| !is_same(&document, file));
    if is_changed {
        document.insert("modified".to_owned(), modified.into());
    } else if let Some(modified) = before.get("modified") {
        document.insert("modified".to_owned(), modified.clone());
    }
    Settled { document, is_changed }
}

/// The fields in the order of the form: that of `field_order`, those that it does not name after them
/// (`DocType.prepare_for_import`).
pub fn in_form_order(document: &Document) -> Vec<&Document> {
    let order = document.get("field_order").and_then(Value::as_array);
    let places: BTreeMap<&str, usize> = order
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .enumerate()
        .map(|(at, name)| (name, at))
        .collect();
    let mut fields: Vec<&Document> = super::fields(document).collect();
    fields.sort_by_key(|field| places.get(text(field, "fieldname").as_ref()).copied().unwrap_or(usize::MAX));
    fields
}

fn form_order(document: &Document) -> Vec<String> {
    in_form_order(document).into_iter().map(|field| text(field, "fieldname").into_owned()).collect()
}

/// The fields in the order of the file, new ones after them.
fn fields(edited: &Document, before: &Document, renames: &FieldRenames) -> Vec<Value> {
    let mut known: BTreeMap<String, Vec<(usize, &Document)>> = BTreeMap::new();
    for (at, field) in super::fields(before).enumerate() {
        known.entry(text(field, "fieldname").into_owned()).or_default().push((at, field));
    }
    let mut placed = Vec::new();
    for (at, field) in in_form_order(edited).into_iter().enumerate() {
        let name = text(field, "fieldname");
        let old = renames.get(name.as_ref()).map_or(name.as_ref(), String::as_str);
        // Of two with one name each finds its own.
        let file = known.get_mut(old).filter(|same| !same.is_empty()).map(|same| same.remove(0));
        let settled = Value::Object(row(field, file.map(|(_, field)| field)));
        placed.push((file.map_or(usize::MAX, |(place, _)| place), at, settled));
    }
    placed.sort_by_key(|(place, at, _)| (*place, *at));
    placed.into_iter().map(|(_, _, field)| field).collect()
}

fn row(edited: &Document, before: Option<&Document>) -> Document {
    let settle = |(key, value): (&String, &Value)| {
        let before = before.and_then(|before| before.get(key));
        settled(value, before).map(|value| (key.clone(), value))
    };
    edited.iter().filter_map(settle).collect()
}

/// A value as it is written; `None` for one that is left out.
fn settled(edited: &Value, before: Option<&Value>) -> Option<Value> {
    match (edited, before) {
        // What the file says empty stays as the file says it.
        (edited, Some(before)) if is_empty(edited) && is_empty(before) => Some(before.clone()),
        (edited, _) if is_empty(edited) => None,
        (edited, Some(before)) if is_same_scalar(edited, before) => Some(before.clone()),
        (Value::Bool(set), _) => Some(u8::from(*set).into()),
        (Value::Array(rows), before) => {
            let old = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let rows = rows.iter().zip(counterparts(rows, old)).filter_map(|(value, before)| {
                match value.as_object() {
                    Some(edited) => Some(Value::Object(row(edited, before.and_then(Value::as_object)))),
                    None => settled(value, before),
                }
            });
            Some(Value::Array(rows.collect()))
        }
        (Value::Object(edited), before) => {
            Some(Value::Object(row(edited, before.and_then(Value::as_object))))
        }
        (Value::Null | Value::Number(_) | Value::String(_), _) => Some(edited.clone()),
    }
}

/// What each row was in the file. Rows of the DocType's other tables have no name, and may have been moved, edited and
/// removed: each finds its own among those that are the same, then the one that shares the most with it.
fn counterparts<'a>(rows: &[Value], old: &'a [Value]) -> Vec<Option<&'a Value>> {
    let mut same: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (at, value) in old.iter().enumerate() {
        same.entry(said(value)).or_default().push_back(at);
    }
    let mut places: Vec<Option<usize>> =
        rows.iter().map(|value| same.get_mut(&said(value)).and_then(VecDeque::pop_front)).collect();
    let mut left: BTreeSet<usize> = same.into_values().flatten().collect();
    for (at, place) in places.iter_mut().enumerate().filter(|(_, place)| place.is_none()) {
        let likeness = |other: &usize| (shared(&rows[at], &old[*other]), Reverse(other.abs_diff(at)));
        *place = left.iter().copied().max_by_key(likeness).and_then(|like| left.take(&like));
    }
    places.into_iter().map(|place| place.map(|at| &old[at])).collect()
}

/// What a value says, whatever the spelling of its numbers and of what is empty.
fn said(value: &Value) -> String {
    match value {
        Value::Object(row) => {
            let cells = row.iter().filter(|(_, value)| !is_empty(value));
            let cells: Vec<String> = cells.map(|(key, value)| format!("{key:?}:{}", said(value))).collect();
            format!("{{{}}}", cells.join(","))
        }
        Value::Bool(set) => said(&u8::from(*set).into()),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        Value::Null | Value::String(_) | Value::Array(_) => value.to_string(),
    }
}

/// How many cells of two rows say the same.
fn shared(row: &Value, other: &Value) -> usize {
    let (Some(row), Some(other)) = (row.as_object(), other.as_object()) else {
        return 0;
    };
    row.iter().filter(|(key, value)| other.get(*key).is_some_and(|other| said(value) == said(other))).count()
}

/// What Python takes for false, lists aside.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Array(_) => false,
    }
}

fn is_same_scalar(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => is_same_number(a, b),
        (Value::Bool(set), Value::Number(number)) | (Value::Number(number), Value::Bool(set)) => {
            number.as_f64() == Some(f64::from(u8::from(*set)))
        }
        (a, b) => a == b,
    }
}

fn is_same_number(a: &Number, b: &Number) -> bool {
    a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a.to_bits() == b.to_bits())
}

fn is_same(a: &Document, b: &Document) -> bool {
    let but_modified = |document: &Document| -> Document {
        document
            .iter()
            .filter(|(key, _)| *key != "modified")
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    but_modified(a) == but_modified(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-01-31 12:00:00.000000";

    fn object(value: &Value) -> Document {
        value.as_object().unwrap().clone()
    }

    fn file() -> Document {
        object(&json!({
            "doctype": "DocType", "name": "Order", "modified": "2024-01-01 00:00:00.000000", "allow_copy": 0,
            "field_order": ["b", "a"],
            "fields": [{ "fieldname": "a", "hidden": 0, "columns": 1.0 }, { "fieldname": "b" }],
            "permissions": [{ "role": "Guest", "read": 1 }]
        }))
    }

    #[test]
    fn what_was_not_edited_is_not_written() {
        let mut edited = file();
        // As a browser sends it.
        edited.insert(
            "fields".to_owned(),
            json!([{ "fieldname": "b" }, { "fieldname": "a", "hidden": 0, "columns": 1 }]),
        );
        let settled = settle(&edited, Some(&file()), &FieldRenames::new(), NOW);
        assert_eq!(settled, Settled { document: file(), is_changed: false });
    }

    #[test]
    fn a_new_field_stands_last_in_the_file_and_where_it_belongs_in_the_form() {
        let mut edited = file();
        edited.insert("fields".to_owned(), json!([{ "fieldname": "b", "reqd": 0 }, { "fieldname": "n", "reqd": true }, { "fieldname": "a", "hidden": 0, "columns": 1.0 }]));
        edited.insert("field_order".to_owned(), json!(["b", "n", "a"]));
        let settled = settle(&edited, Some(&file()), &FieldRenames::new(), NOW);
        assert!(settled.is_changed);
        assert_eq!(settled.document["field_order"], json!(["b", "n", "a"]));
        assert_eq!(
            settled.document["fields"],
            json!([{ "fieldname": "a", "hidden": 0, "columns": 1.0 }, { "fieldname": "b" }, { "fieldname": "n", "reqd": 1 }])
        );
        assert_eq!(settled.document["modified"], NOW);
        assert_eq!(settled.document["allow_copy"], 0);
    }

    #[test]
    fn a_renamed_field_keeps_its_place() {
        let mut edited = file();
        edited.insert(
            "fields".to_owned(),
            json!([{ "fieldname": "b" }, { "fieldname": "z", "hidden": 0, "columns": 1 }]),
        );
        edited.insert("field_order".to_owned(), json!(["b", "z"]));
        let renames = FieldRenames::from([("z".to_owned(), "a".to_owned())]);
        let settled = settle(&edited, Some(&file()), &renames, NOW);
        assert_eq!(
            settled.document["fields"],
            json!([{ "fieldname": "z", "hidden": 0, "columns": 1.0 }, { "fieldname": "b" }])
        );
    }

    #[test]
    fn a_row_keeps_its_spelling_wherever_it_goes() {
        let rows = json!([
            { "role": "Guest", "read": 1, "print": 0 }, { "role": "All", "read": 1, "write": 0, "permlevel": 1.0 },
            { "role": "Auditor", "read": 1, "email": 0, "docstatus": 0 }, { "role": "Clerk", "read": 1 }
        ]);
        let mut file = file();
        file.insert("permissions".to_owned(), rows);
        let settled = |rows: Value| {
            let mut edited = file.clone();
            edited.insert("permissions".to_owned(), rows);
            settle(&edited, Some(&file), &FieldRenames::new(), NOW).document["permissions"].clone()
        };
        // Guest goes, Auditor is edited and goes up, Clerk is edited, and a row comes with a check that was unset again.
        assert_eq!(
            settled(json!([
                { "role": "Auditor", "read": 1, "email": 0, "docstatus": 0, "share": 1 },
                { "role": "All", "read": 1, "write": 0, "permlevel": 1 },
                { "role": "Clerk", "read": 0 }, { "role": "New", "read": 1, "docstatus": 0 }
            ])),
            json!([
                { "role": "Auditor", "read": 1, "email": 0, "docstatus": 0, "share": 1 },
                { "role": "All", "read": 1, "write": 0, "permlevel": 1.0 },
                { "role": "Clerk" }, { "role": "New", "read": 1 }
            ])
        );
    }

    #[test]
    fn what_is_switched_off_is_left_out() {
        let mut edited = file();
        edited.insert("permissions".to_owned(), json!([{ "role": "Guest", "read": 0 }]));
        edited.insert("istable".to_owned(), json!(0));
        let settled = settle(&edited, Some(&file()), &FieldRenames::new(), NOW);
        assert_eq!(settled.document["permissions"], json!([{ "role": "Guest" }]));
        assert!(!settled.document.contains_key("istable"));
    }

    #[test]
    fn a_new_doctype_says_when_and_by_whom_it_was_made() {
        let new = object(&json!({ "doctype": "DocType", "name": "Order", "owner": "me@example.com" }));
        let made = settle(&new, None, &FieldRenames::new(), NOW).document;
        assert_eq!(
            (&made["creation"], &made["modified"], &made["modified_by"], &made["owner"]),
            (&json!(NOW), &json!(NOW), &json!("Administrator"), &json!("me@example.com"))
        );
        assert!(!settle(&new, Some(&file()), &FieldRenames::new(), NOW).document.contains_key("creation"));
    }
}
