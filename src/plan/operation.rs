//! What the changes ask of the database, before it is merged and put into an order.

use std::sync::Arc;

use crate::doctype::{ColumnShape, DefaultValue, Index, Table};

use super::{Column, Step, cast, quote};

/// MariaDB takes so many characters in a name.
pub(crate) const LONGEST_NAME: usize = 64;

/// Two columns of one table: each version writes its own, triggers carry the values over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncPair {
    /// Field as blue knows it.
    pub(crate) field: String,
    /// Column that blue writes in the end, with its shape.
    pub(crate) blue: (String, ColumnShape),
    /// Column that green writes, with its shape.
    pub(crate) green: (String, ColumnShape),
    /// How green's column comes to be.
    pub(crate) way: Way,
    /// All columns that blue knows, in the table's order.
    pub(crate) blue_columns: Arc<[String]>,
    /// Green's value out of blue's.
    pub(crate) to_green: Conversion,
    /// Blue's value out of green's.
    pub(crate) to_blue: Conversion,
    /// Indexes of green's column.
    pub(crate) indexes: Vec<Index>,
    /// The index of the field, which blue's column gets one for.
    pub(crate) blue_index: Option<OldIndex>,
    /// What else only renamed DocTypes ask of a pair.
    pub(crate) names: Option<NamesPair>,
    /// Column in which green's values are made while blue's are moved, so that the rows are gone through once: it takes
    /// the field's name when that is free. None where a column cannot come and go in an instant.
    pub(crate) ahead: Option<String>,
}

impl SyncPair {
    /// The pair with indexes of green's column: where one is unique, Frappe takes an empty text for none.
    pub(crate) fn with_indexes(mut self, indexes: Vec<Index>) -> Self {
        if let Conversion::Cast { empty_is_null, .. } = &mut self.to_green {
            *empty_is_null = indexes.iter().any(|index| index.unique) && has_empty(&self.green.1);
        }
        Self { indexes, ..self }
    }

    /// A name for [`Self::ahead`] that no field has.
    pub(crate) fn ahead_name(&self) -> String {
        format!("crossfade_green_{}", quote::short_hash(&[&self.field]))
    }

    /// Tables that it serves beside its own.
    pub(crate) fn serves(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flat_map(|names| &names.serves).map(String::as_str)
    }
}

/// The index of a column that blue's values move away from: it goes before the column does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldIndex {
    /// Names that it has, or may have; it gets the first of them if it comes back.
    pub(crate) names: Vec<String>,
    /// Whether it is unique.
    pub(crate) unique: bool,
}

/// A pair whose values are names of DocTypes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NamesPair {
    /// Tables of the renamed DocTypes, which the pair is for.
    pub(crate) serves: Vec<String>,
    /// Indexes that blue needs with its own columns in place of these, and whether they are unique. A unique one is more than fast: an `ON DUPLICATE KEY UPDATE` of blue's has to find a row that has not
    /// green's name yet.
    pub(crate) indexes: Vec<(Vec<String>, bool)>,
    /// Whether the table has no primary key of one column: its few rows are filled in one statement.
    pub(crate) whole: bool,
}

/// How a pair of columns comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Green's column is a new one; blue's stays where it is.
    Renamed,
    /// Blue's values move to a new column, green's column takes the name with another type.
    Retyped,
    /// Blue's values move to a new column, green's stay under the name with other values.
    Mapped,
}

/// What a value becomes on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// Frappe's cast from one column type to another.
    Cast {
        /// Column type that it has.
        from: String,
        /// Column type that it gets.
        to: String,
        /// Whether that column refuses NULL.
        not_null: bool,
        /// Whether it is unique, and an empty text NULL in it.
        empty_is_null: bool,
    },
    /// Some texts become others; everything else stays as it is.
    Text(Vec<TextChange>),
}

/// One text instead of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextChange {
    /// In which rows: another column and the texts that it may have there. `None` for all.
    pub(crate) only: Option<(String, Vec<String>)>,
    /// Text that is there.
    pub(crate) from: String,
    /// Text that it becomes.
    pub(crate) to: String,
}

impl Conversion {
    /// The expression; `row` is `NEW.`, `OLD.` or empty. `None` if there is no such cast.
    pub(crate) fn sql(&self, row: &str, column: &str) -> Option<String> {
        let value = [row, &quote::identifier(column)].concat();
        match self {
            Self::Cast { from, to, not_null, empty_is_null } => {
                let cast = cast::cast(&value, from, to, *not_null)?;
                Some(if *empty_is_null { format!("NULLIF({cast}, '')") } else { cast })
            }
            Self::Text(changes) => {
                let cases: Vec<String> = changes
                    .iter()
                    .map(|TextChange { only, from, to }| {
                        let only = only.as_ref().map_or_else(String::new, |(column, texts)| {
                            let texts: Vec<String> = texts.iter().map(|text| quote::literal(text)).collect();
                            format!("{row}{} IN ({}) AND ", quote::identifier(column), texts.join(", "))
                        });
                        format!("WHEN {only}{value} = {} THEN {}", quote::literal(from), quote::literal(to))
                    })
                    .collect();
                Some(format!("CASE {} ELSE {value} END", cases.join(" ")))
            }
        }
    }

    /// Adds what another change asks of the same column.
    pub(crate) fn extend(&mut self, other: Self) {
        if let (Self::Text(changes), Self::Text(more)) = (self, other) {
            for change in more {
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
    }

    /// Whether it looks at another column, which then has to be right before.
    pub(crate) fn looks_elsewhere(&self) -> bool {
        match self {
            Self::Cast { .. } => false,
            Self::Text(changes) => changes.iter().any(|change| change.only.is_some()),
        }
    }
}

/// One thing to add. Several columns of one table become one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Give the table of a renamed DocType its new name, and blue's view of it the old one.
    RenameTable {
        /// Name that blue knows.
        from: String,
        /// Name that green knows.
        to: String,
    },
    /// A statement that comes before the renames: it has to look at the tables under their old names.
    BeforeRename {
        /// Table of the DocType that the statement is for, by its new name.
        table: String,
        /// The step, but for its number.
        step: Box<Step>,
    },
    /// Give a sequence another name.
    RenameSequence {
        /// Name that is there.
        from: String,
        /// Name that green asks for.
        to: String,
        /// Table whose names come from it.
        table: String,
    },
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
    /// Write NULL where blue writes an empty text: green's field is unique.
    EmptyIsNull {
        /// Table name.
        table: String,
        /// Field that becomes unique.
        field: String,
    },
    /// Build an index of blue's again at a rollback: green's migrate drops it.
    KeepIndex {
        /// Table name.
        table: String,
        /// Engine as the DocType says, for a plan without facts.
        engine: Option<String>,
        /// The index.
        index: Index,
        /// The shape of its column.
        shape: ColumnShape,
    },
    /// Change a column in place, in a way that MariaDB does without touching a row.
    ModifyColumn {
        /// Table name.
        table: String,
        /// Engine as the DocType says, for a plan without facts.
        engine: Option<String>,
        /// Name of the column.
        column: String,
        /// What it is.
        old: ColumnShape,
        /// What it becomes.
        new: ColumnShape,
    },
    /// Keep a column of blue's and one of green's in step.
    Sync {
        /// Table name.
        table: String,
        /// Engine as the DocType says, for a plan without facts.
        engine: Option<String>,
        /// The two columns.
        pair: Box<SyncPair>,
    },
    /// A statement on few rows of metadata.
    Metadata {
        /// Table of the DocType that the statement is for.
        table: String,
        /// Field that it is for; `None` if it is for the DocType as a whole.
        field: Option<String>,
        /// The step, but for its number.
        step: Box<Step>,
        /// Whether it waits until blue is gone.
        contract: bool,
    },
    /// Rows of a new child table follow their parent, which blue does not know to do.
    GuardChildren {
        /// Parent DocType.
        parent: String,
        /// Field of the parent that holds the rows.
        field: String,
        /// Child DocType.
        child: String,
        /// Whether the parent's names are numbers.
        numeric_names: bool,
    },
}

/// Names that Frappe may have given the index of a field: like the field, or `<field>_index` if it came later; a unique
/// one has the first.
pub(crate) fn index_names(field: &str, unique: bool) -> Vec<String> {
    let mut names = vec![field.to_owned(), format!("{field}_index")];
    if !unique {
        names.reverse();
    }
    names.retain(|name| name.chars().count() <= LONGEST_NAME);
    names
}

/// Whether a column can hold an empty text and NULL too.
pub(crate) fn has_empty(shape: &ColumnShape) -> bool {
    !shape.not_null && matches!(cast::Family::of(&shape.column_type), Some(cast::Family::Varchar(_)))
}

/// The value of a column, NULL for an empty text; `row` is `NEW.` or empty.
pub(crate) fn null_for_empty(column: &str, row: &str) -> String {
    format!("NULLIF({row}{}, '')", quote::identifier(column))
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
