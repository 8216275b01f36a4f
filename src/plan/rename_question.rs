//! Renames that nobody declared: a field that went and one that came look alike, or two DocTypes do.

use std::collections::BTreeSet;

use crate::doctype::{DocField, DocType, Storage};

use super::Question;
use super::change::Versions;

/// How much two names must have in common (Jaro-Winkler, 0 to 1) to be asked about.
const NEAR: f64 = 0.8;
/// How many of the fields of two DocTypes must have the same names.
const SAME_FIELDS: f64 = 0.7;

/// All questions, by DocType and name.
pub(super) fn questions(versions: &Versions<'_>) -> Vec<Question> {
    let mut questions = Vec::new();
    for (name, (_, green)) in &versions.green {
        if let Some((_, blue)) = versions.blue.get(versions.blue_name(name)) {
            fields(blue, green, versions, &mut questions);
        }
    }
    doctypes(versions, &mut questions);
    questions
}

fn fields(blue: &DocType, green: &DocType, versions: &Versions<'_>, questions: &mut Vec<Question>) {
    let declared = |new: &str| versions.renames.fields.get(&(green.name.clone(), new.to_owned()));
    let taken: BTreeSet<&String> =
        green.fields.iter().filter_map(|field| declared(&field.fieldname)).collect();
    let holds = |field: &&DocField| field.is_stored() || field.is_table();
    let gone: Vec<&DocField> = blue
        .fields
        .iter()
        .filter(holds)
        .filter(|field| green.field(&field.fieldname).is_none() && !taken.contains(&field.fieldname))
        .collect();
    let come = green
        .fields
        .iter()
        .filter(holds)
        .filter(|field| blue.field(&field.fieldname).is_none() && declared(&field.fieldname).is_none());
    for new in come {
        let alike = gone.iter().filter(|old| old.fieldtype == new.fieldtype && is_same_target(old, new));
        let near = alike
            .map(|old| (nearness(old, new), *old))
            .filter(|(near, _)| *near >= NEAR)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        if let Some((_, old)) = near {
            let entry = format!("{}.{}={}", green.name, old.fieldname, new.fieldname);
            questions.push(Question {
                doctype: green.name.clone(),
                old: old.fieldname.clone(),
                new: new.fieldname.clone(),
                is_doctype: false,
                ask: format!(
                    "{} lost {} and got {}, both {}: is it a rename? If a patch of green renames it, say --rename {entry:?} (spec.planning.renames); if not, the values of {} stay in their column and {} begins empty",
                    green.name, old.fieldname, new.fieldname, new.fieldtype, old.fieldname, new.fieldname
                ),
            });
        }
    }
}

fn is_same_target(old: &DocField, new: &DocField) -> bool {
    !new.has_target() || old.options == new.options
}

fn nearness(old: &DocField, new: &DocField) -> f64 {
    let names = strsim::jaro_winkler(&old.fieldname, &new.fieldname);
    match (&old.label, &new.label) {
        (Some(a), Some(b)) if !a.is_empty() && a == b => 1.0,
        (Some(a), Some(b)) => names.max(strsim::jaro_winkler(a, b)),
        (Some(_) | None, Some(_) | None) => names,
    }
}

fn doctypes(versions: &Versions<'_>, questions: &mut Vec<Question>) {
    let taken: BTreeSet<&String> = versions.renames.doctypes.values().collect();
    let gone: Vec<&DocType> = versions
        .blue
        .iter()
        .filter(|(name, _)| !versions.green.contains_key(*name) && !taken.contains(&(**name).to_owned()))
        .map(|(_, (_, doctype))| *doctype)
        .filter(|doctype| doctype.storage() != Storage::Virtual)
        .collect();
    for (name, (_, green)) in &versions.green {
        let is_new = !versions.blue.contains_key(versions.blue_name(name));
        if !is_new {
            continue;
        }
        let alike =
            gone.iter().filter(|old| old.storage() == green.storage() && old.istable == green.istable);
        let near = alike
            .map(|old| (shared_fields(old, green), *old))
            .filter(|(share, _)| *share >= SAME_FIELDS)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        if let Some((share, old)) = near {
            let entry = format!("{}={}", old.name, green.name);
            questions.push(Question {
                doctype: green.name.clone(),
                old: old.name.clone(),
                new: green.name.clone(),
                is_doctype: true,
                ask: format!(
                    "{} went and {} came with {:.0} % of its fields: is it a rename? If a patch of green renames it, say --rename {entry:?} (spec.planning.renames)",
                    old.name,
                    green.name,
                    share * 100.0
                ),
            });
        }
    }
}

/// Which part of all fields of the two has the same name in both.
fn shared_fields(old: &DocType, new: &DocType) -> f64 {
    let names = |doctype: &DocType| -> BTreeSet<String> {
        let stored = doctype.fields.iter().filter(|field| field.is_stored() || field.is_table());
        stored.map(|field| field.fieldname.clone()).collect()
    };
    let (a, b) = (names(old), names(new));
    let count = |set: usize| f64::from(u32::try_from(set).unwrap_or(u32::MAX));
    match a.union(&b).count() {
        0 => 0.0,
        all => count(a.intersection(&b).count()) / count(all),
    }
}
