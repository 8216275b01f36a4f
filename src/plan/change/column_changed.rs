//! A field keeps its name and changes its type: `column_widened`, `column_narrowed`, `column_incompatible`,
//! `fieldtype_changed`, `value_to_table`, `table_to_value`.

use crate::doctype::{ColumnShape, Table};
use crate::plan::Verdict;

use super::{FieldPair, Findings, Found, Side, UNSUPPORTED};

/// What becomes of the values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Same,
    Wider,
    Narrower,
    Incompatible,
}

/// What a column holds, as far as a change from one to another goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Varchar(u32),
    Text(u32),
    Json,
    Whole(u32),
    Decimal(u32),
    Date,
    Datetime,
    Time,
}

pub(super) fn find(field: &FieldPair<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else {
        redefined_standard_column(field, findings);
        return;
    };
    if kind_switched(field, blue, green, findings) {
        return;
    }
    let Some((old, new)) = field.columns() else { return };
    let is_same_column = old.column_type == new.column_type;
    if is_same_column && blue.field.fieldtype == green.field.fieldtype {
        return;
    }
    if !field.is_in_table() && blue.field.fieldtype == green.field.fieldtype {
        return;
    }
    let fate = fate(old, new);
    let (kind, cls) = name(fate, field.is_in_table());
    let (verdict, why) = judge(blue, green, fate, field.is_in_table());
    findings.field(
        field,
        Found {
            kind,
            cls,
            ddl: field.is_in_table() && !is_same_column,
            old: blue.describe(),
            new: green.describe(),
            verdict,
            why,
        },
    );
}

fn name(fate: Fate, is_in_table: bool) -> (&'static str, &'static str) {
    match (fate, is_in_table) {
        (Fate::Same, _) | (Fate::Wider, false) => ("fieldtype_changed", "none"),
        (Fate::Narrower, false) => ("fieldtype_changed", "narrow"),
        (Fate::Incompatible, false) => ("fieldtype_changed", "incompatible"),
        (Fate::Wider, true) => ("column_widened", "widen"),
        (Fate::Narrower, true) => ("column_narrowed", "narrow"),
        (Fate::Incompatible, true) => ("column_incompatible", "incompatible"),
    }
}

fn judge(blue: &Side<'_>, green: &Side<'_>, fate: Fate, is_in_table: bool) -> (Verdict, String) {
    let (from, to) = (&blue.field.fieldtype, &green.field.fieldtype);
    let becomes_link = matches!(to.as_str(), "Link" | "Dynamic Link") && from != to;
    match fate {
        Fate::Same if becomes_link => (
            Verdict::Blocking,
            format!(
                "green refuses to save what is no name of a {to} target, and blue goes on writing {from}; {UNSUPPORTED}"
            ),
        ),
        Fate::Same => (Verdict::Neutral, "the column stays as it is".to_owned()),
        Fate::Wider if !is_in_table => (Verdict::Neutral, "tabSingles keeps every value as text".to_owned()),
        Fate::Wider | Fate::Narrower | Fate::Incompatible => {
            (Verdict::Blocking, format!("{from} to {to} changes the column under blue; {UNSUPPORTED}"))
        }
    }
}

/// A value becomes rows or the other way round.
fn kind_switched(field: &FieldPair<'_>, blue: &Side<'_>, green: &Side<'_>, findings: &mut Findings) -> bool {
    let kind = match (blue.field.is_table(), green.field.is_table()) {
        (false, true) if blue.field.is_value() => "value_to_table",
        (true, false) if green.field.is_value() => "table_to_value",
        (false | true, false | true) => return false,
    };
    findings.field(
        field,
        Found {
            kind,
            cls: "incompatible",
            ddl: kind == "table_to_value" && field.is_in_table(),
            old: blue.describe(),
            new: green.describe(),
            verdict: Verdict::Blocking,
            why: format!("the values move between the document and its rows; {UNSUPPORTED}"),
        },
    );
    true
}

/// A new field takes the name of a column that every table has (`idx`).
fn redefined_standard_column(field: &FieldPair<'_>, findings: &mut Findings) {
    let (None, Some(green)) = (&field.blue, &field.green) else { return };
    let Some(shape) = green.shape.as_ref().filter(|_| field.is_in_table()) else { return };
    let Some(standard) = Table::standard_column(field.name, crate::doctype::FrappeVersion::ASSUMED) else {
        return;
    };
    let is_same = standard.column_type == shape.column_type;
    findings.field(
        field,
        Found {
            kind: "standard_column_redefined",
            cls: if is_same { "none" } else { "incompatible" },
            ddl: !is_same,
            old: serde_json::json!({ "column": standard.column_type }),
            new: green.describe(),
            verdict: Verdict::Blocking,
            why: format!("every table has this column and blue writes it; {UNSUPPORTED}"),
        },
    );
}

fn fate(old: &ColumnShape, new: &ColumnShape) -> Fate {
    use Family::{Date, Datetime, Decimal, Json, Text, Varchar, Whole};
    if old.column_type == new.column_type {
        return if old.not_null == new.not_null { Fate::Same } else { Fate::Incompatible };
    }
    let (Some(from), Some(to)) = (family(&old.column_type), family(&new.column_type)) else {
        return Fate::Incompatible;
    };
    match (from, to) {
        (Varchar(a), Varchar(b)) | (Text(a), Text(b)) | (Whole(a), Whole(b)) | (Decimal(a), Decimal(b)) => {
            if a < b {
                Fate::Wider
            } else {
                Fate::Narrower
            }
        }
        (Varchar(_) | Json, Text(_)) | (Date, Datetime) => Fate::Wider,
        (Whole(_), Decimal(_)) if old.not_null == new.not_null => Fate::Wider,
        (Text(_), Varchar(_)) | (Decimal(_), Whole(_)) | (Datetime, Date | Family::Time) => Fate::Narrower,
        (Varchar(_) | Text(_) | Json | Whole(_) | Decimal(_) | Date | Datetime | Family::Time, _) => {
            Fate::Incompatible
        }
    }
}

fn family(column_type: &str) -> Option<Family> {
    let (name, size) = column_type.split_once('(').unwrap_or((column_type, ""));
    let size = size.trim_end_matches(')').split(',').next().and_then(|size| size.parse().ok());
    Some(match name {
        "varchar" => Family::Varchar(size.unwrap_or(140)),
        "text" => Family::Text(1),
        "longtext" => Family::Text(2),
        "json" => Family::Json,
        "tinyint" => Family::Whole(1),
        "int" => Family::Whole(size.unwrap_or(11)),
        "bigint" => Family::Whole(20),
        "decimal" => Family::Decimal(size.unwrap_or(21)),
        "date" => Family::Date,
        "datetime" => Family::Datetime,
        "time" => Family::Time,
        _ => return None,
    })
}
