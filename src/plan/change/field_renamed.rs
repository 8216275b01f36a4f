//! `field_renamed`: a patch copies the values of one field into another.

use serde_json::json;

use crate::doctype::Storage;
use crate::plan::operation::Operation;
use crate::plan::{Step, Verdict, quote};

use super::rows::Said;
use super::{FieldPair, Findings, Found, Versions, pair};

pub(super) fn find(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some((blue, side)) = field.both() else { return };
    let old = &blue.field.fieldname;
    if old == field.name {
        return;
    }
    let (verdict, Said { text: why, data }) = match carry(field, versions, findings) {
        Ok(said) => said,
        Err(reason) => (Verdict::Blocking, reason),
    };
    findings.field_with(
        field,
        Found {
            kind: "field_renamed",
            cls: "incompatible",
            ddl: field.is_in_table() && side.shape.is_some(),
            old: json!(old),
            new: json!(field.name),
            verdict,
            why,
        },
        data,
    );
}

fn carry(
    field: &FieldPair<'_>,
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> Result<(Verdict, Said), Said> {
    let Some((blue, green)) = field.both() else { return Ok((Verdict::Neutral, Said::default())) };
    let storage = (field.blue_doctype.storage(), field.green_doctype.storage());
    if storage.0 != storage.1 {
        return Err("the two versions keep the documents in different places".to_owned().into());
    }
    if blue.field.is_table() || green.field.is_table() {
        let (Some(old), Some(new)) = (blue.field.child(), green.field.child()) else {
            return Err("rows of a child table become a value, or the other way round".to_owned().into());
        };
        if old != versions.blue_name(new) {
            return Err(format!(
                "its rows move from {old} to {new} as well: release the two one after the other"
            )
            .into());
        }
        pair::renamed_rows(field, new, versions, findings)?;
        metadata(field, versions, findings);
        let why = "each version finds its rows by its own name of the field; triggers keep the two in step";
        return Ok((Verdict::Mapped, why.to_owned().into()));
    }
    if blue.field.fieldtype == "Password" || green.field.fieldtype == "Password" {
        return Err(
            "passwords are kept encrypted under the name of the field, in rows that both versions write: \
                    add the new field beside the old one instead, and remove that a release later"
                .to_owned()
                .into(),
        );
    }
    if storage.1 == Storage::Single {
        findings.operations.push(copy_single(field, &blue.field.fieldname));
        metadata(field, versions, findings);
        let why = "tabSingles keeps the value under both names, in step until blue is gone";
        return Ok((Verdict::Synced, why.to_owned().into()));
    }
    if blue.shape.is_none() || green.shape.is_none() {
        return Ok((Verdict::Neutral, "it has no column on one of the two sides".to_owned().into()));
    }
    let said = pair::renamed(field, versions, findings)?;
    metadata(field, versions, findings);
    let why = "each version writes a column of its own; triggers carry every write over until blue is gone";
    Ok((Verdict::Synced, said.after(why)))
}

/// The value that is there gets a second row under its new name.
fn copy_single(field: &FieldPair<'_>, old: &str) -> Operation {
    let (doctype, old, new) =
        (quote::literal(&field.green_doctype.name), quote::literal(old), quote::literal(field.name));
    let lacking = format!(
        "`doctype` = {doctype} AND `field` = {old} AND NOT EXISTS \
         (SELECT 1 FROM `tabSingles` AS known WHERE known.`doctype` = {doctype} AND known.`field` = {new})"
    );
    let sql = format!(
        "INSERT INTO `tabSingles` (`doctype`, `field`, `value`) SELECT `doctype`, {new}, `value` FROM `tabSingles` \
         WHERE {lacking}"
    );
    let title = format!("copy {old} of the Single {doctype} to {new}");
    rows_step(field, "tabSingles", title, (&sql, lacking), false)
}

/// What Frappe's `rename_field` (`frappe/model/utils/rename_field.py`) does beside the column. Property Setters and
/// Custom Fields are green's alone; reports and what users have set are read by both, so they wait for blue to go.
fn metadata(field: &FieldPair<'_>, versions: &Versions<'_>, findings: &mut Findings) {
    let Some(old) = field.blue.as_ref().map(|blue| blue.field.fieldname.as_str()) else { return };
    let (doctype, from, to) =
        (quote::literal(&field.green_doctype.name), quote::literal(old), quote::literal(field.name));
    let is_there = |table: &str| versions.site.is_none_or(|site| site.tables.contains_key(table));
    for (table, of, column) in
        [("tabProperty Setter", "doc_type", "field_name"), ("tabCustom Field", "dt", "insert_after")]
    {
        if is_there(table) {
            let condition = format!("`{of}` = {doctype} AND `{column}` = {from}");
            let sql = format!("UPDATE `{table}` SET `{column}` = {to} WHERE {condition}");
            let title = format!("{table} names the field {to}");
            findings.operations.push(rows_step(field, table, title, (&sql, condition), false));
        }
    }
    let alone = [(json!(old).to_string(), json!(field.name).to_string())];
    for (table, of, column) in [("tabReport", "ref_doctype", "json"), ("__UserSettings", "doctype", "data")] {
        if is_there(table) {
            let title = format!("{table} names the field {to}");
            let only = format!("`{of}` = {doctype}");
            findings.operations.push(in_json(field, (table, column), title, &only, &alone));
        }
    }
    // Reports and lists of other DocTypes have columns and filters of this one.
    let with_doctype = with_doctype(&field.green_doctype.name, old, field.name);
    let lists = r"`defkey` LIKE '\_list\_settings:%'";
    for (table, column, only) in [
        ("tabReport", "json", "TRUE"),
        ("__UserSettings", "data", "TRUE"),
        ("tabDefaultValue", "defvalue", lists),
    ] {
        if is_there(table) {
            let title = format!("{table} names the field {to} of {doctype}");
            findings.operations.push(in_json(field, (table, column), title, only, &with_doctype));
        }
    }
}

/// Texts in JSON that name a field together with its DocType, and what takes their place: a filter, a column, and what rows
/// are sorted by. Pages write JSON without blanks, Python writes it with them.
fn with_doctype(doctype: &str, old: &str, new: &str) -> Vec<(String, String)> {
    let quoted = json!(doctype).to_string();
    let bare = &quoted[1..quoted.len() - 1];
    let forms = |field: &str| {
        let mut forms = vec![format!("\"{bare}.{field}\""), format!("`tab{bare}`.`{field}`")];
        for blank in ["", " "] {
            forms.push(format!("[{quoted},{blank}\"{field}\""));
            forms.push(format!("[\"{field}\",{blank}{quoted}]"));
        }
        forms
    };
    forms(old).into_iter().zip(forms(new)).collect()
}

/// Replaces texts in a column that holds JSON, in the rows of which `only` holds. REPLACE takes the very letters, and INSTR
/// does so of bytes alone: a value `"Customer"` does not name the field `customer`.
fn in_json(
    field: &FieldPair<'_>,
    (table, column): (&str, &str),
    title: String,
    only: &str,
    texts: &[(String, String)],
) -> Operation {
    let mut value = format!("`{column}`");
    let mut found = Vec::new();
    for (from, to) in texts {
        let (from, to) = (quote::literal(from), quote::literal(to));
        value = format!("REPLACE({value}, {from}, {to})");
        found.push(format!("INSTR(BINARY `{column}`, {from}) > 0"));
    }
    let condition = format!("{only} AND ({})", found.join(" OR "));
    let sql = format!("UPDATE `{table}` SET `{column}` = {value} WHERE {condition}");
    rows_step(field, table, title, (&sql, condition), true)
}

/// One statement, which leaves no row of `table` that is as `condition` says.
fn rows_step(
    field: &FieldPair<'_>,
    table: &str,
    title: String,
    (sql, condition): (&str, String),
    contract: bool,
) -> Operation {
    Operation::Metadata {
        table: field.table(),
        field: Some(field.name.to_owned()),
        step: Box::new(Step::rename_in(table, title, sql, condition)),
        contract,
    }
}
