//! Two columns to be kept in step, out of a field in both versions; or the reason why that cannot be.

use std::sync::Arc;

use crate::doctype::{ColumnShape, DocField, DocType, Table, table_name};
use crate::plan::operation::{Conversion, OldIndex, Operation, SyncPair, TextChange, Way, index_names};
use crate::plan::site::is_same_type;
use crate::plan::{IndexFacts, TableFacts, quote};

pub(super) use crate::plan::operation::LONGEST_NAME;

use super::rows::{self, Said};
use super::{FieldPair, Findings, Versions, field_added};

/// The field has another name in green: green's column is a new one. Gives what the rows say to it.
pub(super) fn renamed(
    field: &FieldPair<'_>,
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> Result<Said, Said> {
    let Some((blue, green)) = field.both() else { return Ok(Said::default()) };
    let (Some(old), Some(new)) = (blue.shape.as_ref(), green.shape.as_ref()) else {
        return Ok(Said::default());
    };
    let live = versions.live(&field.blue_doctype.name);
    is_free(field, new, versions)?;
    let old = live_shape(old, &blue.field.fieldname, live);
    let (to_green, to_blue) = casts(&old, new, &blue.field.fieldtype, &green.field.fieldtype)?;
    let pair = SyncPair {
        field: blue.field.fieldname.clone(),
        blue: (blue.field.fieldname.clone(), old),
        green: (field.name.to_owned(), new.clone()),
        way: Way::Renamed,
        blue_columns: columns(field.blue_doctype, versions),
        to_green,
        to_blue,
        indexes: Vec::new(),
        blue_index: None,
        names: None,
        ahead: None,
    }
    .with_indexes(field_added::indexes(green, new));
    let said = rows::of_pair(versions, findings, &field.blue_doctype.name, &pair, blue.field.unique)?;
    enter(field.table(), field.green_doctype, pair, findings);
    Ok(said)
}

/// Whether green's new column may be filled: one that is there already must be left over from green's own.
fn is_free(field: &FieldPair<'_>, new: &ColumnShape, versions: &Versions<'_>) -> Result<(), String> {
    let (doctype, name) = (&field.blue_doctype.name, field.name);
    if versions.custom_field(doctype, name).is_some() {
        return Err(format!(
            "the site has a Custom Field {name} in {doctype}, whose values the rename would overwrite: rename or remove that field first"
        ));
    }
    let there = versions.live(doctype).and_then(|live| live.column(name));
    match there.filter(|there| !is_same_type(there, &new.column_type)) {
        Some(there) => Err(format!(
            "the site has a column {} already (left by an earlier version), as {there}, and green's is {}: remove or change it first",
            quote::identifier(name),
            new.column_type
        )),
        None => Ok(()),
    }
}

/// The field has another type in green under the same name: blue's values move to a column of their own. Gives what the
/// rows say to it.
pub(super) fn retyped(
    field: &FieldPair<'_>,
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> Result<Said, Said> {
    let Some((blue, green)) = field.both() else { return Ok(Said::default()) };
    let (Some(old), Some(new)) = (blue.shape.as_ref(), green.shape.as_ref()) else {
        return Ok(Said::default());
    };
    let pair = retyped_pair(
        field.blue_doctype,
        field.name,
        [(old, blue.field), (new, green.field)],
        columns(field.blue_doctype, versions),
        versions,
    )?;
    let pair = pair.with_indexes(field_added::indexes(green, new));
    let said = rows::of_pair(versions, findings, &field.blue_doctype.name, &pair, blue.field.unique)?;
    enter(field.table(), field.green_doctype, pair, findings);
    Ok(said)
}

/// The pair for a column of another type, without green's indexes; `known` are the columns of blue's table.
pub(super) fn retyped_pair(
    doctype: &DocType,
    field: &str,
    [(old, old_field), (new, new_field)]: [(&ColumnShape, &DocField); 2],
    known: Arc<[String]>,
    versions: &Versions<'_>,
) -> Result<SyncPair, String> {
    let live = versions.live(&doctype.name);
    let seen = live.filter(|live| !live.columns.is_empty());
    let indexes = seen.map(|live| live.indexes.iter().filter(|index| has(index, field)).collect::<Vec<_>>());
    if let Some(index) = indexes.iter().flatten().find(|index| index.columns.len() > 1 || index.partial) {
        let what = if index.partial {
            format!("is on a part of {field}")
        } else {
            format!("spans {field} and other columns")
        };
        return Err(format!(
            "the index {} {what}: drop it before the release, and make it anew after it",
            index.name
        ));
    }
    let blue_index = old_index(field, indexes.as_deref(), (old, old_field));
    let old = live_shape(old, field, live);
    let (to_green, to_blue) = casts(&old, new, &old_field.fieldtype, &new_field.fieldtype)?;
    Ok(SyncPair {
        field: field.to_owned(),
        blue: (blue_name(field, &known, live), old),
        green: (field.to_owned(), new.clone()),
        way: Way::Retyped,
        blue_columns: known,
        to_green,
        to_blue,
        indexes: Vec::new(),
        blue_index,
        names: None,
        ahead: None,
    })
}

/// The index of a field: what the site has, whoever made it; where no site was asked, what the field asks for.
fn old_index(
    field: &str,
    live: Option<&[&IndexFacts]>,
    (old, old_field): (&ColumnShape, &DocField),
) -> Option<OldIndex> {
    let Some(live) = live else {
        let unique = old_field.unique;
        let is_asked = !old.is_text() && (unique || old_field.search_index);
        return is_asked.then(|| OldIndex { names: index_names(field, unique), unique });
    };
    let mut live = live.to_vec();
    live.sort_by_key(|index| !index.unique);
    let unique = live.first()?.unique;
    Some(OldIndex { names: live.iter().map(|index| index.name.clone()).collect(), unique })
}

/// A table field has another name in green: the rows say in `parentfield` which one they belong to.
pub(super) fn renamed_rows(
    field: &FieldPair<'_>,
    child: &str,
    versions: &Versions<'_>,
    findings: &mut Findings,
) -> Result<(), String> {
    let Some((blue, _)) = field.both() else { return Ok(()) };
    let Some((_, rows)) = versions.blue.get(versions.blue_name(child)) else {
        return Err(format!("its rows are of {child}, which no app of blue has"));
    };
    let known = columns(rows, versions);
    let shape = ColumnShape::nullable("varchar(140)");
    // The parent may have another name in green: then its rows have one or the other while they are carried over.
    let mut parents = vec![field.green_doctype.name.clone(), field.blue_doctype.name.clone()];
    parents.dedup();
    let text = |from: &str, to: &str| {
        Conversion::Text(vec![TextChange {
            only: Some(("parenttype".to_owned(), parents.clone())),
            from: from.to_owned(),
            to: to.to_owned(),
        }])
    };
    let pair = SyncPair {
        field: "parentfield".to_owned(),
        blue: (blue_name("parentfield", &known, versions.live(child)), shape.clone()),
        green: ("parentfield".to_owned(), shape),
        way: Way::Mapped,
        blue_columns: known,
        to_green: text(&blue.field.fieldname, field.name),
        to_blue: text(field.name, &blue.field.fieldname),
        indexes: Vec::new(),
        blue_index: None,
        names: None,
        ahead: None,
    };
    enter(table_name(child), rows, pair, findings);
    Ok(())
}

pub(super) fn enter(table: String, doctype: &DocType, pair: SyncPair, findings: &mut Findings) {
    let engine = doctype.engine.clone();
    findings.operations.push(Operation::Sync { table, engine, pair: Box::new(pair) });
}

/// The columns of blue's table, in order: those that the site has, Custom Fields too; else those of the file.
pub(super) fn columns(doctype: &DocType, versions: &Versions<'_>) -> Arc<[String]> {
    if let Some(live) = versions.live(&doctype.name).filter(|live| !live.columns.is_empty()) {
        return live.columns.iter().map(|column| column.name.clone()).collect();
    }
    Table::of(doctype, versions.blue_frappe).columns.into_iter().map(|(name, _)| name).collect()
}

fn has(index: &IndexFacts, field: &str) -> bool {
    index.columns.iter().any(|column| column.eq_ignore_ascii_case(field))
}

/// What the site has under the name, where it is known: its type may not be the one that the file asks for.
pub(super) fn live_shape(shape: &ColumnShape, column: &str, live: Option<&TableFacts>) -> ColumnShape {
    let live_type = live.and_then(|live| live.column(column)).filter(|_| shape.column_type != "json");
    let column_type = live_type.map_or_else(|| shape.column_type.clone(), str::to_owned);
    ColumnShape { column_type, ..shape.clone() }
}

fn casts(
    old: &ColumnShape,
    new: &ColumnShape,
    old_type: &str,
    new_type: &str,
) -> Result<(Conversion, Conversion), String> {
    let cast = |from: &ColumnShape, to: &ColumnShape, not_null| Conversion::Cast {
        from: from.column_type.clone(),
        to: to.column_type.clone(),
        not_null,
        empty_is_null: false,
    };
    let (to_green, to_blue) = (cast(old, new, new.not_null), cast(new, old, old.not_null));
    if to_green.sql("", "x").is_none() || to_blue.sql("", "x").is_none() {
        return Err(format!(
            "there is no rule for what a {old_type} becomes as a {new_type} and back: add a field of the new type beside it, fill it by a patch of your own, and remove the old one a release later"
        ));
    }
    Ok((to_green, to_blue))
}

/// A name for blue's column that nobody has: `<field>__blue` if it fits, else one that no other field of the plan gets.
pub(super) fn blue_name(field: &str, known: &[String], live: Option<&TableFacts>) -> String {
    let plain = format!("{field}__blue");
    let hash = quote::short_hash(&[field]);
    let hashed = (0_u32..).map(|at| format!("crossfade_blue_{hash}_{at}"));
    let candidates = std::iter::once(plain.clone()).chain(hashed);
    let is_free = |name: &String| {
        name.chars().count() <= LONGEST_NAME
            && !known.iter().any(|column| column.eq_ignore_ascii_case(name))
            && live.is_none_or(|live| live.column(name).is_none() || name.ends_with("__blue"))
    };
    candidates.take(100).find(is_free).unwrap_or(plain)
}
