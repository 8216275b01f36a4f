//! `platform_type_changed`: a new version of Frappe maps a fieldtype to another column.

use std::collections::BTreeMap;

use serde_json::json;

use crate::doctype::{ColumnShape, DocType, Storage};
use crate::plan::{Change, Verdict};

use super::{Findings, UNSUPPORTED, Versions};

/// How often one mapping applies: fieldtype, old column, new column -> fields, by app.
type Tally<'a> = BTreeMap<(&'a str, &'a str, String, String), Columns>;

/// Columns that one mapping applies to.
#[derive(Default)]
struct Columns {
    all: Vec<String>,
    /// Of DocTypes whose file changed: the sync does not touch the others.
    synced: usize,
}

/// Columns of all DocTypes that both versions have.
pub(crate) fn find(versions: &Versions<'_>, findings: &mut Findings) {
    let mut tally = Tally::new();
    for (name, (app, green)) in &versions.green {
        let Some((_, blue)) = versions.blue.get(versions.blue_name(name)) else { continue };
        if green.storage() == Storage::Table && blue.storage() == Storage::Table {
            count(&app.name, blue, green, versions, &mut tally);
        }
    }
    for ((app, fieldtype, old, new), Columns { all, synced }) in tally {
        let (verdict, act) = if is_display_width(&old, &new) {
            (Verdict::Neutral, "the display width is all that changes".to_owned())
        } else if synced == 0 {
            (Verdict::Neutral, "none is in a DocType whose file changed, so the sync leaves them".to_owned())
        } else {
            (Verdict::Blocking, format!("the sync changes {synced} of them under blue; {UNSUPPORTED}"))
        };
        let first: Vec<&str> = all.iter().take(3).map(String::as_str).collect();
        findings.changes.push(Change {
            app: app.to_owned(),
            doctype: "*".to_owned(),
            kind: "platform_type_changed".to_owned(),
            field: Some(fieldtype.to_owned()),
            old: Some(json!(old)),
            new: Some(json!(new)),
            storage: Storage::Table.as_str().to_owned(),
            ddl: true,
            cls: if old.starts_with("decimal") { "widen" } else { "none" }.to_owned(),
            verdict,
            why: format!("{} columns, first {}; {act}", all.len(), first.join(", ")),
            naive: String::new(),
            steps: Vec::new(),
        });
    }
}

fn count<'a>(
    app: &'a str,
    blue: &DocType,
    green: &'a DocType,
    versions: &Versions<'_>,
    tally: &mut Tally<'a>,
) {
    for field in &green.fields {
        let Some(old) = blue.field(&field.fieldname).filter(|old| old.fieldtype == field.fieldtype) else {
            continue;
        };
        let shape = |frappe| ColumnShape::of(old, frappe);
        let (Some(was), Some(is)) = (shape(versions.blue_frappe), shape(versions.green_frappe)) else {
            continue;
        };
        // Without widths `bigint(20)` and `bigint` are one type; `int` is named, for it comes with every table.
        if was.column_type != is.column_type && !was.column_type.starts_with("bigint") {
            let key = (app, field.fieldtype.as_str(), was.column_type, is.column_type);
            let columns = tally.entry(key).or_default();
            columns.all.push(format!("{}.{}", green.name, field.fieldname));
            columns.synced += usize::from(blue.digest != green.digest);
        }
    }
}

/// `int(11)` and `int` are one type to MariaDB; `int(1)` and `tinyint` are not.
fn is_display_width(old: &str, new: &str) -> bool {
    let name = |column_type: &str| column_type.split('(').next().map(str::to_owned);
    let is_integer = old.starts_with("int") || old.starts_with("bigint");
    is_integer && name(old) == name(new)
}
