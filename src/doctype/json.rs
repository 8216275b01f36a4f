//! Lenient reading of Frappe's JSON where it is kept as a tree: text may be a number.

use serde_json::{Map, Value};

/// The object of one document in a file.
pub(super) type Object = Map<String, Value>;

/// A text such as `options`; `None` if it is missing, empty, a list or an object.
pub(super) fn text(object: &Object, key: &str) -> Option<String> {
    match object.get(key) {
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Bool(set)) => Some(u8::from(*set).to_string()),
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => None,
    }
}
