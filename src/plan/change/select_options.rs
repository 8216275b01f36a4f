//! `select_options_added`, `select_options_removed`: which values a Select takes; the column does not change.

use serde_json::json;

use crate::plan::{Verdict, quote};

use super::{FieldPair, Findings, Found, Versions, rows};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, green)) = field.both() else { return };
    if blue.field.fieldtype != "Select" || green.field.fieldtype != "Select" {
        return;
    }
    let (old, new) = (options(blue.field.options.as_deref()), options(green.field.options.as_deref()));
    let removed: Vec<&str> = old.iter().filter(|option| !new.contains(option)).copied().collect();
    let added: Vec<&str> = new.iter().filter(|option| !old.contains(option)).copied().collect();
    let (kind, cls, why) = match (removed.is_empty(), added.is_empty()) {
        (true, true) => return,
        (true, false) => (
            "select_options_added",
            "additive",
            "blue cannot save a document that holds the new value unless it is changed back",
        ),
        (false, _) => (
            "select_options_removed",
            "contract",
            "green cannot save a document that holds the old value until it is changed",
        ),
    };
    let column = &blue.field.fieldname;
    let data = (!removed.is_empty() && field.is_in_table()).then(|| {
        let values: Vec<String> = removed.iter().map(|value| quote::literal(value)).collect();
        let condition = format!("{} IN ({})", quote::identifier(column), values.join(", "));
        rows::fitting(versions, findings, (&field.blue_doctype.name, column), condition)
    });
    let data = data.flatten();
    let why = match &data {
        Some(answer) if answer.has_rows() => {
            format!("{why}; {} hold one ({})", answer.share(), answer.show())
        }
        Some(answer) => format!("{why}; {}", rows::unharmed(answer, "none is held")),
        None => why.to_owned(),
    };
    findings.field_with(
        field,
        Found {
            kind,
            cls,
            ddl: false,
            old: json!(removed),
            new: json!(added),
            verdict: Verdict::Neutral,
            why,
        },
        data,
    );
}

fn options(text: Option<&str>) -> Vec<&str> {
    text.unwrap_or("").lines().map(str::trim).filter(|option| !option.is_empty()).collect()
}
