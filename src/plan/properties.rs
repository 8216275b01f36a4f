//! What holds for every pair of snapshots, however strange.

use proptest::prelude::*;
use serde_json::json;

use crate::doctype::{AppReader, Snapshot};

use super::{Effect, Input, Verdict, Work, plan};

const TYPES: [&str; 12] = [
    "Data",
    "Int",
    "Check",
    "Currency",
    "Text",
    "Date",
    "JSON",
    "Link",
    "Select",
    "Table",
    "Section Break",
    "Nonsense",
];

type Field = (String, usize, bool, bool, Option<String>);

fn fields() -> impl Strategy<Value = Vec<Field>> {
    let default = prop::option::of("[a-z0-9'\"`\\\\%;]{1,8}");
    prop::collection::vec(
        ("[ab]|[a-z_`'; -]{1,12}", 0..TYPES.len(), any::<bool>(), any::<bool>(), default),
        0..8,
    )
}

fn doctypes() -> impl Strategy<Value = Vec<(String, u8, Vec<Field>)>> {
    prop::collection::vec(("[A-Z][a-z`' ]{0,8}[a-z]", 0..4_u8, fields()), 0..5)
}

fn file(name: &str, flags: u8, fields: &[Field]) -> Vec<u8> {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, kind, unique, index, default)| {
            json!({
                "fieldname": name, "fieldtype": TYPES[*kind], "options": "Order", "unique": unique,
                "search_index": index, "default": default,
            })
        })
        .collect();
    let doctype = json!({
        "doctype": "DocType", "name": name, "module": "Shop", "fields": fields,
        "istable": flags == 1, "issingle": flags == 2, "is_virtual": flags == 3,
    });
    serde_json::to_vec(&doctype).unwrap()
}

fn snapshot(doctypes: &[(String, u8, Vec<Field>)], reverse: bool) -> Snapshot {
    let mut files: Vec<(String, Vec<u8>)> = doctypes
        .iter()
        .enumerate()
        .map(|(at, (name, flags, fields))| {
            (format!("shop/shop/doctype/d{at}/d{at}.json"), file(&format!("{name}{at}"), *flags, fields))
        })
        .collect();
    if reverse {
        files.reverse();
    }
    let mut reader = AppReader::new("shop");
    for (path, bytes) in &files {
        reader.add(path, bytes).unwrap();
    }
    Snapshot::new(vec![reader.finish()])
}

proptest! {
    #[test]
    fn the_same_apps_need_nothing(doctypes in doctypes()) {
        let snapshot = snapshot(&doctypes, false);
        let plan = plan(&Input::new(&snapshot, &snapshot)).unwrap();
        prop_assert!(plan.changes.is_empty() && plan.expand.is_empty() && plan.contract.is_empty());
        prop_assert_eq!(plan.verdict, Verdict::Neutral);
    }

    #[test]
    fn the_order_of_files_does_not_matter(blue in doctypes(), green in doctypes()) {
        let straight = plan(&Input::new(&snapshot(&blue, false), &snapshot(&green, false))).unwrap();
        let reversed = plan(&Input::new(&snapshot(&blue, true), &snapshot(&green, true))).unwrap();
        prop_assert_eq!(straight, reversed);
    }

    #[test]
    fn expand_only_adds_and_says_how(blue in doctypes(), green in doctypes()) {
        let plan = plan(&Input::new(&snapshot(&blue, false), &snapshot(&green, false))).unwrap();
        prop_assert!(plan.is_sealed());
        let mut ids = std::collections::BTreeSet::new();
        for step in &plan.expand {
            let sql = step.sql.as_str();
            let begins = |verbs: &[&str]| verbs.iter().any(|verb| sql.starts_with(verb));
            let (alters, sets) = (begins(&["ALTER TABLE"]), begins(&["SET STATEMENT sql_mode = "]));
            prop_assert!(alters || sets || begins(&["CREATE ", "UPDATE ", "INSERT INTO "]), "{sql}");
            prop_assert!(!alters || sql.contains(", ALGORITHM="), "{sql}");
            prop_assert!(!alters || !sql.contains("ALGORITHM=COPY"), "{sql}");
            // What is dropped is added with another type in the same statement, and blue's values are elsewhere.
            prop_assert!(!alters || sql.matches("DROP COLUMN").count() <= sql.matches("ADD COLUMN").count(), "{sql}");
            let fills = matches!(step.work, Work::Backfill { .. });
            prop_assert!(!sql.contains("DROP COLUMN") || !step.undo.is_empty());
            prop_assert_eq!(fills, matches!(step.effect, Effect::NoRows { .. }) && sets);
            prop_assert!(ids.insert(step.id.clone()));
        }
        let back: super::Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        prop_assert_eq!(back, plan);
    }
}
