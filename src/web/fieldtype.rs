//! The types that a field may have, in the order of Frappe's own list (`frappe/core/doctype/docfield/docfield.json`).

use crate::doctype::{DocField, FrappeVersion};

use super::api::{Fieldtype, FieldtypeKind};

const ALL: [&str; 44] = [
    "Autocomplete",
    "Attach",
    "Attach Image",
    "Barcode",
    "Button",
    "Check",
    "Code",
    "Color",
    "Column Break",
    "Currency",
    "Data",
    "Date",
    "Datetime",
    "Duration",
    "Dynamic Link",
    "Float",
    "Fold",
    "Geolocation",
    "Heading",
    "HTML",
    "HTML Editor",
    "Icon",
    "Image",
    "Int",
    "JSON",
    "Link",
    "Long Text",
    "Markdown Editor",
    "Password",
    "Percent",
    "Phone",
    "Read Only",
    "Rating",
    "Section Break",
    "Select",
    "Signature",
    "Small Text",
    "Tab Break",
    "Table",
    "Table MultiSelect",
    "Text",
    "Text Editor",
    "Time",
    "Long Int",
];
/// Types with the first version that has them.
const LATER: [(&str, u32); 3] = [("Phone", 14), ("Tab Break", 14), ("Autocomplete", 14)];

/// The types of a version of Frappe.
pub(super) fn fieldtypes(frappe: FrappeVersion) -> Vec<Fieldtype> {
    let is_there = |name: &&str| LATER.iter().all(|(later, since)| later != name || frappe.major >= *since);
    let all = ALL.iter().copied().filter(|name| is_there(name));
    all.map(|name| Fieldtype { name, kind: kind(name) }).collect()
}

fn kind(name: &str) -> FieldtypeKind {
    let mut field = serde_json::Map::new();
    field.insert("fieldname".to_owned(), "x".into());
    field.insert("fieldtype".to_owned(), name.into());
    let field = DocField::read(&field).ok().flatten();
    if field.as_ref().is_some_and(DocField::is_table) {
        FieldtypeKind::Table
    } else if field.is_some_and(|field| field.is_value()) {
        FieldtypeKind::Value
    } else {
        FieldtypeKind::Layout
    }
}
