//! What holds for every pair of snapshots, however strange.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use crate::doctype::{AppReader, FrappeVersion, Snapshot, Storage, Table, table_name};

use super::operation::null_for_empty;
use super::{Effect, Input, Plan, Verdict, Work, plan};

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
/// Name, what it is, fields.
type Doctypes = Vec<(String, u8, Vec<Field>)>;

fn fields() -> impl Strategy<Value = Vec<Field>> {
    let default = prop::option::of("[a-z0-9'\"`\\\\%;]{1,8}");
    prop::collection::vec(
        ("[ab]|[a-z_`'; -]{1,12}", 0..TYPES.len(), any::<bool>(), any::<bool>(), default),
        0..8,
    )
}

fn doctypes() -> impl Strategy<Value = Doctypes> {
    prop::collection::vec(("[A-Z][a-z`' ]{0,8}[a-z]", 0..4_u8, fields()), 0..5)
}

/// Two versions of the same DocTypes: most fields stay, some with another type.
fn two_versions() -> impl Strategy<Value = (Doctypes, Doctypes)> {
    let field = (0..TYPES.len(), 0..TYPES.len(), 0..4_u8, any::<bool>(), prop::option::of("[a-z0-9'`]{1,4}"));
    let doctype = (0..2_u8, prop::collection::vec(field, 0..8));
    prop::collection::vec(doctype, 1..4).prop_map(|doctypes| {
        let side = |is_green: bool| {
            let fields = |fields: &[(usize, usize, u8, bool, Option<String>)]| {
                let there = fields.iter().enumerate().filter(|(_, field)| field.2 != u8::from(is_green));
                there
                    .map(|(at, (old, new, stays, index, default))| {
                        let kind = if is_green && *stays == 2 { *new } else { *old };
                        (format!("f`{at}"), kind, false, *index, default.clone())
                    })
                    .collect()
            };
            let doctypes = doctypes.iter().map(|(flags, all)| ("Order".to_owned(), *flags, fields(all)));
            doctypes.collect()
        };
        (side(false), side(true))
    })
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
            prop_assert!(begins(&["ALTER TABLE ", "CREATE ", "INSERT INTO ", "SET STATEMENT "]), "{sql}");
            let outside = without_quoted(sql);
            for word in ["DROP TABLE", "DROP DATABASE", "DROP VIEW", "TRUNCATE TABLE", "DELETE ", "RENAME", "ALGORITHM=COPY"] {
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
                let gone: Vec<(String, String)> = step.effect.parts().iter().flat_map(|effect| {
                    let (table, columns): (&str, Vec<&String>) = if let Effect::ColumnsAre { table, columns } = effect {
                        (table, columns.keys().collect())
                    } else if let Effect::IndexAbsent { table, columns, .. } = effect {
                        (table, columns.iter().collect())
                    } else {
                        ("", Vec::new())
                    };
                    columns.into_iter().map(move |column| (table.to_owned(), column.clone()))
                }).collect();
                prop_assert!(!gone.is_empty(), "{sql} has the effect {:?}", step.effect);
                for column in &gone {
                    prop_assert!(moved.contains(column), "{sql}");
                }
                let come = ["ADD COLUMN", "CHANGE COLUMN"].map(|verb| outside.matches(verb).count());
                prop_assert_eq!(outside.matches("DROP COLUMN").count(), come.iter().sum::<usize>(), "{}", sql);
            }
            // What takes another name is a column of ours.
            for renamed in sql.split("CHANGE COLUMN ").skip(1).filter(|_| outside.contains("CHANGE COLUMN")) {
                prop_assert!(renamed.starts_with("`crossfade_green_"), "{sql}");
            }
        }
        let back: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
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
                // NULL for an empty text is the same to both versions.
                (Work::Backfill { table, columns, .. }, _) => columns.iter().all(|set| {
                    let is_emptied = set.value == null_for_empty(&set.column, "");
                    is_emptied || goes.contains(&(table.clone(), set.column.clone()))
                }),
                (_, Effect::NoRows { table, .. }) => frozen.contains(table.as_str()),
                // The index itself goes, or stays as one that is used.
                (_, effect) if effect.parts().iter().all(|part| matches!(part, Effect::IndexUsed { .. })) => true,
                _ => false,
            };
            prop_assert!(!step.undo.is_empty() || goes_with_another, "{} {}", step.id, step.sql);
        }
    }

    #[test]
    fn a_change_names_each_of_its_steps_once((blue, green) in two_versions()) {
        let plan = plan(&Input::new(&snapshot(&blue, false), &snapshot(&green, false))).unwrap();
        for change in &plan.changes {
            let names: BTreeSet<&String> = change.steps.iter().collect();
            prop_assert_eq!(names.len(), change.steps.len(), "{:?}", change.steps);
        }
    }

    #[test]
    fn the_way_there_and_back_returns_the_table((blue, green) in two_versions()) {
        let (blue, green) = (snapshot(&blue, false), snapshot(&green, false));
        let there = plan(&Input::new(&blue, &green)).unwrap();
        let back = plan(&Input::new(&green, &blue)).unwrap();
        let (before, asked) = (tables(&blue), tables(&green));
        let mut now = before.clone();
        release(&mut now, &there);
        let blocked: BTreeSet<String> = [&there, &back]
            .iter()
            .flat_map(|plan| &plan.changes)
            .filter(|change| change.verdict == Verdict::Blocking)
            .map(|change| table_name(&change.doctype))
            .collect();
        let free = |(table, _): &(&String, _)| !blocked.contains(*table);
        // Green's own migrate finds every column as it wants it.
        for (table, columns) in asked.iter().filter(free) {
            for (column, kind) in columns {
                prop_assert_eq!(now[table].get(column), Some(kind), "{}.{} there", table, column);
            }
        }
        release(&mut now, &back);
        for (table, columns) in before.iter().filter(free) {
            for (column, kind) in columns {
                prop_assert_eq!(now[table].get(column), Some(kind), "{}.{} back", table, column);
            }
            // Frappe drops no column, so green's may be left; nothing of ours is.
            let ours = |name: &&String| !columns.contains_key(*name) && !asked.get(table).is_some_and(|asked| asked.contains_key(*name));
            prop_assert!(now[table].keys().find(ours).is_none(), "{:?}", now[table].keys().find(ours));
        }
    }
}

/// Tables as their columns' types (and whether these refuse NULL), by name.
type Tables = BTreeMap<String, BTreeMap<String, (String, bool)>>;

/// The tables of an app as Frappe makes them.
fn tables(snapshot: &Snapshot) -> Tables {
    let doctypes = snapshot.doctypes().into_values().map(|(_, doctype)| doctype);
    let in_tables = doctypes.filter(|doctype| doctype.storage() == Storage::Table);
    let made = in_tables.map(|doctype| Table::of(doctype, FrappeVersion::ASSUMED));
    made.map(|table| {
        let columns = table.columns.into_iter();
        (table.name, columns.map(|(name, shape)| (name, kind(&shape.column_type, shape.not_null))).collect())
    })
    .collect()
}

/// MariaDB shows JSON as longtext.
fn kind(column_type: &str, not_null: bool) -> (String, bool) {
    (if column_type == "json" { "longtext" } else { column_type }.to_owned(), not_null)
}

/// Does to the tables what a plan's statements do, to the end of the release.
fn release(tables: &mut Tables, plan: &Plan) {
    for step in plan.expand.iter().chain(&plan.contract) {
        if let Some(rest) = step.sql.strip_prefix("ALTER TABLE ") {
            let (table, rest) = name(rest);
            let columns = tables.entry(table).or_default();
            for part in parts(rest) {
                alter(columns, part.trim());
            }
        } else if let Some(rest) = step.sql.strip_prefix("CREATE TABLE ") {
            let (table, rest) = name(rest.trim_start_matches("IF NOT EXISTS "));
            let columns = tables.entry(table).or_default();
            let inside = &rest[rest.find('(').unwrap() + 1..];
            for part in parts(inside).into_iter().map(str::trim).filter(|part| part.starts_with('`')) {
                alter(columns, &format!("ADD COLUMN {part}"));
            }
        }
    }
}

/// One part of an `ALTER TABLE`.
fn alter(columns: &mut BTreeMap<String, (String, bool)>, part: &str) {
    if let Some(rest) = part.strip_prefix("DROP COLUMN ") {
        columns.remove(&name(rest).0);
    }
    if let Some(rest) = part.strip_prefix("CHANGE COLUMN ") {
        let (old, new) = name(rest);
        assert!(columns.remove(&old).is_some(), "{old} is not there: {part}");
        return alter(columns, &format!("ADD COLUMN {}", new.trim_start()));
    }
    for verb in ["ADD COLUMN ", "MODIFY COLUMN "] {
        let Some(rest) = part.strip_prefix(verb) else { continue };
        let (column, definition) = name(rest);
        let column_type = definition.trim().split(' ').next().unwrap();
        columns.insert(column, kind(column_type, without_quoted(definition).contains("NOT NULL")));
    }
}

/// The name in backquotes that a text begins with, and the rest of it.
fn name(text: &str) -> (String, &str) {
    let mut characters = text.char_indices().skip(1).peekable();
    let mut name = String::new();
    while let Some((at, character)) = characters.next() {
        if character != '`' {
            name.push(character);
        } else if characters.next_if(|(_, next)| *next == '`').is_some() {
            name.push('`');
        } else {
            return (name, &text[at + 1..]);
        }
    }
    panic!("no name: {text}");
}

/// What stands between the outermost commas.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut begin, mut found) = (0_i32, None, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '`' | '\'') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                found.push(&text[begin..at]);
                begin = at + 1;
            }
            (Some(_) | None, _) => {}
        }
    }
    found.push(&text[begin..]);
    found
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
