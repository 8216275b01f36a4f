//! The query builder: `frappe.qb.update(table).set(...).where(...).run()`. What does not run does nothing.

use std::rc::Rc;

use crate::doctype::{Rows, Verb};

use super::arguments::Arguments;
use super::reader::{At, Reader};
use super::value::{Query, Value, table_name};

impl Reader<'_> {
    /// `frappe.qb.update(...)`, `.into(...)`, `.from_(...)` and tables.
    pub(super) fn query_start(&mut self, name: &str, arguments: &Arguments) -> Option<Value> {
        let first = arguments.positional.first();
        let verb = match name {
            "update" => Some(Verb::Update),
            "into" => Some(Verb::Insert),
            "from_" => None,
            "DocType" => return Some(table(first, true)),
            "Table" => return Some(table(first, false)),
            "create_table" | "drop_table" => return None,
            // Parts of a query.
            _ if name.starts_with("terms.")
                || name.starts_with("functions.")
                || name.starts_with("Field") =>
            {
                return Some(Value::Data);
            }
            _ => return None,
        };
        let table = match first {
            Some(Value::Table(table)) => Some(table.to_string()),
            Some(text) => text.known_text().map(table_name),
            None => None,
        };
        Some(Value::Query(Rc::new(Query {
            verb,
            table,
            columns: Vec::new(),
            is_open: false,
            rows: Rows::All,
        })))
    }

    pub(super) fn query_method(
        &mut self,
        query: &Rc<Query>,
        method: &str,
        arguments: &Arguments,
        at: &At,
    ) -> Value {
        let mut next = (**query).clone();
        match method {
            "set" => match arguments.positional.first() {
                Some(Value::Column(column) | Value::Text(column)) => next.columns.push(column.to_string()),
                _ => next.is_open = true,
            },
            "columns" => {
                for column in &arguments.positional {
                    match column {
                        Value::Column(column) | Value::Text(column) => next.columns.push(column.to_string()),
                        _ => next.is_open = true,
                    }
                }
            }
            "where" => {
                let is_name =
                    matches!(arguments.positional.first(), Some(Value::Condition { is_name: true }));
                next.rows = if is_name || next.rows == Rows::Named { Rows::Named } else { Rows::Some };
            }
            "delete" => next.verb = Some(Verb::Delete),
            "run" => {
                self.ran(query, at);
                return Value::Data;
            }
            "get_sql" | "walk" => return Value::Unknown,
            _ => {}
        }
        Value::Query(Rc::new(next))
    }

    /// The query runs: what it does becomes an effect.
    pub(super) fn ran(&mut self, query: &Query, at: &At) {
        let Some(verb) = query.verb else { return };
        match &query.table {
            Some(table) if !query.is_open => {
                let rows = if verb == Verb::Insert { Rows::Named } else { query.rows };
                self.rows(at, verb, &table.clone(), query.columns.clone(), rows);
            }
            Some(_) => self.unknown(at, "it is not known which columns are written"),
            None => self.unknown(at, "it is not known which table is written"),
        }
    }
}

fn table(name: Option<&Value>, is_doctype: bool) -> Value {
    match name.and_then(Value::known_text) {
        Some(name) if is_doctype => Value::Table(Rc::from(table_name(name))),
        Some(name) => Value::Table(Rc::from(name)),
        None => Value::Unknown,
    }
}
