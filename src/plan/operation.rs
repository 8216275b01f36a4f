//! What the changes ask of the database, before it is merged and put into an order.

use crate::doctype::{ColumnShape, DefaultValue, Index, Table};

use super::{Column, quote};

/// One thing to add. Several columns of one table become one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Create the table of a new DocType.
    CreateTable {
        /// The table.
        table: Table,
        /// Whether it holds rows of parents: then a rollback parks it.
        is_child: bool,
    },
    /// Add a column at the end of a table.
    AddColumn {
        /// Table name.
        table: String,
        /// Engine as the DocType says, for a plan without facts.
        engine: Option<String>,
        /// The column.
        column: Column,
    },
    /// Add an index to a table.
    AddIndex {
        /// Table name.
        table: String,
        /// Engine as the DocType says, for a plan without facts.
        engine: Option<String>,
        /// The index.
        index: Index,
    },
    /// Delete the rows of a new child table with their parent, which blue does not know to do.
    GuardOrphans {
        /// Parent DocType.
        parent: String,
        /// Child DocType.
        child: String,
        /// Whether the parent's names are numbers.
        numeric_names: bool,
    },
}

/// A column as `CREATE TABLE` and `ALTER TABLE` take it.
pub(crate) fn column(name: &str, shape: &ColumnShape) -> Column {
    let mut definition = shape.column_type.clone();
    if shape.not_null {
        definition.push_str(" NOT NULL");
    }
    match &shape.default {
        Some(DefaultValue::Number(number)) => {
            definition.push_str(" DEFAULT ");
            definition.push_str(number);
        }
        Some(DefaultValue::Text(text)) => {
            definition.push_str(" DEFAULT ");
            definition.push_str(&quote::literal(text));
        }
        None => {}
    }
    Column { name: name.to_owned(), definition }
}
