//! DDL that a patch sends by itself, and the indexes that it asks for.

use crate::doctype::{When, table_name};
use crate::plan::BLUE;
use crate::plan::singles::STANDARD_FIELDS;

use super::patch_effect::{Judged, Level};
use super::patch_rows::{Standing, Tables};

/// What takes away what blue reads or writes.
const BREAKING: [&str; 7] = [
    "DROP COLUMN",
    "CHANGE COLUMN",
    "RENAME COLUMN",
    "DROP TABLE",
    "RENAME TABLE",
    "TRUNCATE",
    "DROP SEQUENCE",
];

/// A statement of the patch's own.
pub(crate) fn ddl(table: &str, verb: &str, text: &str, when: When, tables: &Tables<'_>) -> Judged {
    let what = format!("{verb} of {table} ({text})");
    match tables.standing(table) {
        Standing::Green | Standing::Absent if verb != "CREATE TABLE" => {
            Judged::new(Level::Unseen, format!("{what}, which blue does not have"))
        }
        Standing::Frozen => Judged::new(Level::Unseen, format!("{what}, of which blue has a copy")),
        Standing::Green | Standing::Absent => Judged::new(Level::Unseen, what),
        Standing::Shared if BREAKING.contains(&verb) && when != When::Conditional => {
            Judged::new(Level::Breaks, format!("{what}, which blue uses"))
        }
        Standing::Elsewhere if verb == "CREATE TABLE" => {
            Judged::new(Level::Unseen, format!("{what}, which blue does not have"))
        }
        Standing::Shared | Standing::Elsewhere => {
            // An acceptance does not change what the entry of green's migrate lets through.
            let but = "green's migrate is refused there if MariaDB can do it by a copy alone; run the statement before the release";
            Judged::new(Level::Seen, format!("{what}, which blue uses: {but}"))
        }
    }
}

/// An index. The plan makes it beforehand where it can: Frappe then finds it by its name and sends nothing.
pub(crate) fn index(
    table: &str,
    name: &str,
    columns: &[String],
    unique: bool,
    tables: &Tables<'_>,
) -> Judged {
    let kind = if unique { "the unique index" } else { "the index" };
    let what = format!("it adds {kind} {name} to {table}");
    let doctype = table.strip_prefix("tab").unwrap_or(table);
    match tables.standing(table) {
        Standing::Green | Standing::Absent => {
            return Judged::new(Level::Unseen, format!("{what}, which only green knows"));
        }
        Standing::Frozen => return Judged::new(Level::Unseen, format!("{what}, of which blue has a copy")),
        Standing::Elsewhere => {
            return Judged::new(Level::Seen, format!("{what}, which no app has"));
        }
        Standing::Shared => {}
    }
    let live = tables.versions.live(doctype);
    if live.is_some_and(|live| live.indexes.iter().any(|index| index.name.eq_ignore_ascii_case(name))) {
        return Judged::new(Level::Nothing, format!("{what}, which is there"));
    }
    let is_plain = |column: &String| {
        let in_green = tables.versions.green.get(doctype).is_some_and(|(_, green)| {
            green.field(column).is_some_and(|field| field.is_stored() && !is_text(&field.fieldtype))
        });
        in_green || STANDARD_FIELDS.contains(&column.as_str())
    };
    if columns.is_empty() || !columns.iter().all(is_plain) || name.contains(BLUE) || name.is_empty() {
        return Judged::new(
            Level::Seen,
            format!("{what} over {}, which cannot be planned", columns.join(", ")),
        );
    }
    debug_assert_eq!(table, table_name(doctype));
    Judged::new(Level::Planned, format!("{what}, which is built beside the traffic before"))
}

/// Types whose columns take an index over their beginning alone.
fn is_text(fieldtype: &str) -> bool {
    fieldtype.contains("Text")
        || fieldtype.contains("Editor")
        || matches!(
            fieldtype,
            "Code" | "JSON" | "Geolocation" | "Signature" | "Attach" | "Attach Image" | "Password"
        )
}
