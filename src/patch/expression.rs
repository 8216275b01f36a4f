//! What is known of the value of an expression. Every part of it is walked through: a call may stand anywhere.

use std::rc::Rc;

use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, Expr, ExprBinOp, ExprBoolOp, ExprCompare, FStringPart,
    InterpolatedStringElement, Number, Operator, UnaryOp,
};
use ruff_text_size::Ranged;

use crate::doctype::When;

use super::harmless;
use super::reader::{At, Frame, Reader};
use super::statement::{MAX_ELEMENTS, add};
use super::value::{Document, HOLE, MAX_TEXT, Value};

impl Reader<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of expression of Python")]
    pub(super) fn expression(&mut self, frame: &mut Frame, expression: &Expr) -> Value {
        match expression {
            Expr::StringLiteral(text) => Value::text(text.value.to_str()),
            Expr::FString(text) => self.formatted(frame, &text.value),
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(whole) => whole.as_i64().map_or(Value::Data, Value::Int),
                Number::Float(_) | Number::Complex { .. } => Value::Data,
            },
            Expr::BooleanLiteral(set) => Value::Bool(set.value),
            Expr::NoneLiteral(_) => Value::None,
            Expr::BytesLiteral(_) | Expr::EllipsisLiteral(_) => Value::Data,
            Expr::Name(name) => self.variable(frame, name.id.as_str()),
            Expr::Attribute(attribute) => {
                let value = self.expression(frame, &attribute.value);
                self.attribute(&value, attribute.attr.as_str())
            }
            Expr::Subscript(entry) => {
                let (value, key) =
                    (self.expression(frame, &entry.value), self.expression(frame, &entry.slice));
                element(&value, &key)
            }
            Expr::Call(call) => self.call(frame, call),
            Expr::BinOp(operation) => self.operation(frame, operation),
            Expr::BoolOp(operation) => self.either(frame, operation),
            Expr::Compare(compare) => self.compare(frame, compare),
            Expr::UnaryOp(operation) => {
                let value = self.expression(frame, &operation.operand);
                match (operation.op, value) {
                    (UnaryOp::Not, value) => value.truth().map_or(Value::Data, |truth| Value::Bool(!truth)),
                    (UnaryOp::USub, Value::Int(number)) => {
                        number.checked_neg().map_or(Value::Data, Value::Int)
                    }
                    (UnaryOp::Invert | UnaryOp::UAdd | UnaryOp::USub, _) => Value::Data,
                }
            }
            Expr::If(choice) => {
                let truth = self.expression(frame, &choice.test).truth();
                match truth {
                    Some(true) => self.expression(frame, &choice.body),
                    Some(false) => self.expression(frame, &choice.orelse),
                    None => {
                        let body = self.perhaps(frame, &choice.body);
                        body.join(&self.perhaps(frame, &choice.orelse))
                    }
                }
            }
            Expr::Lambda(lambda) => self.lambda(frame, lambda),
            Expr::Named(named) => {
                let value = self.expression(frame, &named.value);
                self.assign(frame, &named.target, &value);
                value
            }
            Expr::Starred(starred) => self.expression(frame, &starred.value),
            Expr::Await(wait) => self.expression(frame, &wait.value),
            Expr::Yield(give) => {
                if let Some(value) = &give.value {
                    self.expression(frame, value);
                }
                Value::Unknown
            }
            Expr::YieldFrom(give) => {
                self.expression(frame, &give.value);
                Value::Unknown
            }
            Expr::Slice(slice) => {
                for part in [&slice.lower, &slice.upper, &slice.step].into_iter().flatten() {
                    self.expression(frame, part);
                }
                Value::Data
            }
            other => self.container(frame, other),
        }
    }

    /// Lists, dicts and the like, written out or made by a comprehension.
    fn container(&mut self, frame: &mut Frame, expression: &Expr) -> Value {
        match expression {
            Expr::List(list) => self.elements(frame, &list.elts),
            Expr::Tuple(tuple) => self.elements(frame, &tuple.elts),
            Expr::Set(set) => self.elements(frame, &set.elts),
            Expr::Dict(dict) => {
                let mut entries = Vec::new();
                for item in &dict.items {
                    let value = self.expression(frame, &item.value);
                    match (&item.key, value) {
                        (Some(key), value) => entries.push((self.expression(frame, key), value)),
                        (None, Value::Dict(more, _)) => entries.extend(more.iter().cloned()),
                        (None, _) => {}
                    }
                }
                Value::dict(entries)
            }
            Expr::ListComp(list) => self.comprehension(frame, &list.generators, &[&list.elt]),
            Expr::SetComp(set) => self.comprehension(frame, &set.generators, &[&set.elt]),
            Expr::Generator(all) => self.comprehension(frame, &all.generators, &[&all.elt]),
            Expr::DictComp(dict) => {
                let parts: Vec<&Expr> =
                    dict.key.iter().map(AsRef::as_ref).chain([dict.value.as_ref()]).collect();
                self.comprehension(frame, &dict.generators, &parts)
            }
            _ => Value::Unknown,
        }
    }

    /// What happens here happens under a condition that is not known.
    fn perhaps(&mut self, frame: &mut Frame, expression: &Expr) -> Value {
        let when = self.when;
        self.when = when.max(When::Conditional);
        let value = self.expression(frame, expression);
        self.when = when;
        value
    }

    fn variable(&mut self, frame: &Frame, name: &str) -> Value {
        match frame.variables.get(name) {
            Some(value) => value.clone(),
            None => self.global(&frame.module, name),
        }
    }

    /// An attribute of a value.
    pub(super) fn attribute(&mut self, value: &Value, name: &str) -> Value {
        match value {
            Value::Name(base) => {
                let full = format!("{base}.{name}");
                let is_local = base.strip_suffix(".local").is_some_and(|root| self.is_framework(root));
                if is_local && !matches!(name, "db" | "qb" | "cache" | "flags" | "conf") {
                    return Value::Data;
                }
                match self.of_framework(&full) {
                    Some(own) => harmless::constant(&own).unwrap_or_else(|| self.constant(&full)),
                    None => self.constant(&full),
                }
            }
            Value::Document(document) if name == "doctype" && document.field.is_none() => {
                document.doctype.as_deref().map_or(Value::Data, Value::text)
            }
            Value::Document(_) if matches!(name, "meta" | "flags" | "name") => Value::Data,
            Value::Document(document) | Value::Field(document) => {
                let field = Document { field: Some(name.to_owned()), ..(**document).clone() };
                Value::Field(Rc::new(field))
            }
            Value::Table(_) => Value::Column(Rc::from(name)),
            Value::Dict(_, _) => value.entry(name).cloned().unwrap_or(Value::Data),
            _ if value.is_data() => Value::Data,
            _ => Value::Unknown,
        }
    }

    fn elements(&mut self, frame: &mut Frame, parts: &[Expr]) -> Value {
        let mut values = Vec::new();
        for part in parts {
            let value = self.expression(frame, part);
            match (part, value.elements()) {
                (Expr::Starred(_), Some(more)) => values.extend(more),
                (Expr::Starred(_), None) => return value.some_element().join(&Value::Data),
                (_, _) => values.push(value),
            }
        }
        Value::list(values)
    }

    fn formatted(&mut self, frame: &mut Frame, value: &ruff_python_ast::FStringValue) -> Value {
        let mut text = String::new();
        for part in value {
            match part {
                FStringPart::Literal(literal) => text.push_str(literal.as_str()),
                FStringPart::FString(parts) => {
                    for element in &parts.elements {
                        match element {
                            InterpolatedStringElement::Literal(literal) => text.push_str(&literal.value),
                            InterpolatedStringElement::Interpolation(part) => {
                                let value = self.expression(frame, &part.expression);
                                text.push_str(&shown(&value));
                            }
                        }
                    }
                }
            }
            if text.len() > MAX_TEXT {
                return Value::Data;
            }
        }
        Value::text(&text)
    }

    fn operation(&mut self, frame: &mut Frame, operation: &ExprBinOp) -> Value {
        let (a, b) = (self.expression(frame, &operation.left), self.expression(frame, &operation.right));
        match (operation.op, &a, &b) {
            (Operator::Add, _, _) => add(&a, &b),
            (Operator::Mod, Value::Text(text), _) => percent(text, &b),
            (Operator::BitAnd, Value::Condition { is_name: x }, Value::Condition { is_name: y }) => {
                Value::Condition { is_name: *x || *y }
            }
            (Operator::BitOr, Value::Condition { is_name: x }, Value::Condition { is_name: y }) => {
                Value::Condition { is_name: *x && *y }
            }
            (Operator::BitAnd, Value::Condition { is_name }, _) => Value::Condition { is_name: *is_name },
            _ => Value::Data,
        }
    }

    fn either(&mut self, frame: &mut Frame, operation: &ExprBoolOp) -> Value {
        let when = self.when;
        let mut known: Option<Value> = None;
        for part in &operation.values {
            let value = self.expression(frame, part);
            let ends = value.truth() == Some(operation.op == BoolOp::Or);
            let is_passed = value.truth() == Some(operation.op == BoolOp::And);
            known = match known {
                Some(known) => Some(known.join(&value)),
                None if is_passed => None,
                None => Some(value.clone()),
            };
            if ends {
                break;
            }
            if !is_passed {
                self.when = when.max(When::Conditional);
            }
        }
        self.when = when;
        known.unwrap_or(Value::Bool(operation.op == BoolOp::And))
    }

    fn compare(&mut self, frame: &mut Frame, compare: &ExprCompare) -> Value {
        let left = self.expression(frame, &compare.left);
        let right: Vec<Value> =
            compare.comparators.iter().map(|value| self.expression(frame, value)).collect();
        let ([op], [right]) = (compare.ops.as_ref(), right.as_slice()) else { return Value::Data };
        if let Value::Column(column) = &left {
            return Value::Condition { is_name: *op == CmpOp::Eq && column.as_ref() == "name" };
        }
        let known = match op {
            CmpOp::Eq | CmpOp::Is => left.equals(right),
            CmpOp::NotEq | CmpOp::IsNot => left.equals(right).map(|same| !same),
            CmpOp::In | CmpOp::NotIn => right.elements().and_then(|elements| {
                let known: Option<Vec<bool>> = elements.iter().map(|element| left.equals(element)).collect();
                Some(known?.contains(&true) == (*op == CmpOp::In))
            }),
            CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => None,
        };
        known.map_or(Value::Data, Value::Bool)
    }

    /// The list of a comprehension if it goes over one list that is known, else what an element of it is.
    fn comprehension(&mut self, frame: &mut Frame, generators: &[Comprehension], parts: &[&Expr]) -> Value {
        let (variables, when) = (frame.variables.clone(), self.when);
        let first = generators.first().map(|first| self.expression(frame, &first.iter));
        let known = first.as_ref().and_then(Value::elements).filter(|list| list.len() <= MAX_ELEMENTS);
        let is_list = parts.len() == 1;
        let result = match (generators, known) {
            ([only], Some(elements)) if only.ifs.is_empty() && is_list => {
                let mut values = Vec::new();
                for element in elements {
                    let at = At { module: Rc::clone(&frame.module), range: only.target.range() };
                    if !self.step(&at) {
                        break;
                    }
                    self.assign(frame, &only.target, &element);
                    values.extend(parts.iter().map(|part| self.expression(frame, part)));
                }
                Value::list(values)
            }
            (_, _) => {
                for (at, generator) in generators.iter().enumerate() {
                    let over = match &first {
                        Some(first) if at == 0 => first.clone(),
                        Some(_) | None => self.expression(frame, &generator.iter),
                    };
                    self.assign(frame, &generator.target, &over.some_element());
                    for condition in &generator.ifs {
                        self.expression(frame, condition);
                        self.when = when.max(When::Conditional);
                    }
                }
                let value = parts
                    .iter()
                    .map(|part| self.expression(frame, part))
                    .fold(Value::Data, |a, b| a.join(&b));
                if value.is_data() { Value::Data } else { Value::Unknown }
            }
        };
        (frame.variables, self.when) = (variables, when);
        result
    }

    /// A function without a name may be called by whoever gets it: its code is walked through where it stands.
    fn lambda(&mut self, frame: &mut Frame, lambda: &ruff_python_ast::ExprLambda) -> Value {
        let variables = frame.variables.clone();
        for parameter in lambda.parameters.iter().flat_map(|all| all.iter()) {
            frame.variables.insert(parameter.name().to_string(), Value::Unknown);
        }
        self.perhaps(frame, &lambda.body);
        frame.variables = variables;
        Value::Data
    }
}

/// What a value is as a part of a text.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(set) => if *set { "True" } else { "False" }.to_owned(),
        Value::None => "None".to_owned(),
        _ => HOLE.to_string(),
    }
}

fn element(value: &Value, key: &Value) -> Value {
    match (value, key) {
        (Value::Dict(_, _), Value::Text(_)) => {
            let known = key.known_text().and_then(|key| value.entry(key)).cloned();
            known.unwrap_or_else(|| value.some_entry())
        }
        (Value::List(list, _), Value::Int(at)) => {
            let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
            let at = if *at < 0 { length + at } else { *at };
            let known = usize::try_from(at).ok().and_then(|at| list.get(at)).cloned();
            known.unwrap_or_else(|| value.some_element())
        }
        (Value::Field(row), _) => Value::Document(Rc::clone(row)),
        (Value::Table(_), Value::Text(name)) => Value::Column(Rc::clone(name)),
        (Value::Dict(_, _), _) => value.some_entry(),
        (Value::List(_, _), _) => value.some_element(),
        _ if value.is_data() => Value::Data,
        _ => Value::Unknown,
    }
}

/// `text % values`.
fn percent(text: &str, values: &Value) -> Value {
    let given: Vec<Value> = match values {
        Value::List(list, _) => list.to_vec(),
        other => vec![other.clone()],
    };
    let (mut made, mut next, mut rest) = (String::new(), given.iter(), text);
    while let Some(at) = rest.find('%') {
        made.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            made.push('%');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('(') {
            let Some((key, after)) = after.split_once(')') else { return Value::Data };
            made.push_str(&values.entry(key).map_or_else(|| HOLE.to_string(), shown));
            rest = after.get(1..).unwrap_or_default();
        } else {
            made.push_str(&next.next().map_or_else(|| HOLE.to_string(), shown));
            let Some(after) = rest.get(1..) else { return Value::Data };
            rest = after;
        }
        if made.len() > MAX_TEXT {
            return Value::Data;
        }
    }
    made.push_str(rest);
    Value::text(&made)
}
