//! Which settings both versions know: `tabSingles` is a copy in blue, and these fields are kept in step, also under another
//! name of the field or of the Single.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctype::{ColumnShape, DocField, FrappeVersion, Storage};

use super::change::Versions;
use super::{SingleField, cast};

/// What every document has besides its fields (`frappe/model/__init__.py`).
pub(super) const STANDARD_FIELDS: [&str; 7] =
    ["name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"];

/// Fields of Single DocTypes that are in both versions, Custom Fields of the site included.
pub(super) fn shared(versions: &Versions<'_>) -> Vec<SingleField> {
    let mut shared = Vec::new();
    let names: BTreeMap<String, String> =
        versions.renames.doctypes.iter().map(|(new, old)| (old.clone(), new.clone())).collect();
    for (name, (_, green)) in &versions.green {
        let old = versions.blue_name(name);
        let Some((_, blue)) = versions.blue.get(old) else { continue };
        if blue.storage() != Storage::Single || green.storage() != Storage::Single {
            continue;
        }
        let in_blue = |field: &str| blue.field(field).is_some_and(DocField::is_stored);
        let mut fields: BTreeMap<&str, (Option<&str>, bool)> = BTreeMap::new();
        for field in green.fields.iter().filter(|field| field.is_stored()) {
            let before = versions.renames.fields.get(&((*name).to_owned(), field.fieldname.clone()));
            let before = before.map(String::as_str).filter(|before| in_blue(before));
            let holds_names = field.fieldtype == "Link" && field.options.as_deref() == Some("DocType");
            if before.is_some() || in_blue(&field.fieldname) {
                fields.insert(&field.fieldname, (before, holds_names));
            }
        }
        let custom = versions.site.iter().flat_map(|site| &site.custom_fields);
        let custom = custom.filter(|custom| custom.doctype == *name);
        let others: BTreeSet<&str> =
            custom.map(|custom| custom.field.fieldname.as_str()).chain(STANDARD_FIELDS).collect();
        for field in others {
            fields.entry(field).or_default();
        }
        let is_renamed = *name != old;
        shared.extend(fields.into_iter().map(|(field, (before, holds_names))| {
            let both = blue.field(before.unwrap_or(field)).zip(green.field(field));
            let sides = both.map(|(old, new)| [(old, versions.blue_frappe), (new, versions.green_frappe)]);
            let [misread_by_blue, misread_by_green] = sides.map(misreads).unwrap_or_default();
            SingleField {
                doctype: (*name).to_owned(),
                field: field.to_owned(),
                blue_doctype: is_renamed.then(|| old.to_owned()),
                blue_field: before.map(str::to_owned),
                values: match (holds_names, is_renamed && field == "name") {
                    (true, _) => names.clone(),
                    (false, true) => BTreeMap::from([(old.to_owned(), (*name).to_owned())]),
                    (false, false) => BTreeMap::new(),
                },
                misread_by_green,
                misread_by_blue,
            }
        }));
    }
    shared
}

/// Of a field in two versions which texts each of them reads as another number (`cint` and `flt` in Frappe's
/// `frappe/utils/data.py`, by `get_singles_dict` in `frappe/database/database.py`): SQL conditions on `value`. None where
/// it is no number, or both read the same.
fn misreads(sides: [(&DocField, FrappeVersion); 2]) -> [Option<String>; 2] {
    let types = sides.map(|(field, frappe)| ColumnShape::of(field, frappe).map(|shape| shape.column_type));
    if types[0] == types[1] {
        return [None, None];
    }
    types.map(|column_type| {
        let changes = cast::number_changes("`value`", &column_type?)?;
        Some(format!("(`value` <> '' AND {changes})"))
    })
}
