//! The arguments of a call.

use super::value::Value;

/// What a function is called with.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
    /// Whether there are more that are not known (`*rest`, `**rest`).
    pub(super) is_open: bool,
}

impl Arguments {
    /// The argument that stands at this place or has this name; `Unknown` where it may be among those not known.
    pub(super) fn get(&self, at: usize, name: &str) -> Option<Value> {
        let named = || self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let found = self.positional.get(at).or_else(named).cloned();
        found.or_else(|| self.is_open.then_some(Value::Unknown))
    }

    /// The same as a text that is known.
    pub(super) fn text(&self, at: usize, name: &str) -> Option<String> {
        self.get(at, name)?.known_text().map(str::to_owned)
    }

    /// The texts of an argument that is a text or a list of texts; `None` if one is not known.
    pub(super) fn texts(&self, at: usize, name: &str) -> Option<Vec<String>> {
        let value = self.get(at, name)?;
        match &value {
            Value::List(list, _) => list.iter().map(|text| text.known_text().map(str::to_owned)).collect(),
            _ => Some(vec![value.known_text()?.to_owned()]),
        }
    }

    /// Whether the flag of this name is known to be off.
    pub(super) fn is_off(&self, name: &str) -> bool {
        self.named.iter().any(|(known, value)| known == name && value.truth() == Some(false))
    }
}
