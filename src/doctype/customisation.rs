//! What an app or a site sets over the files of `DocTypes`: Custom Fields, Property Setters, whole `DocTypes`.
//!
//! Frappe's schema sync works on the customised `DocType` (`frappe/model/meta.py`, `Meta.process`): a Property Setter
//! that makes a field longer decides the column, whatever the file says.

use serde::{Deserialize, Serialize};

use super::column::cint;
use super::json::{Object, text, whole};
use super::{DocField, DocType};

/// One property of a `DocType` or of one of its fields that is set over what the file says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PropertySetter {
    /// `DocType` that it customises.
    pub doctype: String,
    /// Its field; `None` for a property of the `DocType` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Property, e.g. `length`.
    pub property: String,
    /// Its value as written; empty text is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl PropertySetter {
    /// Reads one as a file or a row of `tabProperty Setter` has it; `None` for one of an action, a link or a state, and
    /// for one that names no property.
    pub fn read(object: &Object) -> Option<Self> {
        let field = text(object, "field_name");
        let of = text(object, "doctype_or_field").unwrap_or_else(|| "DocField".to_owned());
        let field = match of.as_str() {
            "DocType" => None,
            "DocField" => Some(field?),
            _ => return None,
        };
        let (doctype, property) = (text(object, "doc_type")?, text(object, "property")?);
        Some(Self { doctype, field, property, value: text(object, "value") })
    }

    /// What it is about: of two with the same place the later one counts.
    pub fn place(&self) -> (&str, Option<&str>, &str) {
        (&self.doctype, self.field.as_deref(), &self.property)
    }

    /// Whether it can change what is in the database, or what a version makes of it.
    pub fn matters(&self) -> bool {
        let known: &[&str] = match &self.field {
            None => &["autoname", "sort_field", "track_seen"],
            Some(_) => &[
                "default",
                "fieldtype",
                "is_virtual",
                "length",
                "not_nullable",
                "options",
                "precision",
                "reqd",
                "search_index",
                "unique",
            ],
        };
        known.contains(&self.property.as_str())
    }

    fn is_set(&self) -> bool {
        self.value.as_deref().is_some_and(|value| cint(value) != 0)
    }

    fn number(&self) -> u32 {
        self.value.as_deref().and_then(|value| u32::try_from(cint(value)).ok()).unwrap_or(0)
    }

    /// Sets the property of a field.
    pub fn apply_to_field(&self, field: &mut DocField) {
        match self.property.as_str() {
            "default" => field.default.clone_from(&self.value),
            "fieldtype" => {
                if let Some(fieldtype) = &self.value {
                    field.fieldtype.clone_from(fieldtype);
                }
            }
            "is_virtual" => field.is_virtual = self.is_set(),
            "length" => field.length = self.number(),
            "not_nullable" => field.not_nullable = self.is_set(),
            "options" => field.options.clone_from(&self.value),
            "precision" => field.precision = self.number(),
            "reqd" => field.reqd = self.is_set(),
            "search_index" => field.search_index = self.is_set(),
            "unique" => field.unique = self.is_set(),
            _ => {}
        }
    }

    /// Sets the property of a `DocType` or of its field, if it has it.
    pub fn apply(&self, doctype: &mut DocType) {
        match (&self.field, self.property.as_str()) {
            (Some(name), _) => {
                if let Some(field) = doctype.fields.iter_mut().find(|field| field.fieldname == *name) {
                    self.apply_to_field(field);
                }
            }
            (None, "autoname") => doctype.autoname.clone_from(&self.value),
            (None, "sort_field") => doctype.sort_field.clone_from(&self.value),
            (None, "track_seen") => doctype.track_seen = self.is_set(),
            (None, _) => {}
        }
    }
}

impl DocType {
    /// A `DocType` that lives in the site's database alone, as its row of `tabDocType` has it; without fields.
    pub fn custom(row: &Object) -> Option<Self> {
        let engine = text(row, "engine").filter(|engine| engine.chars().all(|c| c.is_ascii_alphanumeric()));
        Some(Self {
            name: text(row, "name")?,
            module: text(row, "module").unwrap_or_default(),
            fields: Vec::new(),
            issingle: whole(row, "issingle") != 0,
            istable: whole(row, "istable") != 0,
            is_virtual: whole(row, "is_virtual") != 0,
            is_submittable: whole(row, "is_submittable") != 0,
            is_tree: whole(row, "is_tree") != 0,
            track_seen: whole(row, "track_seen") != 0,
            autoname: text(row, "autoname"),
            engine,
            sort_field: text(row, "sort_field"),
            has_controller: true,
            on_update: Vec::new(),
            digest: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn setters_of_fields_and_of_the_doctype_are_told_apart() {
        let read = |value: serde_json::Value| PropertySetter::read(value.as_object().unwrap());
        let length = read(json!({
            "doc_type": "Order", "doctype_or_field": "DocField", "field_name": "title", "property": "length",
            "property_type": "Int", "value": "200",
        }));
        let mut field = DocField::read(json!({"fieldname": "title"}).as_object().unwrap()).unwrap().unwrap();
        length.unwrap().apply_to_field(&mut field);
        assert_eq!(field.length, 200);
        let sort =
            read(json!({"doc_type": "Order", "doctype_or_field": "DocType", "property": "sort_field"}));
        assert_eq!(sort.unwrap().place(), ("Order", None, "sort_field"));
        assert_eq!(
            read(json!({"doc_type": "Order", "doctype_or_field": "DocType Link", "property": "x"})),
            None
        );
        assert_eq!(read(json!({"doc_type": "Order", "property": "length"})), None);
    }
}
