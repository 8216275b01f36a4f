//! What is known of a value.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use ruff_python_ast::StmtFunctionDef;
use serde_json::{Map, Number};

use crate::doctype::{Rows, Verb};

use super::module::Module;

/// Stands in a text for a part that is not known.
pub(super) const HOLE: char = '\u{1}';

/// What is known of a value of Python.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// It may be anything, with methods that write.
    Unknown,
    /// Plain data of unknown content: no method of it reaches the database.
    Data,
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text, with [`HOLE`]s.
    Text(Rc<str>),
    /// A list, tuple or set with its elements.
    List(Rc<Vec<Value>>, Size),
    /// Something of unknown length that gives such pairs.
    Pairs(Rc<(Value, Value)>),
    /// A dict with its entries.
    Dict(Rc<Vec<(Value, Value)>>, Size),
    /// Something imported, by its dotted name.
    Name(Rc<str>),
    /// A function with the variables around it.
    Function(Rc<Function>),
    /// A document, or a row of a child table of one.
    Document(Rc<Document>),
    /// A field of a document: a value, or its rows.
    Field(Rc<Document>),
    /// A table of the query builder.
    Table(Rc<str>),
    /// A column of such a table.
    Column(Rc<str>),
    /// Whether a condition of the query builder names one row.
    Condition {
        /// It does.
        is_name: bool,
    },
    /// A query of the query builder that has not run.
    Query(Rc<Query>),
}

/// A function as a value.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) module: Rc<Module>,
    pub(super) code: Rc<StmtFunctionDef>,
    pub(super) around: HashMap<String, Value>,
}

/// A document that a patch holds.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// `None` if it is not known.
    pub(super) doctype: Option<String>,
    /// The field of the parent, for a row of a child table.
    pub(super) field: Option<String>,
    /// Whether it is not in the database yet.
    pub(super) is_new: bool,
    /// Fields that code has set on it; `None` once that is not known. All variables that hold it see the same.
    pub(super) changed: Rc<RefCell<Option<BTreeSet<String>>>>,
}

impl Document {
    /// Notes that a field is set; a row of a child table is its parent's field.
    pub(super) fn set(&self, field: Option<&str>) {
        let mut changed = self.changed.borrow_mut();
        match self.field.as_deref().filter(|of| !of.is_empty()).or(field) {
            Some(field) => {
                if let Some(known) = changed.as_mut() {
                    known.insert(field.to_owned());
                }
            }
            None => *changed = None,
        }
    }
}

/// A query that is being built.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// What it does to rows; `None` for a read.
    pub(super) verb: Option<Verb>,
    pub(super) table: Option<String>,
    pub(super) columns: Vec<String>,
    /// Whether a column is set that is not known.
    pub(super) is_open: bool,
    pub(super) rows: Rows,
}

impl Query {
    /// A query that does at least what each of two does; `None` if they do it to different tables.
    fn join(&self, other: &Self) -> Option<Self> {
        let is_same = self.verb == other.verb && self.table == other.table;
        is_same.then(|| {
            let mut columns = self.columns.clone();
            columns.extend(other.columns.iter().filter(|column| !self.columns.contains(column)).cloned());
            let rows = match (self.rows, other.rows) {
                (Rows::All, _) | (_, Rows::All) => Rows::All,
                (Rows::Some, _) | (_, Rows::Some) => Rows::Some,
                (Rows::Named, Rows::Named) => Rows::Named,
            };
            let is_open = self.is_open || other.is_open;
            Self { verb: self.verb, table: self.table.clone(), columns, is_open, rows }
        })
    }
}

/// The table of a DocType, or one of Frappe's own (`frappe/utils/__init__.py`, `get_table_name`).
pub(super) fn table_name(doctype: &str) -> String {
    if doctype.starts_with("__") { doctype.to_owned() } else { crate::doctype::table_name(doctype) }
}

/// How many values a list or dict holds with those within: lists of the same list grow fast.
type Size = usize;

/// Values within one list or dict; one that holds more is not known.
const MAX_SIZE: Size = 10_000;
/// Characters of a text that is put together.
pub(super) const MAX_TEXT: usize = 16 * 1024;

fn size<'a>(parts: impl Iterator<Item = &'a Value>) -> Option<Size> {
    let mut all: Size = 1;
    for part in parts {
        all = all.saturating_add(match part {
            Value::List(_, size) | Value::Dict(_, size) => *size,
            _ => 1,
        });
    }
    Some(all).filter(|size| *size <= MAX_SIZE)
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Rc::from(text))
    }

    pub(super) fn list(values: Vec<Self>) -> Self {
        match size(values.iter()) {
            Some(size) => Self::List(Rc::new(values), size),
            None => Self::Unknown,
        }
    }

    /// Something that is looped over and gives pairs, of unknown length.
    pub(super) fn list_of_pairs(first: Self, second: Self) -> Self {
        if second.is_data() { Self::Data } else { Self::Pairs(Rc::new((first, second))) }
    }

    pub(super) fn dict(entries: Vec<(Self, Self)>) -> Self {
        match size(entries.iter().flat_map(|(key, value)| [key, value])) {
            Some(size) => Self::Dict(Rc::new(entries), size),
            None => Self::Unknown,
        }
    }

    pub(super) fn name(name: String) -> Self {
        Self::Name(Rc::from(name))
    }

    pub(super) fn document(doctype: Option<String>, is_new: bool) -> Self {
        let changed = Rc::new(RefCell::new(Some(BTreeSet::new())));
        Self::Document(Rc::new(Document { doctype, field: None, is_new, changed }))
    }

    /// A text without unknown parts.
    pub(super) fn known_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.contains(HOLE) => Some(text),
            _ => None,
        }
    }

    /// Whether it is true, if that is known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::None => Some(false),
            Self::Bool(set) => Some(*set),
            Self::Int(number) => Some(*number != 0),
            Self::Text(text) if text.is_empty() => Some(false),
            Self::Text(text) if !text.starts_with(HOLE) || text.len() > 1 => Some(true),
            Self::List(list, _) => Some(!list.is_empty()),
            Self::Dict(entries, _) => Some(!entries.is_empty()),
            _ => None,
        }
    }

    /// Whether no method of it, or of what it holds, can write.
    pub(super) fn is_data(&self) -> bool {
        match self {
            Self::Data
            | Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Text(_)
            | Self::Column(_)
            | Self::Condition { .. } => true,
            Self::List(list, _) => list.iter().all(Self::is_data),
            Self::Dict(entries, _) => entries.iter().all(|(_, value)| value.is_data()),
            _ => false,
        }
    }

    /// Whether both are known to be the same; `None` if it is not known.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::None, Self::None) => Some(true),
            (Self::Bool(a), Self::Bool(b)) => Some(a == b),
            (Self::Int(a), Self::Int(b)) => Some(a == b),
            (Self::Text(_), Self::Text(_)) => Some(self.known_text()? == other.known_text()?),
            (Self::None, Self::Bool(_) | Self::Int(_) | Self::Text(_) | Self::List(_, _))
            | (Self::Bool(_) | Self::Int(_) | Self::Text(_) | Self::List(_, _), Self::None)
            | (Self::Text(_), Self::Int(_))
            | (Self::Int(_), Self::Text(_)) => Some(false),
            _ => None,
        }
    }

    /// An entry of a dict.
    pub(super) fn entry(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries, _) = self else { return None };
        entries.iter().rev().find(|(name, _)| name.known_text() == Some(key)).map(|(_, value)| value)
    }

    /// The elements of something that is looped over; `None` if they are not known.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        match self {
            Self::List(list, _) => Some(list.to_vec()),
            Self::Dict(entries, _) => Some(entries.iter().map(|(key, _)| key.clone()).collect()),
            _ => None,
        }
    }

    /// What an unknown element of it is.
    pub(super) fn some_element(&self) -> Self {
        match self {
            Self::Field(field) => Self::Document(Rc::clone(field)),
            Self::Pairs(pair) => Self::list(vec![pair.0.clone(), pair.1.clone()]),
            Self::List(list, _) => list.iter().cloned().reduce(|a, b| a.join(&b)).unwrap_or(Self::Data),
            _ if self.is_data() => Self::Data,
            _ => Self::Unknown,
        }
    }

    /// What an unknown value of a dict is.
    pub(super) fn some_entry(&self) -> Self {
        match self {
            Self::Dict(entries, _) => {
                let values = entries.iter().map(|(_, value)| value.clone());
                values.reduce(|a, b| a.join(&b)).unwrap_or(Self::Data).join(&Self::Data)
            }
            _ => self.some_element(),
        }
    }

    /// What is known of a value that is one of the two.
    pub(super) fn join(&self, other: &Self) -> Self {
        match (self, other) {
            _ if self.is_same(other) => self.clone(),
            // Whether it is there is not known any more, what it is then is.
            (Self::None, known) | (known, Self::None) if !known.is_data() => known.clone(),
            (Self::Query(a), Self::Query(b)) => {
                a.join(b).map_or(Self::Unknown, |query| Self::Query(Rc::new(query)))
            }
            _ if self.is_data() && other.is_data() => Self::Data,
            _ => Self::Unknown,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Data, Self::Data) => true,
            (Self::Text(a), Self::Text(b))
            | (Self::Name(a), Self::Name(b))
            | (Self::Table(a), Self::Table(b)) => a == b,
            (Self::List(a, _), Self::List(b, _)) => {
                Rc::ptr_eq(a, b) || (a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.is_same(b)))
            }
            (Self::Dict(a, _), Self::Dict(b, _)) => Rc::ptr_eq(a, b),
            (Self::Function(a), Self::Function(b)) => Rc::ptr_eq(a, b),
            (Self::Document(a), Self::Document(b)) | (Self::Field(a), Self::Field(b)) => {
                a.field == b.field && Rc::ptr_eq(&a.changed, &b.changed)
            }
            (Self::Query(a), Self::Query(b)) => Rc::ptr_eq(a, b),
            _ => self.equals(other) == Some(true),
        }
    }

    /// The same as JSON; what is not known is left out of objects and is null in lists.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Bool(set) => serde_json::Value::Bool(*set),
            Self::Int(number) => serde_json::Value::Number(Number::from(*number)),
            Self::Text(_) => self.known_text().map_or(serde_json::Value::Null, Into::into),
            Self::List(list, _) => serde_json::Value::Array(list.iter().map(Self::json).collect()),
            Self::Dict(entries, _) => {
                let known = entries.iter().filter_map(|(key, value)| {
                    Some((key.known_text()?.to_owned(), value.json())).filter(|(_, value)| !value.is_null())
                });
                serde_json::Value::Object(known.collect::<Map<_, _>>())
            }
            _ => serde_json::Value::Null,
        }
    }
}
