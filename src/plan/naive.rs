//! What users see of a change that is released the usual way: `bench migrate` beside traffic, Pods rolled afterwards.
//!
//! Measured on Frappe 15.41 and MariaDB 10.11 under load; what holds for a kind of change holds whatever the plan says
//! of it, so it stands here in one table and not with the verdicts.

use crate::doctype::Storage;

use super::{Change, Verdict};

/// The sentence for a kind of change; empty where users see nothing.
pub(crate) fn naive(kind: &str, in_table: bool) -> &'static str {
    match kind {
        "field_added" => {
            "requests slow down while the column is added; what green writes to it is lost when blue saves from a form that lacks it"
        }
        "custom_field_added" | "custom_field_changed" => {
            "the old version sees the field at once and may refuse to save without it"
        }
        "field_removed" => {
            "the old version forgets the field as soon as migrate has run: values that users enter there are lost without an error"
        }
        "field_renamed" if in_table => {
            "the old version forgets the field, its values are lost without an error; one UPDATE locks all rows of the table, and requests that write two rows end in deadlocks"
        }
        "field_renamed" => {
            "the old version forgets the field: what users enter there is lost without an error"
        }
        "column_incompatible" | "column_narrowed" => {
            "the table is copied and refuses writes meanwhile; the old version's values are errors (1292, 1406) or are cut off; one value that does not fit stops migrate half-way"
        }
        "column_widened" | "platform_type_changed" => {
            "unless MariaDB does it in an instant the table is copied and refuses writes meanwhile; readers see errors (1412) at its end"
        }
        "column_same_storage" | "fieldtype_changed" | "link_target_changed" => {
            "the new rule is in force for the old version too, at once"
        }
        "value_to_table" | "table_to_value" | "child_table_target_changed" => {
            "values of the old kind are out of sight for the new version, and saves of the old one fail"
        }
        "child_table_added" => {
            "every save of the document by the old version fails: it cannot import the new child table's code"
        }
        "child_table_removed" => {
            "the old version forgets the rows: what users enter there is lost without an error"
        }
        "doctype_removed" => "the old version answers 404 for its documents as soon as migrate has run",
        "doctype_renamed" => {
            "the old version finds neither table nor metadata: every request for its documents fails"
        }
        "reqd_added" => "every insert by the old version that leaves it empty is refused (417)",
        "unique_added" => {
            "a duplicate stops migrate half-way; from then on the old version's duplicates are refused"
        }
        "not_null_on" => {
            "the table is copied and refuses writes meanwhile; a row that is NULL stops migrate half-way"
        }
        "index_added" | "sort_index_added" | "track_seen_on" => {
            "the ALTER waits for running requests, and all others wait behind it"
        }
        "single_to_table" | "table_to_single" | "table_kind_changed" | "istable_on" | "istable_off" => {
            "the old version looks for the documents where they are not any more"
        }
        "autoincrement_on" | "autoincrement_off" => "new documents cannot be named",
        "standard_column_redefined" => "the table is copied and refuses writes meanwhile",
        "select_options_removed" => "the old version cannot save documents that hold a removed value",
        "patch_added" => "it runs while the old version serves, and changes rows and tables under it",
        _ => "",
    }
}

/// Rows a second that MariaDB copies when it rebuilds a table, and that one UPDATE over a whole table gets through: measured on
/// MariaDB 10.11 on two cores (docs/explanation/engine-benchmark.md).
const COPIED: u64 = 100_000;
const UPDATED: u64 = 70_000;

/// How long the usual way holds up writes to a table of so many rows, in seconds, rounded up; `None` for changes that do not.
pub fn blocked_seconds(change: &Change, rows: u64) -> Option<u64> {
    let is_in_table = change.storage == Storage::Table.as_str();
    let is_instant = matches!(change.verdict, Verdict::Neutral | Verdict::Additive);
    let rate = match change.kind.as_str() {
        "field_renamed" => UPDATED,
        "column_incompatible"
        | "column_narrowed"
        | "column_widened"
        | "platform_type_changed"
        | "not_null_on"
        | "standard_column_redefined" => COPIED,
        _ => return None,
    };
    (is_in_table && !is_instant && change.ddl).then(|| rows.div_ceil(rate))
}
