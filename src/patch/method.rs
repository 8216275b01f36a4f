//! Methods of values.

use std::rc::Rc;

use super::arguments::Arguments;
use super::call::format;
use super::harmless;
use super::reader::{At, Reader};
use super::value::{MAX_TEXT, Value};

impl Reader<'_> {
    /// Calls a method; gives what the value is afterwards, if it changed, and what the method returns.
    pub(super) fn method(
        &mut self,
        value: &Value,
        method: &str,
        arguments: &Arguments,
        at: &At,
    ) -> (Option<Value>, Value) {
        match value {
            Value::List(list, _) => of_list(list, method, arguments),
            Value::Dict(_, _) => self.of_dict(value, method, arguments),
            Value::Text(text) => (None, of_text(text, method, arguments)),
            Value::Document(document) => {
                let document = Rc::clone(document);
                (None, self.document_method(&document, method, arguments, at))
            }
            Value::Field(document) => {
                let document = Rc::clone(document);
                (None, self.field_method(&document, method, arguments, at))
            }
            Value::Query(query) => {
                let query = Rc::clone(query);
                (None, self.query_method(&query, method, arguments, at))
            }
            Value::Column(column) => {
                let is_name = matches!(method, "eq" | "isin") && column.as_ref() == "name";
                (None, Value::Condition { is_name })
            }
            Value::Table(_) | Value::Pairs(_) => (None, Value::Data),
            _ if value.is_data() => (None, Value::Data),
            _ if harmless::is_method_of_data(method) => (None, Value::Unknown),
            _ => {
                self.unknown(at, "it is not known what this is called on");
                (None, Value::Unknown)
            }
        }
    }

    fn of_dict(&mut self, value: &Value, method: &str, arguments: &Arguments) -> (Option<Value>, Value) {
        let Value::Dict(entries, _) = value else { return (None, Value::Unknown) };
        match method {
            "items" => {
                let pairs = entries.iter().map(|(key, value)| Value::list(vec![key.clone(), value.clone()]));
                (None, Value::list(pairs.collect()))
            }
            "keys" => (None, Value::list(entries.iter().map(|(key, _)| key.clone()).collect())),
            "values" => (None, Value::list(entries.iter().map(|(_, value)| value.clone()).collect())),
            "get" | "setdefault" => {
                let known = arguments.text(0, "key").and_then(|key| value.entry(&key).cloned());
                let default = || arguments.get(1, "default").unwrap_or(Value::None);
                (None, known.unwrap_or_else(|| value.some_entry().join(&default())))
            }
            "copy" => (None, value.clone()),
            "update" => {
                let mut all = entries.to_vec();
                if let Some(Value::Dict(more, _)) = arguments.positional.first() {
                    all.extend(more.iter().cloned());
                }
                all.extend(arguments.named.iter().map(|(name, value)| (Value::text(name), value.clone())));
                (Some(Value::dict(all)), value.clone())
            }
            "pop" | "clear" => (Some(Value::Data), value.some_entry()),
            _ => (None, Value::Data),
        }
    }
}

fn of_list(list: &Rc<Vec<Value>>, method: &str, arguments: &Arguments) -> (Option<Value>, Value) {
    let value = Value::list(list.to_vec());
    let longer = |more: Vec<Value>| Some(Value::list(list.iter().cloned().chain(more).collect()));
    match (method, arguments.positional.as_slice()) {
        ("append" | "add", [element]) | ("insert", [_, element]) => {
            (longer(vec![element.clone()]), Value::None)
        }
        ("extend" | "update", [more]) => match more.elements() {
            Some(more) => (longer(more), Value::None),
            None => (longer(vec![more.some_element()]), Value::None),
        },
        ("remove" | "clear" | "discard", _) => (Some(value.some_element().join(&Value::Data)), Value::None),
        ("pop", _) => (None, value.some_element()),
        ("copy", _) => (None, value),
        (_, _) => (None, Value::Data),
    }
}

fn of_text(text: &str, method: &str, arguments: &Arguments) -> Value {
    let known = Value::text(text);
    match (method, arguments.positional.as_slice()) {
        ("format", _) => format(text, arguments),
        ("strip" | "rstrip" | "lstrip", []) if known.known_text().is_some() => Value::text(text.trim()),
        ("lower", _) if known.known_text().is_some() => Value::text(&text.to_lowercase()),
        ("replace", [from, to, ..]) => match (known.known_text(), from.known_text(), to.known_text()) {
            (Some(text), Some(from), Some(to))
                if !from.is_empty() && text.len() + text.matches(from).count() * to.len() <= MAX_TEXT =>
            {
                Value::text(&text.replace(from, to))
            }
            (_, _, _) => Value::Data,
        },
        ("split", [Value::Text(by)]) if known.known_text().is_some() && !by.is_empty() => {
            Value::list(text.split(by.as_ref()).map(Value::text).collect())
        }
        ("join", [list]) => match list.elements() {
            Some(parts) => {
                let parts: Vec<String> = parts.iter().map(super::expression::shown).collect();
                if parts.iter().map(|part| part.len() + text.len()).sum::<usize>() > MAX_TEXT {
                    return Value::Data;
                }
                Value::text(&parts.join(text))
            }
            None => Value::text(&super::value::HOLE.to_string()),
        },
        (_, _) => Value::Data,
    }
}
