//! Which tables blue gets as copies: those whose rows green's migrate rewrites. Of those with documents of the apps,
//! which rows are users' own, that both versions go on to see.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctype::{Hook, Snapshot, table_name};

use super::change::{Findings, Versions};
use super::operation::{Conversion, Operation, SyncPair, TextChange, Way};
use super::{Effect, FrozenTable, SharedRows, Site, Step, Verdict, quote};

/// Metadata: Frappe reads it as rows, so green's rows would make blue forget its fields. Measured on Frappe 15.41;
/// a Custom Field written in blue would break its DocType for everybody, so blue may not write these.
const METADATA: [&str; 10] = [
    "Custom Field",
    "DocField",
    "DocPerm",
    "DocType",
    "DocType Action",
    "DocType Link",
    "DocType State",
    "Installed Application",
    "Patch Log",
    "Property Setter",
];

/// DocTypes that are imported as files and whose tables are metadata or shared by documents of users.
const NOT_BY_DOCUMENT: [&str; 4] = ["DocType", "Custom Field", "Property Setter", "Has Role"];

/// All frozen tables, sorted by name, without those that the site lacks.
pub(super) fn tables(blue: &Snapshot, green: &Snapshot, versions: &Versions<'_>) -> Vec<FrozenTable> {
    let mut frozen = BTreeMap::new();
    let mut freeze_with = |doctype: &str, writable: bool, why: &str, shared: Option<SharedRows>| {
        let table = table_name(doctype);
        let entry = FrozenTable { table: table.clone(), writable, why: why.to_owned(), shared };
        frozen.entry(table).or_insert(entry);
    };
    let mut freeze = |doctype: &str, writable: bool, why: &str| freeze_with(doctype, writable, why, None);
    for doctype in METADATA {
        freeze(doctype, false, "metadata: migrate replaces its rows by green's");
    }
    freeze(
        "Singles",
        true,
        "a save deletes the settings that its version does not know; shared fields are kept in step",
    );
    if scheduler_events(blue) != scheduler_events(green) {
        freeze(
            "Scheduled Job Type",
            true,
            "the scheduler events differ: blue's scheduler must not see green's jobs",
        );
    }
    if app_version(blue, "frappe") != app_version(green, "frappe") {
        freeze(
            "Navbar Item",
            true,
            "another version of Frappe rewrites the standard items of the navigation bar",
        );
    }
    for (doctype, except) in differing_documents(blue, green) {
        let is_known = [&versions.blue, &versions.green].iter().all(|all| all.contains_key(doctype));
        let shared = |named_by: &str| {
            is_known.then(|| SharedRows {
                named_by: named_by.to_owned(),
                except: except.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        let why = format!("migrate imports documents of {doctype} that differ from blue's");
        freeze_with(doctype, true, &why, shared("name"));
        for child in own_children(doctype, versions) {
            let why = format!("rows of {doctype}, whose documents migrate imports");
            freeze_with(child, true, &why, shared("parent"));
        }
    }
    frozen.into_values().filter(|entry| exists(versions.site, &entry.table)).collect()
}

/// Adds tables that patches of green rewrite, with the child tables that are theirs alone.
pub(super) fn add(
    frozen: &mut Vec<FrozenTable>,
    wanted: impl Iterator<Item = FrozenTable>,
    versions: &Versions<'_>,
) {
    for entry in wanted {
        let doctype = entry.table.strip_prefix("tab").unwrap_or(&entry.table).to_owned();
        let children = own_children(&doctype, versions).into_iter().map(|child| FrozenTable {
            table: table_name(child),
            writable: true,
            why: format!("rows of {doctype}, whose documents a patch of green rewrites"),
            shared: None,
        });
        for entry in children.chain([entry]).filter(|entry| exists(versions.site, &entry.table)) {
            if frozen.iter().all(|known| known.table != entry.table) {
                frozen.push(entry);
            }
        }
    }
    frozen.sort();
}

/// Leaves columns of frozen tables that get another type or other values to green: blue does not look at the table, and
/// no view shows a column of it under another name. Gives the tables that are changed so.
pub(super) fn leave_to_green(findings: &mut Findings, frozen: &[FrozenTable]) -> BTreeSet<String> {
    let is_frozen = |table: &str| frozen.iter().any(|entry| entry.table == table);
    let (mut left, mut renamed) = (BTreeSet::new(), BTreeSet::new());
    for operation in std::mem::take(&mut findings.operations) {
        if let Operation::Sync { table, pair, .. } = &operation
            && pair.way != Way::Renamed
            && is_frozen(table)
        {
            for (doctype, field, rename) in rename_rows(table, pair) {
                findings.operations.push(rename);
                renamed.insert((doctype, Some(field)));
            }
            left.insert(table.clone());
        } else {
            findings.operations.push(operation);
        }
    }
    for change in findings.changes.iter_mut().filter(|change| change.verdict == Verdict::Mapped) {
        if change.kind == "field_renamed" {
            // A table field: what is renamed are rows of its child table.
            if renamed.contains(&(change.doctype.clone(), change.field.clone())) {
                "blue has rows of its own in this release: green's get the new name"
                    .clone_into(&mut change.why);
            }
        } else if change.field.is_some() && left.contains(&table_name(&change.doctype)) {
            change.verdict = Verdict::Neutral;
            let why = "blue has a copy of the table in this release: green's migrate changes the column";
            change.why = match change.data.as_ref().filter(|answer| answer.has_rows()) {
                Some(answer) => format!(
                    "{why}; in {} the value does not stay what it is ({}), which migrate may refuse: mend those before the release",
                    answer.share(),
                    answer.show_changes()
                ),
                None => why.to_owned(),
            };
        }
    }
    left
}

/// Rows of a table field that has another name in green get it at once: blue has rows of its own.
/// With each the DocType and the field that it is for.
fn rename_rows(table: &str, pair: &SyncPair) -> Vec<(String, String, Operation)> {
    let Conversion::Text(changes) = &pair.to_green else { return Vec::new() };
    let column = quote::identifier(&pair.green.0);
    let rewrite = |change: &TextChange| {
        let (of, parents) = change.only.as_ref()?;
        let texts: Vec<String> = parents.iter().map(|parent| quote::literal(parent)).collect();
        let condition = format!(
            "{} IN ({}) AND BINARY {column} = {}",
            quote::identifier(of),
            texts.join(", "),
            quote::literal(&change.from)
        );
        let value = quote::literal(&change.to);
        let sql = format!("UPDATE {} SET {column} = {value} WHERE {condition}", quote::identifier(table));
        let step = Step::rename_in(table, format!("{table} names the field {value}"), &sql, condition);
        let (doctype, field) = (parents.first()?.clone(), change.to.clone());
        let rename = Operation::Metadata {
            table: table_name(&doctype),
            field: Some(field.clone()),
            step: Box::new(step),
            contract: false,
        };
        Some((doctype, field, rename))
    };
    changes.iter().filter_map(rewrite).collect()
}

/// Takes back that rows are shared where the two versions would not understand each other's: in tables that patches of
/// green rewrite, in those whose columns are left to green, and in those that steps before green change in more than columns and indexes that come. All of a
/// document's rows go together.
pub(super) fn keep_apart(
    frozen: &mut [FrozenTable],
    [rewritten, left]: [&BTreeSet<String>; 2],
    expand: &[Step],
    versions: &Versions<'_>,
) {
    let by_green = rewritten.iter().chain(left).map(String::as_str);
    let effects = expand.iter().flat_map(|step| step.effect.parts());
    let changed: BTreeSet<&str> = effects.filter_map(disturbed).chain(by_green).collect();
    let mut apart = BTreeSet::new();
    for entry in frozen.iter().filter(|entry| entry.writable) {
        let doctype = entry.table.strip_prefix("tab").unwrap_or(&entry.table);
        let document: Vec<String> =
            own_children(doctype, versions).into_iter().chain([doctype]).map(table_name).collect();
        if document.iter().any(|table| changed.contains(table.as_str())) {
            apart.extend(document);
        }
    }
    for entry in frozen.iter_mut().filter(|entry| apart.contains(&entry.table)) {
        entry.shared = None;
    }
}

/// The table of which an effect before green leaves rows or columns that the other version writes differently.
fn disturbed(effect: &Effect) -> Option<&str> {
    match effect {
        Effect::TableAbsent { table }
        | Effect::ColumnsAbsent { table, .. }
        | Effect::IndexExists { table, unique: true, .. }
        | Effect::ColumnsAre { table, .. }
        | Effect::NoRows { table, .. }
        | Effect::RowExists { table, .. }
        | Effect::BlueShows { table, .. }
        | Effect::TableRenamed { from: table, .. } => Some(table),
        Effect::TableExists { .. }
        | Effect::ColumnsExist { .. }
        | Effect::IndexExists { unique: false, .. }
        | Effect::IndexAbsent { .. }
        | Effect::IndexUsed { .. }
        | Effect::TriggerExists { .. }
        | Effect::TriggerAbsent { .. }
        | Effect::TriggerSays { .. }
        | Effect::SequenceExists { .. }
        | Effect::SequenceAbsent { .. }
        | Effect::All { .. } => None,
    }
}

fn exists(site: Option<&Site>, table: &str) -> bool {
    site.is_none_or(|site| site.tables.contains_key(table))
}

fn scheduler_events(snapshot: &Snapshot) -> BTreeMap<&str, Option<&Hook>> {
    snapshot.apps.iter().map(|app| (app.name.as_str(), app.hooks.get("scheduler_events"))).collect()
}

fn app_version<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a str> {
    snapshot.apps.iter().find(|app| app.name == name)?.version.as_deref()
}

/// DocTypes of which some standard document is new, gone or another in green, with the names of all that either brings.
fn differing_documents<'a>(blue: &'a Snapshot, green: &'a Snapshot) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    type Documents<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>;
    let documents = |snapshot: &'a Snapshot| {
        let mut all = Documents::new();
        for (doctype, documents) in snapshot.apps.iter().flat_map(|app| &app.documents) {
            let known = all.entry(doctype).or_default();
            known.extend(documents.iter().map(|(name, digest)| (name.as_str(), digest.as_str())));
        }
        all
    };
    let (old, new) = (documents(blue), documents(green));
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    names
        .into_iter()
        .filter(|name| old.get(name) != new.get(name) && !NOT_BY_DOCUMENT.contains(name))
        .map(|name| {
            let documents = [old.get(name), new.get(name)].into_iter().flatten();
            (name, documents.flat_map(BTreeMap::keys).copied().collect())
        })
        .collect()
}

/// Child tables that no DocType but this one uses: a copy of a shared one (Has Role) would part blue's users too.
fn own_children<'a>(doctype: &str, versions: &Versions<'a>) -> Vec<&'a str> {
    let users = |child: &str| {
        versions
            .blue
            .values()
            .filter(|(_, parent)| parent.fields.iter().any(|field| field.child() == Some(child)))
            .count()
    };
    let Some((_, parent)) = versions.blue.get(doctype) else { return Vec::new() };
    let children = parent.fields.iter().filter_map(|field| field.child());
    children.filter(|child| users(child) == 1 && !NOT_BY_DOCUMENT.contains(child)).collect()
}
