//! Walking through statements: branches are walked through all, and what they leave is joined.

use std::collections::HashMap;
use std::rc::Rc;

use ruff_python_ast::{Expr, Operator, Stmt, StmtFor, StmtIf, StmtTry};
use ruff_text_size::Ranged;

use crate::doctype::When;

use super::harmless;
use super::module::imports;
use super::reader::{At, Frame, Reader};
use super::value::{Function, MAX_TEXT, Value};

/// Elements of a list that a loop or a comprehension is walked through for, one by one.
pub(super) const MAX_ELEMENTS: usize = 500;

/// How a block of statements ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flow {
    /// What follows is not reached.
    pub(super) ends: Option<Ends>,
    /// It may have left the function before its end.
    left: Option<When>,
    /// It may have gone to the next round of its loop, or out of it.
    broke: Option<When>,
}

/// What a block ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// `return` or `raise`.
    Function,
    /// `break`.
    Loop,
    /// `continue`.
    Round,
}

impl Flow {
    const END: Self = Self { ends: Some(Ends::Function), left: None, broke: None };

    fn with(ends: Ends) -> Self {
        Self { ends: Some(ends), ..Self::default() }
    }

    fn also(self, next: Self) -> Self {
        Self { ends: next.ends, left: self.left.max(next.left), broke: self.broke.max(next.broke) }
    }
}

type Variables = HashMap<String, Value>;

impl Reader<'_> {
    pub(super) fn block(&mut self, frame: &mut Frame, body: &[Stmt]) -> Flow {
        let mut flow = Flow::default();
        for statement in body {
            let at = At { module: Rc::clone(&frame.module), range: statement.range() };
            if !self.step(&at) {
                return Flow::END;
            }
            flow = flow.also(self.statement(frame, statement));
            if flow.ends.is_some() {
                break;
            }
            self.when = self.when.max(flow.left.max(flow.broke).unwrap_or_default());
        }
        flow
    }

    pub(super) fn statement(&mut self, frame: &mut Frame, statement: &Stmt) -> Flow {
        match statement {
            Stmt::Expr(expression) => {
                self.expression(frame, &expression.value);
                if harmless::never_returns(&expression.value) {
                    return Flow::END;
                }
            }
            Stmt::If(test) => return self.branch(frame, test),
            Stmt::For(each) => return self.for_each(frame, each),
            Stmt::While(each) => {
                self.expression(frame, &each.test);
                return self.rounds(frame, &each.body, None).also(self.block(frame, &each.orelse));
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let value = self.expression(frame, &item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.assign(frame, target, &value);
                    }
                }
                return self.block(frame, &with.body);
            }
            Stmt::Try(attempt) => return self.attempt(frame, attempt),
            Stmt::Match(choice) => {
                self.expression(frame, &choice.subject);
                let bodies = choice.cases.iter().map(|case| (When::Conditional, case.body.as_slice()));
                let bodies: Vec<_> = bodies.chain([(When::Conditional, &[][..])]).collect();
                return self.branches(frame, &bodies);
            }
            Stmt::Return(result) => {
                let value = result.value.as_ref().map_or(Value::None, |value| self.expression(frame, value));
                frame.returned = Some(match &frame.returned {
                    Some(known) => known.join(&value),
                    None => value,
                });
                return Flow::END;
            }
            Stmt::Raise(raise) => {
                if let Some(raised) = &raise.exc {
                    let when = self.when;
                    self.expression(frame, raised);
                    self.when = when;
                }
                return Flow::END;
            }
            Stmt::Break(_) => return Flow::with(Ends::Loop),
            Stmt::Continue(_) => return Flow::with(Ends::Round),
            other => self.binding(frame, other),
        }
        Flow::default()
    }

    /// Statements that give values to names.
    fn binding(&mut self, frame: &mut Frame, statement: &Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                let value = self.expression(frame, &assign.value);
                assign.targets.iter().for_each(|target| self.assign(frame, target, &value));
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.expression(frame, value);
                    self.assign(frame, &assign.target, &value);
                }
            }
            Stmt::AugAssign(assign) => {
                let (old, new) =
                    (self.expression(frame, &assign.target), self.expression(frame, &assign.value));
                let value = if assign.op == Operator::Add { add(&old, &new) } else { Value::Data };
                self.assign(frame, &assign.target, &value);
            }
            Stmt::FunctionDef(code) => {
                let function = Function {
                    module: Rc::clone(&frame.module),
                    code: Rc::new(code.clone()),
                    around: frame.variables.clone(),
                };
                frame.variables.insert(code.name.to_string(), Value::Function(Rc::new(function)));
            }
            Stmt::ClassDef(class) => {
                frame.variables.insert(class.name.to_string(), Value::Unknown);
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                let module = Rc::clone(&frame.module);
                for (name, target) in imports(statement, &|name, level| module.absolute(name, level)) {
                    let value = self.constant(&target);
                    frame.variables.insert(name, value);
                }
            }
            Stmt::Assert(assert) => {
                self.expression(frame, &assert.test);
            }
            _ => {}
        }
    }

    /// Gives a value to a name, or to several out of a list. Attributes and entries are those of things in memory.
    pub(super) fn assign(&mut self, frame: &mut Frame, target: &Expr, value: &Value) {
        match target {
            Expr::Name(name) => {
                frame.variables.insert(name.id.to_string(), value.clone());
            }
            Expr::Tuple(tuple) => self.assign_each(frame, &tuple.elts, value),
            Expr::List(list) => self.assign_each(frame, &list.elts, value),
            Expr::Starred(starred) => self.assign(frame, &starred.value, value),
            Expr::Subscript(entry) => {
                let key = self.expression(frame, &entry.slice);
                if let Expr::Name(name) = entry.value.as_ref()
                    && let Some(Value::Dict(entries, _)) = frame.variables.get(name.id.as_str())
                {
                    let mut entries = entries.to_vec();
                    entries.push((key, value.clone()));
                    frame.variables.insert(name.id.to_string(), Value::dict(entries));
                } else if let Value::Document(document) | Value::Field(document) =
                    self.expression(frame, &entry.value)
                {
                    document.set(key.known_text());
                }
            }
            Expr::Attribute(attribute) => {
                if let Value::Document(document) = self.expression(frame, &attribute.value) {
                    document.set(Some(attribute.attr.as_str()));
                }
            }
            _ => {}
        }
    }

    fn assign_each(&mut self, frame: &mut Frame, targets: &[Expr], value: &Value) {
        let known = value.elements().filter(|values| values.len() == targets.len());
        let has_star = targets.iter().any(|target| matches!(target, Expr::Starred(_)));
        for (at, target) in targets.iter().enumerate() {
            let element = match known.as_ref().filter(|_| !has_star) {
                Some(values) => values[at].clone(),
                None => value.some_element(),
            };
            self.assign(frame, target, &element);
        }
    }

    fn branch(&mut self, frame: &mut Frame, test: &StmtIf) -> Flow {
        let mut bodies: Vec<(When, &[Stmt])> = Vec::new();
        let mut is_whole = false;
        let clauses = test.elif_else_clauses.iter().map(|clause| (clause.test.as_ref(), &clause.body));
        let first = (Some(test.test.as_ref()), &test.body);
        let mut kind = When::Always;
        for (condition, body) in std::iter::once(first).chain(clauses) {
            let Some(condition) = condition else {
                bodies.push((kind, body.as_slice()));
                is_whole = true;
                break;
            };
            let truth = self.expression(frame, condition).truth();
            if truth == Some(false) {
                continue;
            }
            if truth != Some(true) {
                kind = kind.max(self.kind(frame, condition));
            }
            bodies.push((kind, body.as_slice()));
            if truth == Some(true) {
                is_whole = true;
                break;
            }
        }
        if !is_whole {
            bodies.push((kind, &[]));
        }
        self.branches(frame, &bodies)
    }

    /// Walks through each of several blocks, of which one runs.
    fn branches(&mut self, frame: &mut Frame, bodies: &[(When, &[Stmt])]) -> Flow {
        let (when, before) = (self.when, frame.variables.clone());
        let mut after: Option<Variables> = None;
        let (mut flow, mut ended) = (Flow::default(), Vec::new());
        for (kind, body) in bodies {
            frame.variables.clone_from(&before);
            self.when = when.max(*kind);
            let end = self.block(frame, body);
            flow = flow.also(Flow { ends: None, ..end });
            match end.ends {
                None => {
                    let left = std::mem::take(&mut frame.variables);
                    after = Some(after.map_or_else(|| left.clone(), |known| join(known, &left)));
                }
                Some(ends) => ended.push((ends, *kind)),
            }
        }
        self.when = when;
        // One returns and one goes on with the loop: what is behind the loop may not be reached.
        for (ends, kind) in &ended {
            flow = flow.also(left_by(*ends, *kind));
        }
        match after {
            Some(after) => frame.variables = after,
            None => flow.ends = ended.first().map(|(ends, _)| *ends),
        }
        flow
    }

    fn for_each(&mut self, frame: &mut Frame, each: &StmtFor) -> Flow {
        let over = self.expression(frame, &each.iter);
        let known = over.elements().filter(|elements| elements.len() <= MAX_ELEMENTS);
        let flow = match known {
            Some(elements) => {
                let (when, mut flow) = (self.when, Flow::default());
                for element in elements {
                    self.assign(frame, &each.target, &element);
                    let round = self.block(frame, &each.body);
                    flow = flow.also(round);
                    if matches!(flow.ends, Some(Ends::Function)) {
                        return flow;
                    }
                    if matches!(flow.ends.take(), Some(Ends::Loop)) {
                        break;
                    }
                    // A round that may not have been finished leaves the next ones as they are; a break does not.
                    self.when = when.max(flow.left.unwrap_or_default());
                }
                self.when = when;
                Flow { broke: None, ..flow }
            }
            None => self.rounds(frame, &each.body, Some((&each.target, &over.some_element()))),
        };
        flow.also(self.block(frame, &each.orelse))
    }

    /// A loop of which it is not known how often it runs: names that it sets hold anything when it begins.
    fn rounds(&mut self, frame: &mut Frame, body: &[Stmt], each: Option<(&Expr, &Value)>) -> Flow {
        let when = self.when;
        let before = frame.variables.clone();
        let mut names = Vec::new();
        for statement in body {
            set_names(statement, &mut names);
        }
        for name in names {
            if let Some(value) = frame.variables.get_mut(name) {
                *value = Value::Unknown;
            }
        }
        if let Some((target, value)) = each {
            self.assign(frame, target, value);
        }
        let flow = self.block(frame, body);
        self.when = when;
        let after = std::mem::take(&mut frame.variables);
        frame.variables = join(after, &before);
        let left = if flow.ends == Some(Ends::Function) { Some(When::Conditional) } else { None };
        Flow { ends: None, left: flow.left.max(left), broke: None }
    }

    fn attempt(&mut self, frame: &mut Frame, attempt: &StmtTry) -> Flow {
        let (when, before) = (self.when, frame.variables.clone());
        let mut flow = self.block(frame, &attempt.body);
        if flow.ends.is_none() {
            flow = flow.also(self.block(frame, &attempt.orelse));
        }
        self.when = when;
        let after = frame.variables.clone();
        for handler in &attempt.handlers {
            let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
            frame.variables = join(after.clone(), &before);
            if let Some(name) = &handler.name {
                frame.variables.insert(name.to_string(), Value::Data);
            }
            self.when = when.max(When::Conditional);
            let end = self.block(frame, &handler.body);
            // The body may have ended where the handler goes on, and the other way round.
            flow = match (flow.ends, end.ends) {
                (Some(ends), None) => {
                    left_by(ends, When::Conditional).also(Flow { ends: None, ..flow }).also(end)
                }
                (None, Some(ends)) => Flow { ends: None, ..flow }
                    .also(Flow { ends: None, ..end })
                    .also(left_by(ends, When::Conditional)),
                (Some(_) | None, _) => Flow { ends: flow.ends, ..flow.also(end) },
            };
        }
        self.when = when;
        frame.variables = join(after, &frame.variables);
        let last = self.block(frame, &attempt.finalbody);
        Flow { ends: flow.ends.or(last.ends), ..flow.also(last) }
    }

    /// Whether a condition asks for DocTypes, tables and fields alone, of which the planner knows.
    #[expect(clippy::self_only_used_in_recursion, reason = "the walk is one reader's")]
    fn kind(&self, frame: &Frame, test: &Expr) -> When {
        match test {
            Expr::BoolOp(both) => {
                both.values.iter().map(|value| self.kind(frame, value)).max().unwrap_or_default()
            }
            Expr::UnaryOp(not) => self.kind(frame, &not.operand),
            Expr::Compare(compare) => {
                // `"x" in frappe.db.get_tables()`: one side asks, the other is a text.
                let asks = std::iter::once(compare.left.as_ref()).chain(compare.comparators.iter());
                let kinds: Vec<When> =
                    asks.filter(|side| !side.is_literal_expr()).map(|side| self.kind(frame, side)).collect();
                if kinds.contains(&When::Schema) { When::Schema } else { When::Conditional }
            }
            Expr::Call(call) => match call.func.as_ref() {
                Expr::Attribute(attribute) => {
                    let first = call.arguments.args.first();
                    harmless::asks_for_schema(attribute.attr.as_str(), first)
                }
                _ => When::Conditional,
            },
            Expr::Named(named) => self.kind(frame, &named.value),
            Expr::StringLiteral(_) | Expr::FString(_) => When::Schema,
            _ => When::Conditional,
        }
    }
}

fn left_by(ends: Ends, kind: When) -> Flow {
    match ends {
        Ends::Function => Flow { ends: None, left: Some(kind), broke: None },
        Ends::Loop | Ends::Round => Flow { ends: None, left: None, broke: Some(kind) },
    }
}

fn join(mut a: Variables, b: &Variables) -> Variables {
    for (name, value) in b {
        let joined = a.get(name).map_or_else(|| value.clone(), |known| known.join(value));
        a.insert(name.clone(), joined);
    }
    a
}

/// `a + b`.
pub(super) fn add(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) if a.len() + b.len() > MAX_TEXT => Value::Data,
        (Value::Text(a), Value::Text(b)) => Value::text(&format!("{a}{b}")),
        (Value::Text(a), Value::Data | Value::Unknown) if a.len() < MAX_TEXT => {
            Value::text(&format!("{a}{}", super::value::HOLE))
        }
        (Value::Data | Value::Unknown, Value::Text(b)) if b.len() < MAX_TEXT => {
            Value::text(&format!("{}{b}", super::value::HOLE))
        }
        (Value::List(a, _), Value::List(b, _)) => Value::list(a.iter().chain(b.iter()).cloned().collect()),
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map_or(Value::Data, Value::Int),
        _ if a.is_data() && b.is_data() => Value::Data,
        (Value::Table(_) | Value::Column(_), _) | (_, Value::Column(_)) => Value::Data,
        _ => Value::Unknown,
    }
}

/// The names that a statement gives values to, within its blocks too.
fn set_names<'a>(statement: &'a Stmt, names: &mut Vec<&'a str>) {
    let mut target = |expression: &'a Expr| set_by(expression, names);
    let blocks: Vec<&[Stmt]> = match statement {
        Stmt::Assign(assign) => {
            assign.targets.iter().for_each(&mut target);
            vec![]
        }
        Stmt::AnnAssign(assign) => {
            target(&assign.target);
            vec![]
        }
        Stmt::AugAssign(assign) => {
            target(&assign.target);
            vec![]
        }
        Stmt::For(each) => {
            target(&each.target);
            vec![&each.body, &each.orelse]
        }
        Stmt::While(each) => vec![&each.body, &each.orelse],
        Stmt::With(with) => vec![&with.body],
        Stmt::If(test) => {
            let others = test.elif_else_clauses.iter().map(|clause| clause.body.as_slice());
            std::iter::once(test.body.as_slice()).chain(others).collect()
        }
        Stmt::Try(attempt) => {
            let handlers = attempt.handlers.iter().map(|handler| {
                let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                handler.body.as_slice()
            });
            [attempt.body.as_slice(), &attempt.orelse, &attempt.finalbody]
                .into_iter()
                .chain(handlers)
                .collect()
        }
        _ => vec![],
    };
    for block in blocks {
        for statement in block {
            set_names(statement, names);
        }
    }
}

fn set_by<'a>(target: &'a Expr, names: &mut Vec<&'a str>) {
    match target {
        Expr::Name(name) => names.push(name.id.as_str()),
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|each| set_by(each, names)),
        Expr::List(list) => list.elts.iter().for_each(|each| set_by(each, names)),
        _ => {}
    }
}
