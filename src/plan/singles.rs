//! Which settings both versions know: `tabSingles` is a copy in blue, and these fields are kept in step.

use std::collections::BTreeSet;

use crate::doctype::Storage;

use super::SingleField;
use super::change::Versions;

/// What a save of a Single writes besides its fields.
const STANDARD_FIELDS: [&str; 7] =
    ["name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"];

/// Fields of Single DocTypes that are in both versions, Custom Fields of the site included.
pub(super) fn shared(versions: &Versions<'_>) -> Vec<SingleField> {
    let mut shared = Vec::new();
    for (name, (_, green)) in &versions.green {
        let Some((_, blue)) = versions.blue.get(name) else { continue };
        if blue.storage() != Storage::Single || green.storage() != Storage::Single {
            continue;
        }
        let in_blue: BTreeSet<&str> = blue
            .fields
            .iter()
            .filter(|field| field.is_stored())
            .map(|field| field.fieldname.as_str())
            .collect();
        let in_both =
            green.fields.iter().filter(|field| field.is_stored()).map(|field| field.fieldname.as_str());
        let mut fields: BTreeSet<&str> = in_both.filter(|name| in_blue.contains(name)).collect();
        let custom = versions.site.and_then(|site| site.custom_fields.get(*name));
        fields.extend(custom.into_iter().flatten().map(String::as_str));
        fields.extend(STANDARD_FIELDS);
        let entry = |field: &str| SingleField { doctype: (*name).to_owned(), field: field.to_owned() };
        shared.extend(fields.into_iter().map(entry));
    }
    shared
}
