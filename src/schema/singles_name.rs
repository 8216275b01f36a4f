//! Settings that the two versions know by other names: a renamed Single, a renamed field of one, a value that names a DocType.
//!
//! Blue's copy has blue's names alone. The base has green's; until the plan's steps have rewritten its rows it may
//! have blue's too, so it is looked for under both.

use std::collections::BTreeMap;

use super::mirror::{Event, From};
use super::quote::literal;
use super::singles;
use crate::plan::SingleField;

/// Whether something of it has two names.
pub(crate) fn is_renamed(field: &SingleField) -> bool {
    field.blue_doctype.is_some() || field.blue_field.is_some() || !field.values.is_empty()
}

/// What one row's change does to the other side.
pub(crate) fn body(event: Event, direction: From, to: &str, scope: &str, renamed: &[&SingleField]) -> String {
    let names = Names { direction, renamed };
    let delete = format!(
        "IF {} THEN DELETE FROM {to} WHERE {}; END IF;",
        names.in_scope("OLD.", scope),
        names.target("OLD.")
    );
    let insert = format!(
        "IF {} THEN DELETE FROM {to} WHERE {}; INSERT INTO {to} (doctype, field, value) VALUES ({}, {}, {}); END IF;",
        names.in_scope("NEW.", scope),
        names.target("NEW."),
        names.doctype("NEW."),
        names.field("NEW."),
        names.value("NEW."),
    );
    match event {
        Event::Insert => insert,
        Event::Delete => delete,
        Event::Update => format!(
            "IF {} <=> {} AND {} <=> {} THEN IF {} THEN UPDATE {to} SET value = {} WHERE {}; END IF; ELSE {delete} {insert} END IF;",
            names.doctype("OLD."),
            names.doctype("NEW."),
            names.field("OLD."),
            names.field("NEW."),
            names.in_scope("NEW.", scope),
            names.value("NEW."),
            names.target("NEW."),
        ),
    }
}

/// Whether both versions know the field of a `row`, and whether a row of the other side holds the same.
pub(crate) fn same(direction: From, row: &str, scope: &str, renamed: &[&SingleField]) -> [String; 2] {
    let names = Names { direction, renamed };
    let is_same = format!("{} AND BINARY value <=> BINARY {}", names.target(row), names.value(row));
    [names.in_scope(row, scope), is_same]
}

/// The names of the other side.
struct Names<'a> {
    direction: From,
    renamed: &'a [&'a SingleField],
}

impl Names<'_> {
    /// The DocType's name on the other side; `row` is `OLD.` or `NEW.`.
    fn doctype(&self, row: &str) -> String {
        match self.direction {
            From::Base => self.blue_doctype(row),
            From::Copy => self.green_doctype(row),
        }
    }

    /// The field's name on the other side.
    fn field(&self, row: &str) -> String {
        match self.direction {
            From::Base => self.blue_field(row),
            From::Copy => self.green_field(row),
        }
    }

    /// The rows of the other side.
    fn target(&self, row: &str) -> String {
        let (doctype, field) = (self.doctype(row), self.field(row));
        match self.direction {
            From::Base => format!("doctype <=> {doctype} AND field <=> {field}"),
            From::Copy => {
                format!("doctype IN ({doctype}, {row}doctype) AND field IN ({field}, {row}field)")
            }
        }
    }

    fn in_scope(&self, row: &str, scope: &str) -> String {
        singles::in_scope(&self.green_doctype(row), &self.green_field(row), scope)
    }

    fn doctypes(&self) -> BTreeMap<&str, &str> {
        let named = self.renamed.iter();
        named.filter_map(|field| Some((field.blue_doctype.as_deref()?, field.doctype.as_str()))).collect()
    }

    fn green_doctype(&self, row: &str) -> String {
        case(
            &format!("{row}doctype"),
            self.doctypes().into_iter().map(|(blue, green)| (String::new(), blue, green)),
        )
    }

    fn blue_doctype(&self, row: &str) -> String {
        case(
            &format!("{row}doctype"),
            self.doctypes().into_iter().map(|(blue, green)| (String::new(), green, blue)),
        )
    }

    fn green_field(&self, row: &str) -> String {
        let fields = self.renamed.iter().filter_map(|field| {
            Some((of_doctype(field, row), field.blue_field.as_deref()?, field.field.as_str()))
        });
        case(&format!("{row}field"), fields)
    }

    fn blue_field(&self, row: &str) -> String {
        let fields = self.renamed.iter().filter_map(|field| {
            Some((of_doctype(field, row), field.field.as_str(), field.blue_field.as_deref()?))
        });
        case(&format!("{row}field"), fields)
    }

    /// The value as the other side writes it.
    fn value(&self, row: &str) -> String {
        let values = self.renamed.iter().flat_map(|field| {
            let names = [Some(field.field.as_str()), field.blue_field.as_deref()];
            let names: Vec<String> = names.into_iter().flatten().map(literal).collect();
            let only = format!("{}{row}field IN ({}) AND ", of_doctype(field, row), names.join(", "));
            field.values.iter().map(move |(blue, green)| match self.direction {
                From::Base => (only.clone(), green.as_str(), blue.as_str()),
                From::Copy => (only.clone(), blue.as_str(), green.as_str()),
            })
        });
        case(&format!("{row}value"), values)
    }
}

/// Rows of the DocType of a field, by either name.
fn of_doctype(field: &SingleField, row: &str) -> String {
    let names = [Some(field.doctype.as_str()), field.blue_doctype.as_deref()];
    let names: Vec<String> = names.into_iter().flatten().map(literal).collect();
    format!("{row}doctype IN ({}) AND ", names.join(", "))
}

/// Some texts become others; what is left stays. Texts are compared byte by byte.
fn case<'a>(column: &str, changes: impl Iterator<Item = (String, &'a str, &'a str)>) -> String {
    let cases: Vec<String> = changes
        .map(|(only, from, to)| {
            format!("WHEN {only}BINARY {column} = {} THEN {}", literal(from), literal(to))
        })
        .collect();
    if cases.is_empty() { column.to_owned() } else { format!("CASE {} ELSE {column} END", cases.join(" ")) }
}
