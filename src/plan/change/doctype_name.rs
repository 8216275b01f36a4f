//! Where the names of DocTypes stand as values: what Frappe's `rename_doc` (`frappe/model/rename_doc.py`) rewrites.
//!
//! Mostly it is found: Link fields to DocType, the fields that Dynamic Links take their DocType from, `parenttype` of
//! child tables. What no DocField says is the fixed list of Frappe's own below.

use std::collections::BTreeSet;

use crate::doctype::{ColumnShape, DocField, DocType, Storage, TARGET_TYPES, table_name};

use super::Versions;

/// What a rename means for the values of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// Both versions look for it: each finds its own name.
    Name,
    /// The name of the one document of a Single, which is that of its DocType.
    SingleDocument,
    /// The name of a document of DocType itself, or of one that a child table does not have: it waits until blue is gone.
    Late,
}

/// A column that holds names of DocTypes, in all rows or in those of which another column says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Table, by green's name.
    pub(super) table: String,
    /// Column.
    pub(super) column: String,
    /// Only rows whose other column has one of these texts.
    pub(super) only: Option<(String, Vec<String>)>,
    /// What it means.
    pub(super) meaning: Meaning,
}

/// The DocType that is renamed.
pub(super) struct Renamed<'a> {
    pub(super) blue: &'a DocType,
    pub(super) green: &'a DocType,
}

/// Rows whose other column has one of these texts; `None` for all.
type Only = Option<(&'static str, &'static [&'static str])>;

/// Frappe's metadata, of which green's migrate gets a copy of its own: table, column, and which rows.
pub(super) const METADATA: [(&str, &str, Only); 13] = [
    ("tabDocType", "name", None),
    ("tabDocField", "parent", None),
    ("tabDocPerm", "parent", None),
    ("tabDocType Action", "parent", None),
    ("tabDocType Link", "parent", None),
    ("tabDocType State", "parent", None),
    ("tabDocField", "options", Some(("fieldtype", &TARGET_TYPES))),
    ("tabCustom Field", "options", Some(("fieldtype", &TARGET_TYPES))),
    ("tabCustom Field", "dt", None),
    ("tabProperty Setter", "doc_type", None),
    ("tabProperty Setter", "value", Some(("property", &["options"]))),
    ("tabDocType Link", "link_doctype", None),
    ("tabDocType Link", "parent_doctype", None),
];

/// Columns that hold the name of a DocType and are no Link: `update_customizations`, `frappe/utils/password.py`,
/// `frappe/model/utils/user_settings.py`.
const UNDECLARED: [(&str, &str); 3] =
    [("tabCustom DocPerm", "parent"), ("__Auth", "doctype"), ("__UserSettings", "doctype")];

/// What an error was about.
const ERROR_LOG: (&str, &str) = ("tabError Log", "reference_doctype");

/// Names of documents that are no Dynamic Link: table, column of the DocType, column of the name.
const DOCUMENTS: [(&str, &str, &str); 3] = [
    ("tabVersion", "ref_doctype", "docname"),
    ("tabFile", "attached_to_doctype", "attached_to_name"),
    ("__Auth", "doctype", "name"),
];

/// All places for one rename, sorted; a reason where a place cannot be kept in step.
pub(super) fn places(renamed: &Renamed<'_>, versions: &Versions<'_>) -> Result<BTreeSet<Place>, String> {
    let mut places = BTreeSet::new();
    for (name, (_, green)) in &versions.green {
        let Some((_, blue)) = versions.blue.get(versions.blue_name(name)) else { continue };
        if green.storage() == Storage::Table && blue.storage() == Storage::Table {
            of_doctype(renamed, blue, green, versions, &mut places)?;
        }
    }
    for (doctype, fields) in versions.site.iter().flat_map(|site| &site.doctype_links) {
        let is_gone =
            versions.blue.contains_key(doctype.as_str()) && !versions.green.contains_key(doctype.as_str());
        let table = table_name(doctype);
        for field in fields.iter().filter(|field| !is_gone && has_column(versions, &table, field)) {
            places.insert(plain(&table, field, Meaning::Name));
        }
    }
    for (table, column) in UNDECLARED {
        places.insert(plain(table, column, Meaning::Name));
    }
    for (table, of, column) in DOCUMENTS {
        documents(renamed, table, of, column, &mut places);
    }
    for child in children(renamed, versions) {
        places.insert(plain(&table_name(child), "parenttype", Meaning::Name));
    }
    if renamed.green.istable {
        without_documents(versions, &mut places);
    }
    // A log that Frappe keeps in MyISAM: a second column would copy it under a lock, and nobody looks a document up in it.
    if places.remove(&plain(ERROR_LOG.0, ERROR_LOG.1, Meaning::Name)) {
        places.insert(plain(ERROR_LOG.0, ERROR_LOG.1, Meaning::Late));
    }
    places.retain(|place| {
        let only = place.only.as_ref().is_none_or(|(only, _)| has_column(versions, &place.table, only));
        only && has_column(versions, &place.table, &place.column)
    });
    Ok(places)
}

fn of_doctype(
    renamed: &Renamed<'_>,
    blue: &DocType,
    green: &DocType,
    versions: &Versions<'_>,
    places: &mut BTreeSet<Place>,
) -> Result<(), String> {
    let table = table_name(&green.name);
    for field in &green.fields {
        let old = versions.renames.fields.get(&(green.name.clone(), field.fieldname.clone()));
        let holds = holds_names(field, green, &renamed.green.name);
        if let Some(old) = old.filter(|old| blue.field(old).is_some()) {
            if holds {
                return Err(format!(
                    "{}.{} holds names of DocTypes and is renamed itself, from {old}: release the two one after the other",
                    green.name, field.fieldname
                ));
            }
            continue;
        }
        let Some(before) = blue.field(&field.fieldname) else { continue };
        if holds && holds_names(before, blue, &renamed.blue.name) {
            let shape = |field, frappe| ColumnShape::of(field, frappe).map(|shape| shape.column_type);
            if shape(before, versions.green_frappe) != shape(field, versions.green_frappe) {
                return Err(format!(
                    "{}.{} holds names of DocTypes and changes its type: release the two one after the other",
                    green.name, field.fieldname
                ));
            }
            places.insert(plain(&table, &field.fieldname, Meaning::Name));
        }
        if let (true, Some(of)) = (field.fieldtype == "Dynamic Link", field.options.as_deref()) {
            documents(renamed, &table, of, &field.fieldname, places);
            let kinds = green.field(of).filter(|of| of.fieldtype == "Select");
            if kinds.is_some_and(|kinds| lists(kinds, "DocType")) {
                // A link to the DocType itself, as in a Workspace: users follow it in both versions.
                let link = late(&table, of, &field.fieldname);
                places.remove(&link);
                places.insert(Place { meaning: Meaning::Name, ..link });
            }
        }
    }
    Ok(())
}

/// Whether the values of a field are names of DocTypes, `name` among them.
fn holds_names(field: &DocField, doctype: &DocType, name: &str) -> bool {
    if !field.is_stored() {
        return false;
    }
    if field.fieldtype == "Link" {
        return field.options.as_deref() == Some("DocType");
    }
    let mut links = doctype.fields.iter().filter(|link| link.fieldtype == "Dynamic Link");
    let is_asked = links.any(|link| link.options.as_deref() == Some(field.fieldname.as_str()));
    is_asked && (field.fieldtype == "Data" || (field.fieldtype == "Select" && lists(field, name)))
}

/// Whether a Select offers a text.
fn lists(field: &DocField, text: &str) -> bool {
    field.options.as_deref().unwrap_or_default().lines().any(|option| option.trim() == text)
}

/// The column that names a document, beside the one that names its DocType.
fn documents(renamed: &Renamed<'_>, table: &str, of: &str, column: &str, places: &mut BTreeSet<Place>) {
    places.insert(late(table, of, column));
    if renamed.green.issingle {
        let names = vec![renamed.blue.name.clone(), renamed.green.name.clone()];
        places.insert(Place {
            only: Some((of.to_owned(), names)),
            ..plain(table, column, Meaning::SingleDocument)
        });
    }
}

/// Child DocTypes whose rows say in `parenttype` that they are the renamed DocType's, by green's names.
fn children<'a>(renamed: &'a Renamed<'_>, versions: &'a Versions<'_>) -> BTreeSet<&'a str> {
    let in_green = renamed.green.fields.iter().filter_map(DocField::child);
    let of_site = versions.site.and_then(|site| site.child_doctypes.get(&renamed.green.name));
    let of_site = of_site.into_iter().flatten().map(String::as_str);
    // A child table that only green has, has no rows of blue's.
    let in_blue = |child: &&str| {
        versions.blue.contains_key(versions.blue_name(child)) || !versions.green.contains_key(*child)
    };
    in_green.chain(of_site).filter(in_blue).collect()
}

/// Rows of a child table have no comments, files and versions of their own: what names one beside a document's name
/// can wait. What is left (reports, permissions, passwords) cannot.
fn without_documents(versions: &Versions<'_>, places: &mut BTreeSet<Place>) {
    let links = |table: &str, column: &str| {
        let fixed = DOCUMENTS.iter().any(|(of, doctype, _)| *of == table && *doctype == column);
        let doctype = table.strip_prefix("tab").and_then(|name| versions.green.get(name));
        let found = doctype.is_some_and(|(_, doctype)| {
            let mut links = doctype.fields.iter().filter(|link| link.fieldtype == "Dynamic Link");
            links.any(|link| link.options.as_deref() == Some(column))
        });
        (fixed && table != "__Auth") || found
    };
    let waiting: Vec<Place> = places
        .iter()
        .filter(|place| place.meaning == Meaning::Name && place.only.is_none())
        .filter(|place| links(&place.table, &place.column))
        .cloned()
        .collect();
    for place in waiting {
        places.remove(&place);
        places.insert(Place { meaning: Meaning::Late, ..place });
    }
}

fn plain(table: &str, column: &str, meaning: Meaning) -> Place {
    Place { table: table.to_owned(), column: column.to_owned(), only: None, meaning }
}

/// A document of DocType itself: what somebody noted beside its definition.
fn late(table: &str, of: &str, column: &str) -> Place {
    Place { only: Some((of.to_owned(), vec!["DocType".to_owned()])), ..plain(table, column, Meaning::Late) }
}

/// Whether the site has the column; without a site, whether a version knows the table, or Frappe always has it.
pub(super) fn has_column(versions: &Versions<'_>, table: &str, column: &str) -> bool {
    match versions.site {
        Some(site) => site
            .tables
            .get(table)
            .is_some_and(|live| live.columns.is_empty() || live.column(column).is_some()),
        None => {
            table.starts_with("__")
                || table.strip_prefix("tab").is_some_and(|name| versions.green.contains_key(name))
                || METADATA.iter().any(|(known, ..)| *known == table)
        }
    }
}
