//! What an app's `hooks.py` and `__init__.py` assign: literal values, and where a value is none.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the syntax tree is not ours, and most of it assigns nothing"
)]

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, Number, Operator, Stmt, UnaryOp};
use ruff_text_size::Ranged;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{digest, python};

/// Larger than any `hooks.py` (the largest known has 40 KB).
pub(super) const MAX_HOOKS_BYTES: usize = 1 << 20;

/// What a name in `hooks.py` stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// A value that is written out, as JSON.
    Literal(Value),
    /// Something that only running the file would tell.
    Computed {
        /// Line of the assignment.
        line: u32,
        /// Hash of its text: two versions with the same text are taken for the same.
        digest: String,
    },
}

impl Hook {
    /// The paths of functions that the hook names: a text or a list of texts; nothing where it is computed.
    pub fn functions(&self) -> Vec<&str> {
        match self {
            Self::Literal(Value::String(path)) => vec![path],
            Self::Literal(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).collect(),
            Self::Literal(_) | Self::Computed { .. } => Vec::new(),
        }
    }
}

/// Names that a module assigns, in the order of the text.
type Names = BTreeMap<String, Hook>;

/// The hooks of an app. Names that begin with `_` are none to Frappe.
///
/// # Errors
/// Where and why the text is no Python.
pub(super) fn hooks(source: &str) -> Result<Names, String> {
    let mut names = python::with_module(source, |module| {
        let mut names = Names::new();
        for statement in &module.body {
            assign(statement, source, &mut names);
        }
        names
    })?;
    names.retain(|name, _| !name.starts_with('_'));
    Ok(names)
}

/// The first parts of the paths in `{"from_route": "/crm/<path:app_path>", ...}`.
pub(super) fn pages(source: &str) -> impl Iterator<Item = &str> {
    source.split("from_route").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix([':', '='])?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        page(rest[1..].split(quote).next()?)
    })
}

/// The first part of a path, if it is a page's of its own: no pattern, and nothing that belongs to the framework.
pub(super) fn page(path: &str) -> Option<&str> {
    /// Paths that every bench has, whatever an app says.
    const COMMON: [&str; 14] = [
        "api",
        "app",
        "assets",
        "desk",
        "files",
        "index",
        "login",
        "logout",
        "me",
        "private",
        "public",
        "robots",
        "socket.io",
        "sitemap",
    ];
    let first = path.trim_start_matches('/').split('/').next()?;
    let is_plain = !first.is_empty()
        && first.len() <= 140
        && first.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'));
    (is_plain && !COMMON.contains(&first)).then_some(first)
}

/// The literal in `__version__ = "15.41.0"`; `None` if there is none or the text is no Python.
pub(super) fn version(source: &str) -> Option<String> {
    // Most packages have a large `__init__.py` without it, or the one line.
    let has_line = source.lines().any(|line| line.trim_start().starts_with("__version__"));
    let names = has_line.then(|| {
        python::with_module(source, |module| {
            let mut names = Names::new();
            for statement in &module.body {
                assign(statement, source, &mut names);
            }
            names
        })
    });
    match names?.ok()?.remove("__version__")? {
        Hook::Literal(Value::String(version)) => Some(version),
        Hook::Literal(_) | Hook::Computed { .. } => None,
    }
}

/// Enters what a statement assigns. What may or may not happen (a branch, a loop) is no literal.
fn assign(statement: &Stmt, source: &str, names: &mut Names) {
    match statement {
        Stmt::Assign(assignment) => {
            for target in &assignment.targets {
                set(target, literal(&assignment.value, names), statement, source, names);
            }
        }
        Stmt::AnnAssign(assignment) => {
            if let Some(value) = &assignment.value {
                set(&assignment.target, literal(value, names), statement, source, names);
            }
        }
        Stmt::AugAssign(assignment) => {
            let before = literal(&assignment.target, names);
            let added = literal(&assignment.value, names);
            let value = before.zip(added).filter(|_| assignment.op == Operator::Add);
            let value = value.and_then(|(before, added)| sum(before, added));
            set(&assignment.target, value, statement, source, names);
        }
        Stmt::Expr(call) => {
            // `doc_events.update(...)`, `app_include_js.append(...)`.
            if let Expr::Call(call) = &*call.value
                && let Expr::Attribute(method) = &*call.func
            {
                set(&method.value, None, statement, source, names);
            }
        }
        Stmt::If(_) | Stmt::Try(_) | Stmt::For(_) | Stmt::While(_) | Stmt::With(_) | Stmt::Match(_) => {
            for inner in bodies(statement) {
                let before = names.clone();
                assign(inner, source, names);
                for (name, hook) in names.iter_mut() {
                    if before.get(name) != Some(hook) {
                        *hook = computed(statement, source);
                    }
                }
            }
        }
        _ => {}
    }
}

/// The statements within a branching one.
fn bodies(statement: &Stmt) -> Vec<&Stmt> {
    match statement {
        Stmt::If(branch) => {
            let others = branch.elif_else_clauses.iter().flat_map(|clause| &clause.body);
            branch.body.iter().chain(others).collect()
        }
        Stmt::Try(attempt) => {
            let handlers = attempt.handlers.iter().flat_map(|handler| match handler {
                ruff_python_ast::ExceptHandler::ExceptHandler(handler) => &handler.body,
            });
            let rest = attempt.orelse.iter().chain(&attempt.finalbody);
            attempt.body.iter().chain(handlers).chain(rest).collect()
        }
        Stmt::For(repeated) => repeated.body.iter().chain(&repeated.orelse).collect(),
        Stmt::While(repeated) => repeated.body.iter().chain(&repeated.orelse).collect(),
        Stmt::With(within) => within.body.iter().collect(),
        Stmt::Match(choice) => choice.cases.iter().flat_map(|case| &case.body).collect(),
        _ => Vec::new(),
    }
}

fn set(target: &Expr, value: Option<Value>, statement: &Stmt, source: &str, names: &mut Names) {
    match target {
        Expr::Name(name) => {
            let hook = value.map_or_else(|| computed(statement, source), Hook::Literal);
            names.insert(name.id.to_string(), hook);
        }
        // `doc_events["Order"] = ...` changes what the name stands for.
        Expr::Subscript(item) => set(&item.value, None, statement, source, names),
        Expr::Attribute(item) => set(&item.value, None, statement, source, names),
        Expr::Tuple(targets) => {
            let values = match value {
                Some(Value::Array(values)) if values.len() == targets.elts.len() => Some(values),
                _ => None,
            };
            for (at, target) in targets.elts.iter().enumerate() {
                let value = values.as_ref().and_then(|values| values.get(at).cloned());
                set(target, value, statement, source, names);
            }
        }
        _ => {}
    }
}

fn computed(statement: &Stmt, source: &str) -> Hook {
    let range = statement.range();
    let text = source.get(range.start().to_usize()..range.end().to_usize()).unwrap_or_default();
    let line = python::line(source, range.start().to_usize());
    Hook::Computed { line, digest: digest::of_bytes(text.as_bytes()) }
}

/// The value of an expression that is written out, or made of names that are.
fn literal(expression: &Expr, names: &Names) -> Option<Value> {
    match expression {
        Expr::StringLiteral(text) => Some(json!(text.value.to_str())),
        Expr::BooleanLiteral(set) => Some(json!(set.value)),
        Expr::NoneLiteral(_) => Some(Value::Null),
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(number) => Some(json!(number.as_i64()?)),
            Number::Float(number) => Some(json!(number)),
            Number::Complex { .. } => None,
        },
        Expr::UnaryOp(operation) if operation.op == UnaryOp::USub => {
            let value = literal(&operation.operand, names)?;
            value.as_i64().map(|number| json!(-number)).or_else(|| Some(json!(-value.as_f64()?)))
        }
        Expr::List(list) => values(&list.elts, names),
        Expr::Tuple(list) => values(&list.elts, names),
        Expr::Set(list) => values(&list.elts, names),
        Expr::Dict(dict) => {
            let mut object = Map::new();
            for item in &dict.items {
                let key = match literal(item.key.as_ref()?, names)? {
                    Value::String(key) => key,
                    // A DocType's events may be given for several: `("A", "B"): {...}`.
                    other => other.to_string(),
                };
                object.insert(key, literal(&item.value, names)?);
            }
            Some(Value::Object(object))
        }
        Expr::BinOp(operation) if operation.op == Operator::Add => {
            sum(literal(&operation.left, names)?, literal(&operation.right, names)?)
        }
        Expr::Name(name) => match names.get(name.id.as_str())? {
            Hook::Literal(value) => Some(value.clone()),
            Hook::Computed { .. } => None,
        },
        _ => None,
    }
}

fn values(expressions: &[Expr], names: &Names) -> Option<Value> {
    expressions
        .iter()
        .map(|expression| literal(expression, names))
        .collect::<Option<Vec<_>>>()
        .map(Value::Array)
}

/// Two lists or two texts, one after the other.
fn sum(before: Value, added: Value) -> Option<Value> {
    match (before, added) {
        (Value::Array(mut list), Value::Array(more)) => {
            list.extend(more);
            Some(Value::Array(list))
        }
        (Value::String(text), Value::String(more)) => Some(json!(text + &more)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal_of(source: &str, name: &str) -> Value {
        match hooks(source).unwrap().remove(name) {
            Some(Hook::Literal(value)) => value,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn line_of(source: &str, name: &str) -> u32 {
        match hooks(source).unwrap().remove(name) {
            Some(Hook::Computed { line, .. }) => line,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn the_version_is_the_literal() {
        assert_eq!(version("import x\n__version__ = \"15.1.0\"  # no\n").as_deref(), Some("15.1.0"));
        assert_eq!(version("__version__ = read()\n"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn pages_are_the_first_parts_of_routes_without_patterns() {
        let source = r#"website_route_rules = [
            {"from_route": "/crm/<path:app_path>", "to_route": "crm"}, {'from_route' : '/orders'},
            dict(from_route="/lms", to_route="x"), {"from_route": "/<path:name>", "to_route": "y"},
            {"from_route": "/app/x"}, {"from_route": PREFIX + "/z"}]"#;
        assert_eq!(pages(source).collect::<Vec<_>>(), ["crm", "orders", "lms"]);
    }

    #[test]
    fn literals_are_read_through_names_and_sums() {
        let source = "from . import __version__ as app_version\njs = ['a.js']\napp_include_js = js + ['b.js']\n\
                      scheduler_events = {\n  # all\n  'all': ['a.b}'], 'cron': {'0 * * * *': ('x.y',)},\n}\n\
                      website_route_rules: list = [{'from_route': '/crm/<path:app_path>', 'to_route': 'crm'}]\n\
                      app_include_js += ['c.js']\n_hidden = 1\ndef f(): x = 1\n";
        assert_eq!(literal_of(source, "app_include_js"), json!(["a.js", "b.js", "c.js"]));
        assert_eq!(
            literal_of(source, "scheduler_events"),
            json!({"all": ["a.b}"], "cron": {"0 * * * *": ["x.y"]}})
        );
        assert_eq!(literal_of(source, "website_route_rules")[0]["to_route"], "crm");
        let names = hooks(source).unwrap();
        assert!(!names.contains_key("_hidden") && !names.contains_key("x") && !names.contains_key("f"));
    }

    #[test]
    fn what_is_no_literal_is_said_with_its_line() {
        let source = "import os\nafter_migrate = get()\ndoc_events = {}\ndoc_events['Order'] = {'validate': 'a.b'}\n\
                      if os.environ.get('X'):\n    boot_session = 'a.b'\nfixtures = [x for x in y]\n\
                      scheduler_events = {'all': jobs}\napp_include_css = []\napp_include_css.append('x')\n";
        for (name, line) in [
            ("after_migrate", 2),
            ("doc_events", 4),
            ("boot_session", 5),
            ("fixtures", 7),
            ("scheduler_events", 8),
            ("app_include_css", 10),
        ] {
            assert_eq!(line_of(source, name), line, "{name}");
        }
        assert!(hooks("x = (").unwrap_err().contains("line"));
    }
}
