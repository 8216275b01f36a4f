//! Reading a DocType's document as Frappe does, without trusting it.

use serde_json::{Map, Value};

/// The document of one file; its keys are sorted, as in Frappe's export.
pub type Document = Map<String, Value>;

/// A text; empty for what is none. Numbers count, as in Frappe.
pub fn text<'a>(values: &'a Document, key: &str) -> std::borrow::Cow<'a, str> {
    match values.get(key) {
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Number(number)) => number.to_string().into(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => "".into(),
    }
}

/// Whether a check is set.
pub(super) fn is_set(values: &Document, key: &str) -> bool {
    match values.get(key) {
        Some(Value::Bool(set)) => *set,
        Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
        Some(Value::String(text)) => text.trim().parse::<f64>().is_ok_and(|number| number != 0.0),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

/// The rows of a table of the document that are objects.
pub(super) fn rows<'a>(document: &'a Document, key: &str) -> impl Iterator<Item = &'a Document> {
    document.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The entries of `fields` that are objects, in the order of the file.
pub fn fields(document: &Document) -> impl Iterator<Item = &Document> {
    rows(document, "fields")
}

/// The names of the fields in the order of the file; a field without one has an empty one.
pub fn field_names(document: &Document) -> Vec<String> {
    fields(document).map(|field| text(field, "fieldname").into_owned()).collect()
}

/// A name as the folder, module and file that Frappe makes of it (`frappe.scrub`).
pub fn scrub(name: &str) -> String {
    name.replace([' ', '-'], "_").to_lowercase()
}
