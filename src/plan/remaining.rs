//! Statements that Frappe's own sync still sends after the expand, though they change nothing: it compares what a file
//! asks for with what `information_schema` shows, and some definitions are never shown as they are asked for.

use std::collections::BTreeMap;

use crate::doctype::{ColumnShape, DocType, FrappeVersion, Storage, Table, table_name};

use super::Remaining;
use super::change::Versions;

/// The columns of synced tables that green's migrate will MODIFY to what they are, by table.
pub(super) fn statements(versions: &Versions<'_>) -> Vec<Remaining> {
    let mut found = BTreeMap::new();
    for (name, (_, green)) in &versions.green {
        let Some((_, blue)) = versions.blue.get(versions.blue_name(name)) else { continue };
        // Frappe syncs a DocType only if its file changed (`frappe/model/sync.py`, `migration_hash`).
        let is_synced = blue.digest != green.digest && green.storage() == Storage::Table;
        if is_synced && blue.storage() == Storage::Table {
            columns(green, versions.green_frappe, &mut found);
        }
    }
    let entries = found.into_iter();
    entries.map(|((table, why), columns)| Remaining { table, columns, why: why.to_owned() }).collect()
}

fn columns(
    doctype: &DocType,
    frappe: FrappeVersion,
    found: &mut BTreeMap<(String, &'static str), Vec<String>>,
) {
    for (field, shape) in Table::fields(doctype, frappe) {
        if let Some(why) = reason(&field.fieldtype, field.default.as_deref(), &shape, frappe) {
            found.entry((table_name(&doctype.name), why)).or_default().push(field.fieldname.clone());
        }
    }
}

/// Why a column is modified to what it is; `None` if the sync leaves it alone.
fn reason(
    fieldtype: &str,
    default: Option<&str>,
    shape: &ColumnShape,
    frappe: FrappeVersion,
) -> Option<&'static str> {
    match fieldtype {
        "JSON" => Some("MariaDB shows JSON as longtext: MODIFY to json, which it is"),
        "Currency" | "Float" | "Percent" if default.unwrap_or_default().is_empty() => {
            Some("MariaDB shows the default 0 with all its decimals: MODIFY to the same default")
        }
        // Nullable: `information_schema` says NULL in letters, and Frappe compares that with nothing at all.
        "Duration" | "Rating" if shape.column_type.starts_with("decimal") && shape.default.is_none() => {
            Some("MariaDB shows that it has no default as the word NULL: MODIFY to no default")
        }
        "Time" if shape.default.is_some() => {
            Some("MariaDB shows the default of a time in full: MODIFY to the same default")
        }
        _ if shape.default.as_ref().is_some_and(|default| default.text().contains('\\')) => {
            Some("MariaDB shows each backslash of a default twice: MODIFY to the same default")
        }
        "Int" | "Check" if frappe.has_plain_integers() && shape.column_type != "bigint" => {
            Some("MariaDB shows integers with their width: MODIFY to the same type")
        }
        _ => None,
    }
}
