//! A field keeps its name and changes its type: `column_widened`, `column_narrowed`, `column_incompatible`,
//! `column_same_storage`, `fieldtype_changed`, `value_to_table`, `table_to_value`.

use crate::doctype::{ColumnShape, Table};
use crate::plan::operation::Operation;
use crate::plan::site::is_same_type;
use crate::plan::{Verdict, quote};

use super::rows::{self, Said};
use super::{FieldPair, Findings, Found, Side, Versions, field_added, pair};

/// What becomes of the values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
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

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
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
    let is_same_storage = field.is_in_table() && is_json_to_longtext(old, new);
    let (kind, cls) =
        if is_same_storage { ("column_same_storage", "none") } else { name(fate, field.is_in_table()) };
    let (verdict, Said { text: why, data }) = if field.is_in_table() {
        in_table(field, (old, new), versions, findings)
    } else {
        in_single(blue, green, fate)
    };
    findings.field_with(
        field,
        Found {
            kind,
            cls,
            ddl: field.is_in_table() && !is_same_column && !is_same_storage,
            old: blue.describe(),
            new: green.describe(),
            verdict,
            why,
        },
        data,
    );
}

pub(super) fn name(fate: Fate, is_in_table: bool) -> (&'static str, &'static str) {
    match (fate, is_in_table) {
        (Fate::Same, _) | (Fate::Wider, false) => ("fieldtype_changed", "none"),
        (Fate::Narrower, false) => ("fieldtype_changed", "narrow"),
        (Fate::Incompatible, false) => ("fieldtype_changed", "incompatible"),
        (Fate::Wider, true) => ("column_widened", "widen"),
        (Fate::Narrower, true) => ("column_narrowed", "narrow"),
        (Fate::Incompatible, true) => ("column_incompatible", "incompatible"),
    }
}

/// Whether MariaDB makes the new column out of the old one without touching a row, and what blue writes fits it: a
/// longer varchar whose length takes as many bytes as before, another display width of an integer
/// (<https://mariadb.com/kb/en/innodb-online-ddl-operations-with-the-instant-alter-algorithm/>).
pub(super) fn is_instant(old: &ColumnShape, new: &ColumnShape) -> bool {
    let length_bytes = |length: u32| if length * 4 > 255 { 2 } else { 1 };
    old.not_null == new.not_null
        && match (family(&old.column_type), family(&new.column_type)) {
            (Some(Family::Varchar(a)), Some(Family::Varchar(b))) => {
                a <= b && length_bytes(a) == length_bytes(b)
            }
            (Some(Family::Whole(_)), Some(Family::Whole(_))) => word(old) == word(new),
            _ => old.column_type == new.column_type,
        }
}

/// A JSON column is a longtext with a check to MariaDB, and Frappe compares types alone.
fn is_json_to_longtext(old: &ColumnShape, new: &ColumnShape) -> bool {
    old.column_type == "json" && new.column_type == "longtext" && old.not_null == new.not_null
}

fn word(shape: &ColumnShape) -> &str {
    shape.column_type.split('(').next().unwrap_or_default()
}

/// Whether green gets a column of its own for it.
pub(super) fn is_carried(old: &ColumnShape, new: &ColumnShape) -> bool {
    !is_instant(old, new)
}

fn in_table(
    field: &FieldPair<'_>,
    (old, new): (&ColumnShape, &ColumnShape),
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> (Verdict, Said) {
    let Some((blue, green)) = field.both() else { return (Verdict::Neutral, Said::default()) };
    let (from, to) = (&blue.field.fieldtype, &green.field.fieldtype);
    let neutral = |why: &str| (Verdict::Neutral, why.to_owned().into());
    if field.is_renamed() {
        findings.shares();
        return neutral("its values change on their way to the column of the new name");
    }
    if old == new || (old.column_type == new.column_type && old.not_null == new.not_null) {
        let becomes_link = matches!(to.as_str(), "Link" | "Dynamic Link") && from != to;
        return if becomes_link {
            neutral(&format!(
                "the column stays as it is; green refuses to save what is no name of a {to} target, also where blue has written it"
            ))
        } else {
            neutral("the column stays as it is")
        };
    }
    if is_json_to_longtext(old, new) {
        return neutral(
            "MariaDB shows JSON as longtext, so Frappe's sync sends nothing: the column stays, with its check that refuses what is no JSON",
        );
    }
    // What the site has under the name decides, not what blue's file asks for.
    let live = versions.live(&field.blue_doctype.name);
    let live_type = live.and_then(|live| live.column(field.name));
    // JSON is shown as longtext, so of that nothing can be told.
    let is_there = |live| new.column_type != "json" && is_same_type(live, &new.column_type);
    if old.not_null == new.not_null && live_type.is_some_and(is_there) {
        return neutral("the site's column has this type already");
    }
    settle(field, (&pair::live_shape(old, field.name, live), new), versions, findings)
}

/// How a column that is `old` on the site becomes `new` while blue uses it.
pub(super) fn settle(
    field: &FieldPair<'_>,
    (old, new): (&ColumnShape, &ColumnShape),
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> (Verdict, Said) {
    let Some((blue, green)) = field.both() else { return (Verdict::Neutral, Said::default()) };
    if is_instant(old, new) {
        return (Verdict::Additive, lengthen(field, (old, new), findings).into());
    }
    if let Some(said) = kept_by_length(field, (old, new), versions, findings) {
        return (Verdict::Neutral, said);
    }
    let (from, to) = (&blue.field.fieldtype, &green.field.fieldtype);
    // Frappe makes no index on a text; its MODIFY in place keeps one that is there, of the first characters or of a hash.
    let has_index = !old.is_text() && (blue.field.unique || blue.field.search_index);
    let index = if has_index && new.is_text() { "; the index goes with blue's column" } else { "" };
    match pair::retyped(field, versions, findings) {
        Ok(said) => (
            Verdict::Mapped,
            said.after(&format!(
                "blue's {from} moves to a column of its own, which its view shows under the old name; green's {to} takes the name; triggers cast every write as Frappe does, until blue is gone{index}"
            )),
        ),
        Err(reason) => (Verdict::Blocking, reason),
    }
}

/// A column that MariaDB changes without touching a row.
fn lengthen(
    field: &FieldPair<'_>,
    (old, new): (&ColumnShape, &ColumnShape),
    findings: &mut Findings,
) -> String {
    findings.operations.push(Operation::ModifyColumn {
        table: field.table(),
        engine: field.green_doctype.engine.clone(),
        column: field.name.to_owned(),
        old: old.clone(),
        new: new.clone(),
    });
    match (family(&old.column_type), family(&new.column_type)) {
        (Some(Family::Varchar(length)), Some(Family::Varchar(_))) => format!(
            "the column becomes longer in an instant; a document in which green has written more than {length} characters can be saved in blue only after it is shortened"
        ),
        _ => "only the display width of the column changes, in an instant".to_owned(),
    }
}

/// Frappe's sync does not shorten a varchar while some value needs the length (`frappe/database/schema.py`,
/// `DBTable.validate`): then the column stays, and green's form alone has the new length.
fn kept_by_length(
    field: &FieldPair<'_>,
    (old, new): (&ColumnShape, &ColumnShape),
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> Option<Said> {
    let (Some(Family::Varchar(from)), Some(Family::Varchar(to))) =
        (family(&old.column_type), family(&new.column_type))
    else {
        return None;
    };
    let (green, doctype) = (field.green.as_ref()?, field.blue_doctype.name.as_str());
    let condition = format!("CHAR_LENGTH({}) > {to}", quote::identifier(field.name));
    let answer =
        (from > to).then(|| rows::longer(versions, findings, (doctype, field.name), condition))??;
    if answer.has_none() {
        return None;
    }
    let live = versions.live(doctype);
    let is_missing = |index: &crate::doctype::Index| {
        live.is_none_or(|table| !table.has_index(&index.columns, index.unique))
    };
    for index in field_added::indexes(green, new).into_iter().filter(is_missing) {
        let engine = field.green_doctype.engine.clone();
        findings.operations.push(Operation::AddIndex { table: field.table(), engine, index });
    }
    let text = if answer.has_rows() {
        format!(
            "Frappe keeps the length of {from}, for in {} the value has more than {to} characters ({}): the column stays as it is",
            answer.share(),
            answer.show()
        )
    } else {
        format!(
            "Frappe keeps the length of {from} if a single value has more than {to} characters, and {}: the column stays as it is; if no value has more, migrate is refused the copy that it asks for, so look at all rows before the release",
            rows::unharmed(&answer, "none was found")
        )
    };
    Some(Said { text, data: Some(answer) })
}

/// `tabSingles` keeps every value as text, and each version casts what it reads.
fn in_single(blue: &Side<'_>, green: &Side<'_>, fate: Fate) -> (Verdict, Said) {
    let parses =
        |side: &Side<'_>| matches!(side.field.fieldtype.as_str(), "Date" | "Datetime" | "Time" | "JSON");
    let (from, to) = (&blue.field.fieldtype, &green.field.fieldtype);
    if matches!(fate, Fate::Narrower | Fate::Incompatible) && (parses(green) || parses(blue)) {
        let why = format!(
            "tabSingles keeps the text, and a text that is a {from} is an error where a {to} is read: empty it before the release, or add a field of the new type beside it"
        );
        return (Verdict::Blocking, why.into());
    }
    (
        Verdict::Neutral,
        "tabSingles keeps every value as text, and each version casts what it reads; a save writes what it read, for both: crossfade verify names the settings that one reads as another number"
            .to_owned()
            .into(),
    )
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
            why: "the values move between the document and rows of its own, and no trigger can say which: add the new field beside the old one under another name, and remove the old one a release later".to_owned(),
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
            verdict: if is_same { Verdict::Neutral } else { Verdict::Blocking },
            why: if is_same {
                "every table has this column, with this type".to_owned()
            } else {
                "every table has this column and Frappe itself writes it: give the field another name"
                    .to_owned()
            },
        },
    );
}

pub(super) fn fate(old: &ColumnShape, new: &ColumnShape) -> Fate {
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
