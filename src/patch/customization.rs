//! Custom Fields and Property Setters that a patch makes.

use serde_json::Value as Json;

use crate::doctype::{Action, CustomField};

use super::arguments::Arguments;
use super::reader::{At, Reader};
use super::value::Value;

impl Reader<'_> {
    /// `create_custom_fields`, `create_custom_field`, `make_property_setter`, `delete_property_setter`.
    pub(super) fn customization(&mut self, name: &str, arguments: &Arguments, at: &At) -> Option<Value> {
        match name {
            "create_custom_fields" => match arguments.get(0, "custom_fields") {
                Some(Value::Dict(entries, _)) => {
                    for (doctypes, fields) in entries.iter() {
                        self.custom_fields(doctypes, fields, at);
                    }
                }
                _ => self.unknown(at, "it is not known which Custom Fields are made"),
            },
            "create_custom_field" => {
                let doctype = arguments.get(0, "doctype").unwrap_or(Value::Unknown);
                let field = arguments.get(1, "df").unwrap_or(Value::Unknown);
                self.custom_fields(&doctype, &field, at);
            }
            "make_property_setter" => {
                // Of `frappe` with one dict, else with the values one by one.
                let given = arguments.get(0, "args").or_else(|| arguments.get(0, "doctype"));
                let (doctype, property) = match &given {
                    Some(dict @ Value::Dict(_, _)) => {
                        let text = |key: &str| dict.entry(key).and_then(Value::known_text).map(str::to_owned);
                        (text("doctype"), text("property"))
                    }
                    _ => (arguments.text(0, "doctype"), arguments.text(2, "property")),
                };
                match (doctype, property) {
                    (Some(doctype), Some(property)) => {
                        self.effect(at, Action::PropertySetter { doctype, property });
                    }
                    (_, _) => self.unknown(at, "it is not known which Property Setter is made"),
                }
            }
            "delete_property_setter" => {
                let doctype = arguments.text(0, "doc_type").unwrap_or_default();
                let property = arguments.text(1, "property").unwrap_or_default();
                self.effect(at, Action::PropertySetter { doctype, property });
            }
            _ => return None,
        }
        Some(Value::Data)
    }

    /// Fields of one DocType, or of several of a tuple.
    fn custom_fields(&mut self, doctypes: &Value, fields: &Value, at: &At) {
        let doctypes = match doctypes {
            Value::List(list, _) => list.to_vec(),
            other => vec![other.clone()],
        };
        let fields = match fields {
            Value::List(list, _) => list.to_vec(),
            other => vec![other.clone()],
        };
        for doctype in &doctypes {
            for field in &fields {
                match custom_field(doctype, field) {
                    Some(field) => self.effect(at, Action::CustomField { field: Box::new(field) }),
                    None => self.unknown(at, "it is not known which Custom Fields are made"),
                }
            }
        }
    }
}

fn custom_field(doctype: &Value, field: &Value) -> Option<CustomField> {
    let Json::Object(entry) = field.json() else { return None };
    // Frappe's Custom Field is Data if nothing is said.
    let is_known = |key: &str| field.entry(key).is_none_or(|value| value.known_text().is_some());
    if !is_known("fieldtype") || !is_known("fieldname") {
        return None;
    }
    CustomField::from_object(doctype.known_text()?, entry)
}
