//! Renames that patches do: declared to the planner by what their code says, as `--rename` declares them.

use crate::doctype::{Action, DocType, Effect, PatchLine, Rows, Verb, When, table_name};
use crate::plan::{Renames, Verdict};

use super::patch_effect::{Judged, Level};
use super::patch_rows::{Tables, Written};
use super::{Findings, Versions};

/// Adds the renames of pending patches, in the order in which they run: a chain of them is one rename. What a human has
/// declared stays.
pub(crate) fn declare<'a>(
    pending: &[(&str, &'a PatchLine)],
    blue: impl Fn(&str) -> Option<&'a DocType>,
    green: impl Fn(&str) -> Option<&'a DocType>,
    renames: &mut Renames,
) {
    let effects = pending.iter().filter_map(|(_, patch)| patch.effects.as_deref()).flatten();
    let certain: Vec<&Effect> = effects.filter(|effect| effect.when != When::Conditional).collect();
    let mut doctypes = std::collections::BTreeMap::new();
    for effect in &certain {
        if let Action::RenameDocument { doctype, old, new } = &effect.action
            && doctype == "DocType"
        {
            let first: String = doctypes.remove(old).unwrap_or_else(|| old.clone());
            doctypes.insert(new.clone(), first);
        }
    }
    for (new, old) in doctypes {
        let is_taken = renames.doctypes.values().any(|known| *known == old);
        if !is_taken
            && blue(&old).is_some()
            && green(&new).is_some()
            && blue(&new).is_none()
            && green(&old).is_none()
        {
            renames.doctypes.entry(new).or_insert(old);
        }
    }
    let mut fields = std::collections::BTreeMap::new();
    for effect in &certain {
        if let Action::RenameField { doctype, old, new } | Action::RenameColumn { doctype, old, new } =
            &effect.action
        {
            let doctype = renames
                .doctypes
                .iter()
                .find(|(_, before)| *before == doctype)
                .map_or_else(|| doctype.clone(), |(after, _)| after.clone());
            let first: String = fields.remove(&(doctype.clone(), old.clone())).unwrap_or_else(|| old.clone());
            fields.insert((doctype, new.clone()), first);
        }
    }
    for ((doctype, new), old) in fields {
        let before = renames.doctypes.get(&doctype).unwrap_or(&doctype);
        let (Some(blue), Some(green)) = (blue(before), green(&doctype)) else { continue };
        let is_taken = renames.fields.iter().any(|((of, _), known)| *of == doctype && *known == old);
        if !is_taken && is_rename(blue, green, &old, &new) {
            renames.fields.entry((doctype, new)).or_insert(old);
        }
    }
}

/// Whether one field took the place of the other: what both versions have, or neither, is no rename.
fn is_rename(blue: &DocType, green: &DocType, old: &str, new: &str) -> bool {
    blue.field(old).is_some()
        && green.field(new).is_some()
        && blue.field(new).is_none()
        && green.field(old).is_none()
}

/// `rename_field`.
pub(crate) fn field(doctype: &str, old: &str, new: &str, when: When, tables: &mut Tables<'_>) -> Judged {
    let what = format!("it renames {doctype}.{old} to {new}");
    if is_declared(doctype, old, new, tables.versions) && when != When::Conditional {
        return Judged::new(Level::Renames, what);
    }
    let in_green = tables.versions.green.get(doctype).map(|(_, known)| *known);
    let in_blue = tables.versions.blue.get(doctype).map(|(_, known)| *known);
    if in_green.is_some_and(|green| green.field(new).is_none()) {
        return Judged::new(Level::Nothing, format!("{what}, which does nothing: {doctype} has no {new}"));
    }
    // Frappe never drops a column: an old one may still be there, and its values would be copied over the new ones.
    let is_gone = in_blue.is_none_or(|blue| blue.field(old).is_none());
    if is_gone && tables.has_column(doctype, old) == Some(false) && !tables.is_single(doctype) {
        return Judged::new(Level::Nothing, format!("{what}, which does nothing: the table has no {old}"));
    }
    if tables.is_single(doctype) {
        return tables.write_single(doctype, &[new.to_owned()]);
    }
    let (table, columns) = (table_name(doctype), [new.to_owned()]);
    let written =
        Written { verb: Verb::Update, table: &table, columns: &columns, rows: Rows::All, place: "" };
    let judged = tables.write(&written);
    let what = if is_gone {
        format!("{what}, a field that blue does not have: {}", judged.what)
    } else {
        format!("{what}: {}", judged.what)
    };
    Judged { what, ..judged }
}

/// `db.rename_column`: DDL of the patch's own, unless the plan does it instead.
pub(crate) fn column(doctype: &str, old: &str, new: &str, when: When, tables: &mut Tables<'_>) -> Judged {
    let what = format!("it renames the column {old} of {doctype} to {new}");
    if is_declared(doctype, old, new, tables.versions) && when != When::Conditional {
        return Judged::new(Level::Renames, what);
    }
    super::patch_ddl::ddl(&table_name(doctype), "RENAME COLUMN", &format!("{old} to {new}"), when, tables)
}

/// `rename_doc`.
pub(crate) fn document(doctype: &str, old: &str, new: &str, when: When, tables: &mut Tables<'_>) -> Judged {
    if doctype != "DocType" {
        let which = if old.is_empty() {
            format!("documents of {doctype}")
        } else {
            format!("the {doctype} {old} to {new}")
        };
        let what = format!("it renames {which}, in all documents that name them");
        let table = table_name(doctype);
        let written =
            Written { verb: Verb::Update, table: &table, columns: &[], rows: Rows::Named, place: "" };
        return match tables.write(&written).level {
            Level::Unseen if !tables.versions.blue.contains_key(doctype) => Judged::new(Level::Unseen, what),
            Level::Nothing
            | Level::Planned
            | Level::Renames
            | Level::Unseen
            | Level::Seen
            | Level::Breaks => Judged::new(Level::Seen, format!("{what}, which both versions see")),
        };
    }
    let what = format!("it renames the DocType {old} to {new}");
    let versions = tables.versions;
    if !versions.blue.contains_key(old)
        && tables.has_column(old, "name") != Some(true)
        && when != When::Always
    {
        return Judged::new(Level::Nothing, format!("{what}, which blue does not have"));
    }
    // The end of a chain is known by its new name, the beginning by its old one.
    let mut declared = versions.renames.doctypes.iter();
    if when != When::Conditional && declared.any(|(after, before)| after == new || before == old) {
        return Judged::new(Level::Renames, what);
    }
    match when {
        When::Conditional => Judged::new(Level::Seen, format!("{what}, and with it the table")),
        When::Always | When::Schema if versions.blue.contains_key(old) => {
            Judged::new(Level::Breaks, format!("{what}, and with it a table that blue uses"))
        }
        When::Always | When::Schema => Judged::new(Level::Seen, format!("{what}, which no app has")),
    }
}

/// Whether the plan carries this rename, by itself or as a part of a chain.
fn is_declared(doctype: &str, old: &str, new: &str, versions: &Versions<'_>) -> bool {
    let after = versions.renames.doctypes.iter().find(|(_, before)| *before == doctype);
    let doctype = after.map_or(doctype, |(after, _)| after.as_str());
    let fields = &versions.renames.fields;
    let ends = fields.get(&(doctype.to_owned(), new.to_owned()));
    let begins = fields.iter().any(|((of, _), before)| of == doctype && before == old);
    // The end of a chain is known by its new name, the beginning by its old one.
    ends.is_some() || begins
}

/// Whether the plan serves all renames of a patch: one that blocks is not served by leaving the patch out.
pub(crate) fn is_planned(effects: &[Effect], tables: &Tables<'_>, findings: &Findings) -> bool {
    effects.iter().all(|effect| match &effect.action {
        Action::RenameField { doctype, .. } | Action::RenameColumn { doctype, .. } => {
            let after = tables.versions.renames.doctypes.iter().find(|(_, before)| *before == doctype);
            let doctype = after.map_or(doctype, |(after, _)| after);
            let of_doctype = findings.changes.iter().filter(|change| change.doctype == *doctype);
            of_doctype
                .filter(|change| change.kind == "field_renamed")
                .all(|change| change.verdict != Verdict::Blocking)
        }
        Action::RenameDocument { doctype, new, .. } if doctype == "DocType" => {
            let renamed = findings.changes.iter().filter(|change| change.kind == "doctype_renamed");
            renamed.filter(|change| change.doctype == *new).all(|change| change.verdict != Verdict::Blocking)
        }
        Action::RenameDocument { .. }
        | Action::Reload
        | Action::DeleteDocument { .. }
        | Action::WriteRows { .. }
        | Action::WriteSingle { .. }
        | Action::WriteDocument { .. }
        | Action::CustomField { .. }
        | Action::PropertySetter { .. }
        | Action::AddIndex { .. }
        | Action::Ddl { .. }
        | Action::Unknown { .. } => true,
    })
}
