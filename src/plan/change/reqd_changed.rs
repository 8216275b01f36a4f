//! `reqd_added`, `reqd_removed`: mandatory is a matter of metadata, and blue has its own.

use serde_json::json;

use crate::plan::{DataAnswer, Verdict, quote};

use super::{FieldPair, Findings, Found, Versions, rows};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    let holds_values = |side: &super::Side<'_>| side.field.is_value() || side.field.is_table();
    if blue.field.reqd == green.field.reqd || !holds_values(blue) || !holds_values(green) {
        return;
    }
    let (kind, cls, why) = if green.field.reqd {
        (
            "reqd_added",
            "contract",
            "mandatory in green alone: rows that blue leaves empty cannot be saved in green until filled",
        )
    } else {
        (
            "reqd_removed",
            "none",
            "optional in green alone: blue cannot save a row that green left empty until it is filled",
        )
    };
    let data = if green.field.reqd { empty(field, versions, findings) } else { None };
    let why = match &data {
        Some(answer) if answer.has_rows() => {
            format!("{why}; it is empty in {}", answer.share())
        }
        Some(answer) => format!("{why}; {}", rows::unharmed(answer, "it is not empty")),
        None => why.to_owned(),
    };
    findings.field_with(
        field,
        Found {
            kind,
            cls,
            ddl: false,
            old: json!(blue.field.reqd),
            new: json!(green.field.reqd),
            verdict: Verdict::Neutral,
            why,
        },
        data,
    );
}

/// Rows without a value, as Frappe's check for mandatory fields takes it.
fn empty(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) -> Option<DataAnswer> {
    let blue = field.blue.as_ref().filter(|_| field.is_in_table())?;
    let (column, shape) = (&blue.field.fieldname, blue.shape.as_ref()?);
    // A number is never empty: 0 is what it is without a value.
    if shape.not_null {
        return None;
    }
    let name = quote::identifier(column);
    let is_text = shape.column_type.starts_with("varchar") || shape.is_text();
    let condition =
        if is_text { format!("({name} IS NULL OR {name} = '')") } else { format!("{name} IS NULL") };
    rows::fitting(versions, findings, (&field.blue_doctype.name, column), condition)
}
