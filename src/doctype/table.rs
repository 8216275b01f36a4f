//! The table that Frappe creates for a DocType, in each version's layout.

use super::column::OPTIONAL_COLUMNS;
use super::{ColumnShape, DocField, DocType, FrappeVersion};

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Name.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<String>,
    /// Whether it is unique.
    pub unique: bool,
}

/// A table as Frappe's `create` makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name, e.g. `tabSales Order`.
    pub name: String,
    /// Columns in order, the primary key `name` first.
    pub columns: Vec<(String, ColumnShape)>,
    /// Indexes but the primary key, in order.
    pub indexes: Vec<Index>,
    /// Storage engine.
    pub engine: String,
    /// Row format.
    pub row_format: &'static str,
    /// Sequence that names come from.
    pub sequence: Option<String>,
}

/// Name of the table of a DocType.
pub fn table_name(doctype: &str) -> String {
    format!("tab{doctype}")
}

/// Name of the sequence of a DocType whose names are numbers.
pub fn sequence_name(doctype: &str) -> String {
    format!("{}_id_seq", doctype.replace([' ', '-'], "_").to_lowercase())
}

impl Table {
    /// The table of a DocType that has one of its own.
    pub fn of(doctype: &DocType, frappe: FrappeVersion) -> Self {
        let autoincrement = doctype.is_autoincrement();
        let name_type = if autoincrement { "bigint(20)" } else { "varchar(140)" };
        let mut columns = vec![(
            "name".to_owned(),
            ColumnShape { column_type: name_type.to_owned(), not_null: true, default: None },
        )];
        columns.extend(standard_columns(frappe));
        let standard = columns.len();
        let fields = Self::fields(doctype, frappe);
        for (field, shape) in &fields {
            match columns.iter_mut().take(standard).find(|(name, _)| *name == field.fieldname) {
                // A field named like a standard column redefines it (rule 20).
                Some(column) => column.1 = shape.clone(),
                None => columns.push((field.fieldname.clone(), shape.clone())),
            }
        }
        for (name, shape) in trailing_columns(doctype, frappe) {
            if !fields.iter().any(|(field, _)| field.fieldname == name) {
                columns.push((name, shape));
            }
        }
        let mut indexes: Vec<Index> =
            fields.iter().filter_map(|(field, shape)| field_index(field, shape)).collect();
        indexes.extend(standard_indexes(doctype, frappe));
        Self {
            name: table_name(&doctype.name),
            columns,
            indexes,
            engine: doctype.engine.clone().unwrap_or_else(|| "InnoDB".to_owned()),
            row_format: if frappe.has_legacy_tables() { "COMPRESSED" } else { "DYNAMIC" },
            sequence: autoincrement.then(|| sequence_name(&doctype.name)),
        }
    }

    /// The fields of a DocType that have a column, in order; a name that is there twice counts once.
    pub fn fields(doctype: &DocType, frappe: FrappeVersion) -> Vec<(&DocField, ColumnShape)> {
        let mut seen = std::collections::BTreeSet::new();
        let with_column =
            doctype.fields.iter().filter_map(|field| Some((field, ColumnShape::of(field, frappe)?)));
        with_column.filter(|(field, _)| seen.insert(field.fieldname.as_str())).collect()
    }

    /// Type of a column that every table has, e.g. `idx`.
    pub fn standard_column(name: &str, frappe: FrappeVersion) -> Option<ColumnShape> {
        standard_columns(frappe).into_iter().find(|(column, _)| column == name).map(|(_, shape)| shape)
    }
}

fn standard_columns(frappe: FrappeVersion) -> Vec<(String, ColumnShape)> {
    let integer =
        |width: &str| if frappe.has_plain_integers() { "int".to_owned() } else { format!("int({width})") };
    let docstatus = if frappe.has_plain_integers() { "tinyint".to_owned() } else { integer("1") };
    let mut columns = vec![
        ("creation".to_owned(), ColumnShape::nullable("datetime(6)")),
        ("modified".to_owned(), ColumnShape::nullable("datetime(6)")),
        ("modified_by".to_owned(), ColumnShape::nullable("varchar(140)")),
        ("owner".to_owned(), ColumnShape::nullable("varchar(140)")),
        ("docstatus".to_owned(), ColumnShape::zero(&docstatus)),
    ];
    if frappe.has_legacy_tables() {
        columns.extend(parent_columns());
    }
    columns.push(("idx".to_owned(), ColumnShape::zero(&integer("8"))));
    columns
}

fn parent_columns() -> impl Iterator<Item = (String, ColumnShape)> {
    ["parent", "parentfield", "parenttype"]
        .into_iter()
        .map(|name| (name.to_owned(), ColumnShape::nullable("varchar(140)")))
}

fn trailing_columns(doctype: &DocType, frappe: FrappeVersion) -> Vec<(String, ColumnShape)> {
    let text = |name: &str| (name.to_owned(), ColumnShape::nullable("text"));
    if doctype.istable {
        return if frappe.has_legacy_tables() { Vec::new() } else { parent_columns().collect() };
    }
    let mut columns: Vec<_> = OPTIONAL_COLUMNS.map(text).into();
    if doctype.track_seen {
        columns.push(text("_seen"));
    }
    columns
}

/// The index that `create` makes for a field: named like it, never on text.
fn field_index(field: &DocField, shape: &ColumnShape) -> Option<Index> {
    if shape.is_text() || !(field.unique || field.search_index) {
        return None;
    }
    Some(Index {
        name: field.fieldname.clone(),
        columns: vec![field.fieldname.clone()],
        unique: field.unique,
    })
}

fn standard_indexes(doctype: &DocType, frappe: FrappeVersion) -> Vec<Index> {
    let plain = |name: &str| Index { name: name.to_owned(), columns: vec![name.to_owned()], unique: false };
    let by_modified = doctype.sort_field.as_deref().is_none_or(|field| field == "modified");
    match (frappe.major, doctype.istable) {
        (..=13, _) | (14, true) => vec![plain("parent"), plain("modified")],
        (15.., true) => vec![plain("parent")],
        (14 | 15, false) => vec![plain("modified")],
        (16.., false) if by_modified => vec![plain("creation"), plain("modified")],
        (16.., false) => vec![plain("creation")],
    }
}
