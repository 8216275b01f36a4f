//! Lenient reading of Frappe's JSON where it is kept as a tree: text may be a number.

use serde_json::{Map, Value};

/// The object of one document in a file.
pub(super) type Object = Map<String, Value>;

/// A whole number or flag as Frappe's `cint` reads it; 0 if there is none.
pub(super) fn whole(object: &Object, key: &str) -> i64 {
    text(object, key).map_or(0, |text| super::column::cint(&text))
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
