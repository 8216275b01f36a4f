//! Calls: who is called, with what.

use std::collections::HashMap;
use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall};

use super::arguments::Arguments;
use super::harmless;
use super::module::Binder;
use super::reader::{At, Frame, Reader};
use super::value::{Function, HOLE, MAX_TEXT, Value};

impl Reader<'_> {
    pub(super) fn call(&mut self, frame: &mut Frame, call: &ExprCall) -> Value {
        let at = At { module: Rc::clone(&frame.module), range: ruff_text_size::Ranged::range(call) };
        if let Expr::Attribute(attribute) = call.func.as_ref() {
            let base = self.expression(frame, &attribute.value);
            let arguments = self.arguments(frame, call);
            let method = attribute.attr.as_str();
            if let Value::Name(_) = &base {
                let callee = self.attribute(&base, method);
                return self.call_value(&callee, &arguments, &at);
            }
            let (changed, result) = self.method(&base, method, &arguments, &at);
            // `fields.append("x")` and the like: the variable holds another list from here on.
            if let (Some(changed), Expr::Name(name)) = (changed, attribute.value.as_ref()) {
                frame.variables.insert(name.id.to_string(), changed);
            }
            return result;
        }
        let callee = self.expression(frame, &call.func);
        let arguments = self.arguments(frame, call);
        self.call_value(&callee, &arguments, &at)
    }

    fn arguments(&mut self, frame: &mut Frame, call: &ExprCall) -> Arguments {
        let mut arguments = Arguments::default();
        for argument in &call.arguments.args {
            let value = self.expression(frame, argument);
            match (argument, value.elements()) {
                (Expr::Starred(_), Some(more)) => arguments.positional.extend(more),
                (Expr::Starred(_), None) => arguments.is_open = true,
                (_, _) => arguments.positional.push(value),
            }
        }
        for keyword in &call.arguments.keywords {
            let value = self.expression(frame, &keyword.value);
            match (&keyword.arg, value) {
                (Some(name), value) => arguments.named.push((name.to_string(), value)),
                (None, Value::Dict(entries, _)) => {
                    for (key, value) in entries.iter() {
                        match key.known_text() {
                            Some(key) => arguments.named.push((key.to_owned(), value.clone())),
                            None => arguments.is_open = true,
                        }
                    }
                }
                (None, _) => arguments.is_open = true,
            }
        }
        arguments
    }

    /// Calls a value.
    pub(super) fn call_value(&mut self, callee: &Value, arguments: &Arguments, at: &At) -> Value {
        match callee {
            Value::Function(function) => self.enter(function, arguments, at),
            Value::Name(name) => self.call_name(&name.clone(), arguments, at),
            _ if callee.is_data() => Value::Data,
            _ => {
                self.unknown(at, "what is called is not known");
                Value::Unknown
            }
        }
    }

    /// Calls something by its dotted name: a call of the framework, a function of the bench, Python's own.
    fn call_name(&mut self, name: &str, arguments: &Arguments, at: &At) -> Value {
        if let Some(own) = self.of_framework(name) {
            if let Some(value) = self.framework_call(&own, arguments, at) {
                return value;
            }
            if harmless::is_harmless(&own) {
                return Value::Data;
            }
        }
        if let Some(builtin) = name.strip_prefix("builtins.") {
            return self.builtin(builtin, arguments, at);
        }
        if !self.is_of_bench(name) && harmless::is_of_python(name) {
            return Value::Data;
        }
        // Of a function whose results are kept in memory.
        if name.ends_with(".clear_cache") {
            return Value::Data;
        }
        if let Some(value) = self.follow(name, arguments, at) {
            return value;
        }
        self.unknown(at, &format!("{name} is not followed and not known to leave the database alone"));
        Value::Unknown
    }

    /// Walks through a function of another module of the bench.
    fn follow(&mut self, name: &str, arguments: &Arguments, at: &At) -> Option<Value> {
        let (module, function) = name.rsplit_once('.')?;
        let module = self.load(module).ok()?;
        match module.binder(function)? {
            Binder::Function(_) => {
                let callee = self.global(&module, function);
                Some(self.call_value(&callee, arguments, at))
            }
            Binder::Import(target) if target != name => {
                let callee = Value::name(target.clone());
                Some(self.call_value(&callee, arguments, at))
            }
            Binder::Import(_) | Binder::Class | Binder::Value(_) | Binder::Other => None,
        }
    }

    /// The variables of a called function, out of what it is called with and its defaults.
    pub(super) fn bind(&mut self, function: &Function, arguments: &Arguments) -> HashMap<String, Value> {
        let mut variables = function.around.clone();
        let parameters = &function.code.parameters;
        let mut outer =
            Frame { module: Rc::clone(&function.module), variables: function.around.clone(), returned: None };
        let by_place = parameters.posonlyargs.iter().chain(parameters.args.iter());
        let places = by_place.clone().count();
        let positional = by_place.enumerate().map(|(at, parameter)| (Some(at), parameter));
        for (at, parameter) in
            positional.chain(parameters.kwonlyargs.iter().map(|parameter| (None, parameter)))
        {
            let name = parameter.name().as_str();
            let given = arguments.get(at.unwrap_or(usize::MAX), name);
            let value = given.unwrap_or_else(|| match parameter.default() {
                Some(default) => self.expression(&mut outer, default),
                None => Value::Unknown,
            });
            variables.insert(name.to_owned(), value);
        }
        if let Some(rest) = &parameters.vararg {
            let more = arguments.positional.iter().skip(places).cloned().collect();
            let value = if arguments.is_open { Value::Unknown } else { Value::list(more) };
            variables.insert(rest.name.to_string(), value);
        }
        if let Some(rest) = &parameters.kwarg {
            let is_own =
                |name: &str| parameters.iter_non_variadic_params().any(|own| own.name().as_str() == name);
            let more = arguments.named.iter().filter(|(name, _)| !is_own(name));
            let entries = more.map(|(name, value)| (Value::text(name), value.clone())).collect();
            variables.insert(rest.name.to_string(), Value::dict(entries));
        }
        variables
    }

    /// Python's own functions.
    fn builtin(&mut self, name: &str, arguments: &Arguments, at: &At) -> Value {
        let first = arguments.positional.first();
        match (name, first) {
            ("exec" | "eval" | "compile" | "__import__", _) => {
                self.unknown(at, "it runs code out of a text");
                Value::Unknown
            }
            ("list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed", Some(list)) => {
                list.elements().map_or_else(|| list.clone(), Value::list)
            }
            ("list" | "tuple" | "set", None) => Value::list(Vec::new()),
            ("dict", None) => {
                let entries = arguments.named.iter().map(|(name, value)| (Value::text(name), value.clone()));
                Value::dict(entries.collect())
            }
            ("dict", Some(known @ Value::Dict(_, _))) if arguments.named.is_empty() => known.clone(),
            ("enumerate", Some(list)) => match list.elements() {
                Some(elements) => {
                    let pairs = (0_i64..).zip(elements);
                    Value::list(pairs.map(|(at, value)| Value::list(vec![Value::Int(at), value])).collect())
                }
                None => Value::list_of_pairs(Value::Data, list.some_element()),
            },
            ("zip", Some(_)) => self.zip(arguments),
            ("range", Some(Value::Int(end))) if arguments.positional.len() == 1 && *end <= 500 => {
                Value::list((0..*end).map(Value::Int).collect())
            }
            ("str", Some(value)) => Value::text(&super::expression::shown(value)),
            ("next" | "max" | "min", Some(list)) if list.elements().is_none() => list.some_element(),
            ("iter", Some(list)) => list.clone(),
            ("getattr", Some(value)) => match arguments.text(1, "name") {
                Some(name) => self.attribute(&value.clone(), &name),
                None if value.is_data() => Value::Data,
                None => Value::Unknown,
            },
            ("map" | "filter", Some(function)) => {
                let element = arguments.positional.get(1).map_or(Value::Unknown, Value::some_element);
                let arguments = Arguments { positional: vec![element.clone()], ..Arguments::default() };
                let made = self.call_value(&function.clone(), &arguments, at);
                if name == "filter" { element.join(&Value::Data) } else { made }
            }
            (_, _) => Value::Data,
        }
    }

    fn zip(&mut self, arguments: &Arguments) -> Value {
        let lists: Option<Vec<Vec<Value>>> = arguments.positional.iter().map(Value::elements).collect();
        let Some(lists) = lists else { return Value::Unknown };
        let length = lists.iter().map(Vec::len).min().unwrap_or(0);
        let row = |at: usize| Value::list(lists.iter().map(|list| list[at].clone()).collect());
        Value::list((0..length).map(row).collect())
    }
}

/// `text.format(...)`.
pub(super) fn format(text: &str, arguments: &Arguments) -> Value {
    let (mut made, mut rest, mut next) = (String::new(), text, 0);
    while let Some(at) = rest.find(['{', '}']) {
        made.push_str(&rest[..at]);
        let sign = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(sign) {
            made.push_str(sign);
            rest = after;
            continue;
        }
        let Some((field, after)) = rest.split_once('}').filter(|_| sign == "{") else { return Value::Data };
        rest = after;
        let name = field.split([':', '!']).next().unwrap_or_default();
        let value = if name.is_empty() {
            next += 1;
            arguments.positional.get(next - 1).cloned()
        } else if let Ok(place) = name.parse::<usize>() {
            arguments.positional.get(place).cloned()
        } else {
            arguments.get(usize::MAX, name)
        };
        made.push_str(&value.as_ref().map_or_else(|| HOLE.to_string(), super::expression::shown));
        if made.len() > MAX_TEXT {
            return Value::Data;
        }
    }
    made.push_str(rest);
    Value::text(&made)
}
