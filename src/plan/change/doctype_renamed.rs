//! `doctype_renamed`: a patch renames the DocType. Its table has the new name for green and a view under the old one for
//! blue; every column that holds the name of a DocType gets a second one, so that each version finds its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::doctype::{ColumnShape, Storage, sequence_name, table_name};
use crate::plan::operation::{
    Conversion, NamesPair, OldIndex, Operation, SyncPair, TextChange, Way, index_names,
};
use crate::plan::{Assignment, Effect, FrozenTable, Pace, Step, TableFacts, Undo, Verdict, Work, quote};

use super::doctype_name::{self, METADATA, Meaning, Place, Renamed};
use super::{Findings, Found, Pair, Versions, pair};

/// Tables without a primary key of one column, with their columns (`frappe/database/mariadb/framework_mariadb.sql`).
const WHOLE: [(&str, &[&str]); 2] = [
    ("__Auth", &["doctype", "name", "fieldname", "password", "encrypted"]),
    ("__UserSettings", &["user", "doctype", "data"]),
];

/// Every DocType that has another name in green.
pub(crate) fn find(versions: &Versions<'_>, frozen: &[FrozenTable], findings: &mut Findings) {
    for (new, old) in &versions.renames.doctypes {
        let (Some((_, blue)), Some((app, green))) =
            (versions.blue.get(old.as_str()), versions.green.get(new.as_str()))
        else {
            continue;
        };
        let renamed = Renamed { blue, green };
        let (verdict, why) = match carry(&renamed, versions, frozen, findings) {
            Ok(why) => (Verdict::Mapped, why),
            Err(reason) => (Verdict::Blocking, reason),
        };
        findings.doctype(
            &Pair { app: &app.name, blue: Some(blue), green: Some(green) },
            Found {
                kind: "doctype_renamed",
                cls: "incompatible",
                ddl: green.storage() == Storage::Table,
                old: json!(blue.name),
                new: json!(green.name),
                verdict,
                why,
            },
        );
    }
}

/// What keeps both versions served; what is in the way, if something is.
fn carry(
    renamed: &Renamed<'_>,
    versions: &Versions<'_>,
    frozen: &[FrozenTable],
    findings: &mut Findings,
) -> Result<String, String> {
    check(renamed, versions, frozen)?;
    let places = doctype_name::places(renamed, versions)?;
    let is_frozen = |table: &str| frozen.iter().any(|known| known.table == table);
    let (own, shared): (Vec<Place>, Vec<Place>) =
        places.into_iter().partition(|place| is_frozen(&place.table));
    let mut operations = Vec::new();
    rename_storage(renamed, versions, &mut operations);
    for (table, column, only) in METADATA {
        let only = only.map(|(column, texts)| {
            (column.to_owned(), texts.iter().map(|text| (*text).to_owned()).collect())
        });
        let place =
            Place { table: table.to_owned(), column: column.to_owned(), only, meaning: Meaning::Name };
        if doctype_name::has_column(versions, table, column) && !own.contains(&place) {
            operations.push(rewrite(renamed, &place, false));
        }
    }
    operations.extend(own.iter().map(|place| rewrite(renamed, place, false)));
    let (late, mapped): (Vec<&Place>, Vec<&Place>) =
        shared.iter().partition(|place| place.meaning == Meaning::Late);
    for (table, column, places) in by_column(&mapped) {
        operations.push(sync(renamed, versions, (table, column), &places)?);
    }
    operations.extend(late.iter().map(|place| rewrite(renamed, place, true)));
    findings.operations.extend(operations);
    Ok(why(renamed, versions, &mapped))
}

fn why(renamed: &Renamed<'_>, versions: &Versions<'_>, mapped: &[&Place]) -> String {
    let tables: BTreeSet<&str> = mapped.iter().map(|place| place.table.as_str()).collect();
    let columns: BTreeSet<(&str, &str)> =
        mapped.iter().map(|place| (place.table.as_str(), place.column.as_str())).collect();
    let mut largest: Vec<(u64, &str)> = versions.site.map_or_else(Vec::new, |site| {
        let rows = tables.iter().filter_map(|table| Some((site.tables.get(*table)?.rows, *table)));
        rows.filter(|(rows, _)| *rows > 0).collect()
    });
    largest.sort_unstable_by(|a, b| b.cmp(a));
    let all: u64 = largest.iter().map(|(rows, _)| rows).sum();
    let named: Vec<String> = largest.iter().take(3).map(|(rows, table)| format!("{table} {rows}")).collect();
    let cost = if versions.site.is_none() {
        "how many rows that is, only the site's database knows".to_owned()
    } else if named.is_empty() {
        "they hold no rows".to_owned()
    } else {
        format!("about {all} rows are filled beside the traffic, most in {}", named.join(", "))
    };
    let moves = match renamed.green.storage() {
        Storage::Table => "the table is renamed and blue's view of it exchanged in one statement",
        Storage::Single => "its settings are kept under both names",
        Storage::Virtual => "it has no storage",
    };
    format!(
        "{moves}; {} columns in {} tables that hold the name get a second one, so that each version finds its own: {cost}",
        columns.len(),
        tables.len()
    )
}

/// What no step can help.
fn check(renamed: &Renamed<'_>, versions: &Versions<'_>, frozen: &[FrozenTable]) -> Result<(), String> {
    let (old, new) = (renamed.blue.name.as_str(), renamed.green.name.as_str());
    let (from, to) = (table_name(old), table_name(new));
    if renamed.blue.storage() != renamed.green.storage() {
        return Err("the two versions keep its documents in different places".to_owned());
    }
    if versions.green.contains_key(old) || versions.blue.contains_key(new) {
        return Err(format!(
            "{old} and {new} are both in one of the two versions, so that a name in a shared row would mean two things: release the renames one after the other"
        ));
    }
    if old.to_lowercase() == new.to_lowercase() {
        return Err(
            "the two names differ in case alone, which MariaDB does not tell apart in values: give it a name that differs in a letter"
                .to_owned(),
        );
    }
    if to.chars().count() > pair::LONGEST_NAME {
        return Err(format!(
            "MariaDB takes {} characters in a table's name, and {to} has more: choose a shorter one",
            pair::LONGEST_NAME
        ));
    }
    if renamed.green.storage() != Storage::Table {
        return Ok(());
    }
    if let Some(table) = frozen.iter().find(|frozen| frozen.table == from || frozen.table == to) {
        return Err(format!(
            "blue gets a copy of {} in this release ({}), and a copy cannot be renamed under it: release the two one after the other",
            table.table, table.why
        ));
    }
    let Some(site) = versions.site else { return Ok(()) };
    // The facts stand under green's names where only blue's table was there.
    if site.tables.contains_key(&from) {
        return Err(format!("the site has a table {to} already: move it away before the release"));
    }
    if !site.tables.contains_key(&to) {
        return Err(format!("the site has no table {from}: migrate it to blue's version first"));
    }
    Ok(())
}

/// The table, its sequence, the settings of a Single, the search index.
fn rename_storage(renamed: &Renamed<'_>, versions: &Versions<'_>, operations: &mut Vec<Operation>) {
    let (old, new) = (renamed.blue.name.as_str(), renamed.green.name.as_str());
    match renamed.green.storage() {
        Storage::Virtual => {}
        Storage::Single => {
            operations.push(in_singles(renamed, "doctype", &[("doctype", old)]));
            operations.push(in_singles(
                renamed,
                "value",
                &[("doctype", new), ("field", "name"), ("value", old)],
            ));
        }
        Storage::Table => {
            operations.push(Operation::RenameTable { from: table_name(old), to: table_name(new) });
            let (from, to) = (sequence_name(old), sequence_name(new));
            if renamed.blue.is_autoincrement() && renamed.green.is_autoincrement() && from != to {
                operations.push(Operation::RenameSequence { from, to, table: table_name(new) });
            }
            let has_index = ["name", "content", "published", "title", "route"]
                .iter()
                .all(|column| doctype_name::has_column(versions, "__global_search", column));
            if !renamed.green.istable && has_index {
                search_index(renamed, operations);
            }
        }
    }
    single_links(renamed, versions, operations);
}

/// Settings of other Singles that name the DocType.
fn single_links(renamed: &Renamed<'_>, versions: &Versions<'_>, operations: &mut Vec<Operation>) {
    for (name, (_, single)) in versions.green.iter().filter(|(_, (_, doctype))| doctype.issingle) {
        let links = single.fields.iter().filter(|field| {
            field.is_stored() && field.fieldtype == "Link" && field.options.as_deref() == Some("DocType")
        });
        for field in links {
            let of = [("doctype", *name), ("field", &field.fieldname), ("value", &renamed.blue.name)];
            operations.push(in_singles(renamed, "value", &of));
        }
    }
}

/// Rewrites rows of green's `tabSingles`; triggers carry them to blue under blue's names.
fn in_singles(renamed: &Renamed<'_>, column: &str, of: &[(&str, &str)]) -> Operation {
    let condition: Vec<String> = of.iter().map(|(column, text)| is(column, text)).collect();
    let condition = condition.join(" AND ");
    let sql = format!(
        "UPDATE `tabSingles` SET {} = {} WHERE {condition}",
        quote::identifier(column),
        quote::literal(&renamed.green.name)
    );
    statement(renamed, "tabSingles", &sql, condition)
}

/// A text byte by byte: a collation takes some names for others.
fn is(column: &str, text: &str) -> String {
    format!("BINARY {} = {}", quote::identifier(column), quote::literal(text))
}

/// Frappe's search index is no `InnoDB` table: a second column would copy it under a lock. So the entries are doubled, each
/// version finds those of its own name, and in the end the newer ones stay.
fn search_index(renamed: &Renamed<'_>, operations: &mut Vec<Operation>) {
    let table = table_name(&renamed.green.name);
    let (old, new) = (quote::literal(&renamed.blue.name), quote::literal(&renamed.green.name));
    let known = format!("SELECT 1 FROM `__global_search` AS known WHERE known.`doctype` = {new}");
    let condition = format!("`doctype` = {old} AND NOT EXISTS ({known})");
    let copied = "`name`, `content`, `published`, `title`, `route`";
    let copy = Step {
        undo: vec![Undo::statement(
            format!("DELETE FROM `__global_search` WHERE `doctype` = {new}"),
            Effect::NoRows { table: "__global_search".to_owned(), condition: format!("`doctype` = {new}") },
        )],
        // What blue adds to its entries later does not make this undone.
        past: Some(Effect::TableRenamed {
            from: table_name(&renamed.blue.name),
            to: table.clone(),
            view: table_name(&renamed.blue.name),
        }),
        ..step(
            renamed,
            "__global_search",
            &format!(
                "INSERT IGNORE INTO `__global_search` (`doctype`, {copied}) SELECT {new}, {copied} FROM `__global_search` WHERE `doctype` = {old}"
            ),
            condition,
        )
    };
    operations.push(Operation::BeforeRename { table: table.clone(), step: Box::new(copy) });
    let twice = format!("`doctype` = {old} AND EXISTS ({known} AND known.`name` = `__global_search`.`name`)");
    let drop = format!(
        "DELETE gone FROM `__global_search` AS gone JOIN `__global_search` AS known \
         ON known.`doctype` = {new} AND known.`name` = gone.`name` WHERE gone.`doctype` = {old}"
    );
    let last = format!("UPDATE `__global_search` SET `doctype` = {new} WHERE `doctype` = {old}");
    for (sql, condition) in [(drop, twice), (last, format!("`doctype` = {old}"))] {
        let step = Box::new(step(renamed, "__global_search", &sql, condition));
        operations.push(Operation::Metadata { table: table.clone(), field: None, step, contract: true });
    }
}

/// Rewrites the name in rows that only green reads, or that wait until only green does.
fn rewrite(renamed: &Renamed<'_>, place: &Place, late: bool) -> Operation {
    let (old, new) = (&renamed.blue.name, &renamed.green.name);
    let only = place.only.as_ref().map_or_else(String::new, |(column, texts)| {
        let texts: Vec<String> = texts.iter().map(|text| quote::literal(text)).collect();
        format!("{} IN ({}) AND ", quote::identifier(column), texts.join(", "))
    });
    let condition = format!("{only}{}", is(&place.column, old));
    let (table, column) = (quote::identifier(&place.table), quote::identifier(&place.column));
    let value = quote::literal(new);
    let sql = format!("UPDATE {table} SET {column} = {value} WHERE {condition}");
    let mut step = step(renamed, &place.table, &sql, condition.clone());
    if late && WHOLE.iter().all(|(whole, _)| *whole != place.table) {
        // Others use the table: a few rows at a time.
        step.pace = Pace::Unknown;
        let columns = vec![Assignment { column: place.column.clone(), value }];
        step.work = Work::Backfill { table: place.table.clone(), columns, condition };
    }
    Operation::Metadata { table: table_name(new), field: None, step: Box::new(step), contract: late }
}

fn statement(renamed: &Renamed<'_>, table: &str, sql: &str, condition: String) -> Operation {
    Operation::Metadata {
        table: table_name(&renamed.green.name),
        field: None,
        step: Box::new(step(renamed, table, sql, condition)),
        contract: false,
    }
}

/// One statement that leaves no row as the condition says.
fn step(renamed: &Renamed<'_>, table: &str, sql: &str, condition: String) -> Step {
    let title = format!("{table} names {} {}", renamed.blue.name, renamed.green.name);
    Step::rename_in(table, title, sql, condition)
}

/// Places by table and column: a column may hold the name for more than one reason.
fn by_column<'a>(places: &[&'a Place]) -> Vec<(&'a str, &'a str, Vec<&'a Place>)> {
    let mut columns: BTreeMap<(&str, &str), Vec<&Place>> = BTreeMap::new();
    for place in places {
        columns.entry((&place.table, &place.column)).or_default().push(place);
    }
    columns.into_iter().map(|((table, column), places)| (table, column, places)).collect()
}

/// Blue's name in a column of its own, green's in the one that is there.
fn sync(
    renamed: &Renamed<'_>,
    versions: &Versions<'_>,
    (table, column): (&str, &str),
    places: &[&Place],
) -> Result<Operation, String> {
    let live = versions.site.and_then(|site| site.tables.get(table));
    let holder = table.strip_prefix("tab").and_then(|name| versions.green.get(name));
    let engine = holder.and_then(|(_, doctype)| doctype.engine.clone());
    let is_innodb = |engine: &str| engine.is_empty() || engine.eq_ignore_ascii_case("innodb");
    let engine_now = live.map(|live| live.engine.as_str()).or(engine.as_deref()).unwrap_or_default();
    if !is_innodb(engine_now) {
        return Err(format!(
            "{table}.{column} holds the name and the table is {engine_now}, which copies it under a lock for a new column: make it InnoDB first"
        ));
    }
    let whole = WHOLE.iter().find(|(name, _)| *name == table);
    let known: Arc<[String]> = match (holder, whole) {
        (_, Some((_, columns))) => columns.iter().map(|name| (*name).to_owned()).collect(),
        (Some((_, green)), None) => {
            let blue = versions.blue.get(versions.blue_name(&green.name));
            blue.map_or_else(|| Arc::from([]), |(_, blue)| pair::columns(blue, versions))
        }
        (None, None) => live
            .map(|live| live.columns.iter().map(|column| column.name.clone()).collect())
            .unwrap_or_default(),
    };
    let column_type = live.and_then(|live| live.column(column)).unwrap_or("varchar(140)");
    let shape = ColumnShape::nullable(column_type);
    let blue = pair::blue_name(column, &known, live);
    let text = |from: &str, to: &str| {
        let changes = places.iter().map(|place| TextChange {
            only: place.only.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Conversion::Text(changes.collect())
    };
    let (old, new) = (renamed.blue.name.as_str(), renamed.green.name.as_str());
    let mut indexes = live.map_or_else(Vec::new, |live| indexes(live, column));
    if table == "__Auth" {
        // The primary key, which the site's facts do not hold.
        indexes.push((["doctype", "name", "fieldname"].map(str::to_owned).to_vec(), true));
    }
    let field = holder.and_then(|(_, doctype)| doctype.field(column));
    let blue_index = field
        .filter(|field| live.is_none() && (field.search_index || field.unique))
        .map(|field| OldIndex { names: index_names(column, field.unique), unique: field.unique });
    let pair = SyncPair {
        field: column.to_owned(),
        blue: (blue, shape.clone()),
        green: (column.to_owned(), shape),
        way: Way::Mapped,
        blue_columns: known,
        to_green: text(old, new),
        to_blue: text(new, old),
        indexes: Vec::new(),
        blue_index,
        names: Some(NamesPair { serves: vec![table_name(new)], indexes, whole: whole.is_some() }),
        ahead: None,
    };
    Ok(Operation::Sync { table: table.to_owned(), engine, pair: Box::new(pair) })
}

/// The indexes that a query by this column uses. One of a text ends before it: how much of it is indexed is not known.
fn indexes(live: &TableFacts, column: &str) -> Vec<(Vec<String>, bool)> {
    let is_column = |name: &String| name.eq_ignore_ascii_case(column);
    let is_text = |name: &String| live.column(name).is_some_and(|kind| kind.contains("text"));
    let mut indexes: BTreeMap<Vec<String>, bool> = BTreeMap::new();
    for index in live.indexes.iter().filter(|index| index.columns.iter().any(is_column)) {
        let columns: Vec<String> = index.columns.iter().take_while(|name| !is_text(name)).cloned().collect();
        if columns.iter().any(is_column) {
            let is_unique = index.unique && columns.len() == index.columns.len();
            *indexes.entry(columns).or_default() |= is_unique;
        }
    }
    indexes.into_iter().collect()
}
