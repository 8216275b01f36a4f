//! Lenient reading of Frappe's JSON: a flag may be `1`, `true` or `"1"`, a number may be text, text may be a number.

use serde_json::{Map, Value};

/// The object of one document in a file.
pub(super) type Object = Map<String, Value>;

/// Whether a flag such as `reqd` is set, as Frappe's `cint` sees it.
pub(super) fn flag(object: &Object, key: &str) -> bool {
    number(object, key) != 0
}

/// A whole number such as `length`; 0 if it is missing or not a number, as Frappe's `cint` says.
pub(super) fn number(object: &Object, key: &str) -> i64 {
    match object.get(key) {
        Some(Value::Bool(set)) => i64::from(*set),
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        Some(Value::String(text)) => super::column::cint(text),
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => 0,
    }
}

/// A text such as `options`; `None` if it is missing, empty, a list or an object.
pub(super) fn text(object: &Object, key: &str) -> Option<String> {
    match object.get(key) {
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Bool(set)) => Some(u8::from(*set).to_string()),
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => None,
    }
}
