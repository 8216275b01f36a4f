//! What holds for every pair of snapshots, however strange.

use std::collections::BTreeSet;

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
    fn expand_never_drops_renames_or_copies_in_place(blue in doctypes(), green in doctypes()) {
        let plan = plan(&Input::new(&snapshot(&blue, false), &snapshot(&green, false))).unwrap();
        prop_assert!(plan.is_sealed());
        // Where blue's view finds the values of a field, as far as the steps have come: the column of another name.
        let mut moved = BTreeSet::new();
        for step in &plan.expand {
            let sql = step.sql.as_str();
            let begins = |verbs: &[&str]| verbs.iter().any(|verb| sql.starts_with(verb));
            prop_assert!(begins(&["ALTER TABLE ", "CREATE ", "UPDATE ", "INSERT INTO ", "SET STATEMENT sql_mode = "]), "{sql}");
            let outside = without_quoted(sql);
            for word in ["DROP TABLE", "DROP DATABASE", "DROP VIEW", "TRUNCATE TABLE", "DELETE ", "RENAME", "CHANGE COLUMN", "ALGORITHM=COPY"] {
                // The trigger that deletes rows of a child table with their parent is for what blue deletes.
                let is_guard = word == "DELETE " && sql.starts_with("CREATE TRIGGER");
                prop_assert!(is_guard || !outside.contains(word), "{word}: {sql}");
            }
            if sql.starts_with("ALTER TABLE") {
                prop_assert!(outside.contains(", ALGORITHM=INSTANT") || outside.contains(", ALGORITHM=INPLACE, LOCK=NONE"), "{sql}");
            }
            if let Effect::BlueShows { table, columns } = &step.effect {
                moved.extend(columns.iter().filter(|(name, column)| name != column).map(|(name, _)| (table.clone(), name.clone())));
            }
            // A column that is dropped has blue's values in another one, which its view shows, and comes again at once.
            if outside.contains("DROP COLUMN") || outside.contains("DROP INDEX") {
                let (table, columns): (&str, Vec<&String>) = if let Effect::ColumnsAre { table, columns } = &step.effect {
                    (table, columns.keys().collect())
                } else if let Effect::IndexAbsent { table, columns, .. } = &step.effect {
                    (table, columns.iter().collect())
                } else {
                    ("", Vec::new())
                };
                prop_assert!(!columns.is_empty(), "{sql} has the effect {:?}", step.effect);
                for column in &columns {
                    prop_assert!(moved.contains(&(table.to_owned(), (*column).clone())), "{sql}");
                }
                prop_assert!(outside.matches("DROP COLUMN").count() == outside.matches("ADD COLUMN").count(), "{sql}");
            }
        }
        let back: super::Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        prop_assert_eq!(back, plan);
    }

    #[test]
    fn each_expand_step_can_be_taken_back(blue in doctypes(), green in doctypes()) {
        let plan = plan(&Input::new(&snapshot(&blue, false), &snapshot(&green, false))).unwrap();
        let frozen: BTreeSet<&str> = plan.frozen.iter().map(|frozen| frozen.table.as_str()).collect();
        // Columns that some step's undo drops, or gives back their old type and values.
        let mut goes = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for step in &plan.expand {
            prop_assert!(ids.insert(step.id.clone()));
            for undo in &step.undo {
                if let Effect::ColumnsAbsent { table, columns } = &undo.effect {
                    goes.extend(columns.iter().map(|column| (table.clone(), column.clone())));
                } else if let Effect::ColumnsAre { table, columns } = &undo.effect {
                    goes.extend(columns.keys().map(|column| (table.clone(), column.clone())));
                }
            }
            let goes_with_another = match (&step.work, &step.effect) {
                (Work::Backfill { table, column, .. }, _) => goes.contains(&(table.clone(), column.clone())),
                (_, Effect::NoRows { table, .. }) => frozen.contains(table.as_str()),
                _ => false,
            };
            prop_assert!(!step.undo.is_empty() || goes_with_another, "{} {}", step.id, step.sql);
        }
    }
}

/// A statement without what stands in quotes: names and texts are those of others.
fn without_quoted(sql: &str) -> String {
    let mut outside = String::new();
    let mut quote = None;
    for character in sql.chars() {
        match quote {
            // A doubled quote closes and opens again.
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '`' | '\'') => quote = Some(character),
            None => outside.push(character),
        }
    }
    outside
}
