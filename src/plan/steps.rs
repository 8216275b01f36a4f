//! Operations -> the statements of a plan, in an order that works: tables, columns, indexes, triggers.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::doctype::{Index, Table, table_name};

use super::operation::{Operation, column};
use super::{Column, Effect, Lock, Pace, Site, Step, Undo, quote};

/// Steps before green and after blue.
pub(crate) struct Steps {
    /// Before green, in order.
    pub(crate) expand: Vec<Step>,
    /// After blue, in order.
    pub(crate) contract: Vec<Step>,
}

/// The statements for these operations, without those whose effect the live site already shows.
pub(crate) fn build(operations: Vec<Operation>, site: Option<&Site>) -> Steps {
    let mut plan = Sorted::default();
    for operation in operations {
        plan.take(operation, site);
    }
    let mut expand = Vec::new();
    for (table, is_child) in plan.tables.values() {
        expand
            .extend(table.sequence.as_deref().filter(|name| !has_sequence(site, name)).map(create_sequence));
        expand.push(create_table(table, *is_child, site));
    }
    for (table, (engine, columns)) in &plan.columns {
        expand.push(add_columns(table, columns, how(table, engine.as_deref(), site)));
    }
    for (table, engine, index) in &plan.indexes {
        expand.push(add_index(table, index, how(table, engine.as_deref(), site)));
    }
    let mut contract = Vec::new();
    for (parent, child, numeric_names) in &plan.guards {
        let guard = orphan_guard(parent, child, *numeric_names);
        contract.extend(guard.undo.iter().map(|undo| Step {
            id: format!("drop-trigger-{}", table_name(parent)),
            title: format!("blue is gone: green deletes the rows of {child} itself"),
            sql: undo.sql.clone(),
            effect: undo.effect.clone(),
            lock: Lock::None,
            pace: Pace::Instant,
            rows: None,
            undo: Vec::new(),
        }));
        expand.push(guard);
    }
    Steps { expand: number(expand), contract: number(contract) }
}

fn number(steps: Vec<Step>) -> Vec<Step> {
    let numbered = steps.into_iter().enumerate();
    numbered.map(|(at, step)| Step { id: format!("{:04}-{}", at + 1, step.id), ..step }).collect()
}

/// Operations by table, so that the order in which they were found does not matter.
#[derive(Default)]
struct Sorted {
    tables: BTreeMap<String, (Table, bool)>,
    columns: BTreeMap<String, (Option<String>, Vec<Column>)>,
    indexes: Vec<(String, Option<String>, Index)>,
    guards: BTreeSet<(String, String, bool)>,
}

impl Sorted {
    fn take(&mut self, operation: Operation, site: Option<&Site>) {
        match operation {
            Operation::CreateTable { table, is_child } => self.take_table(table, is_child, site),
            Operation::AddColumn { table, engine, column } => {
                let (_, columns) = self.columns.entry(table).or_insert_with(|| (engine, Vec::new()));
                if columns.iter().all(|known| !known.name.eq_ignore_ascii_case(&column.name)) {
                    columns.push(column);
                }
            }
            Operation::AddIndex { table, engine, index } => {
                let entry = (table, engine, index);
                if !self.indexes.contains(&entry) {
                    self.indexes.push(entry);
                    self.indexes.sort_by(|a, b| (&a.0, &a.2.name).cmp(&(&b.0, &b.2.name)));
                }
            }
            Operation::GuardOrphans { parent, child, numeric_names } => {
                self.guards.insert((parent, child, numeric_names));
            }
        }
    }

    /// A table that is left over from an earlier attempt gets what it lacks: Frappe's sync alters it as well.
    fn take_table(&mut self, table: Table, is_child: bool, site: Option<&Site>) {
        let Some(live) = site.and_then(|site| site.tables.get(&table.name)) else {
            self.tables.insert(table.name.clone(), (table, is_child));
            return;
        };
        let engine = Some(table.engine.clone());
        for (name, shape) in table.columns.iter().filter(|(name, _)| live.column(name).is_none()) {
            let operation = Operation::AddColumn {
                table: table.name.clone(),
                engine: engine.clone(),
                column: column(name, shape),
            };
            self.take(operation, site);
        }
        for index in table.indexes.iter().filter(|index| !live.has_index(&index.columns, index.unique)) {
            let index = Index { name: altered_index_name(index), ..index.clone() };
            self.take(Operation::AddIndex { table: table.name.clone(), engine: engine.clone(), index }, site);
        }
    }
}

/// Frappe names an index that it adds to an existing table `<field>_index`, except unique ones and its own.
fn altered_index_name(index: &Index) -> String {
    let is_own = matches!(index.name.as_str(), "parent" | "modified" | "creation");
    if index.unique || is_own { index.name.clone() } else { format!("{}_index", index.name) }
}

fn has_sequence(site: Option<&Site>, name: &str) -> bool {
    site.is_some_and(|site| site.sequences.contains(name))
}

/// How a table can be altered while others use it.
#[derive(Clone, Copy)]
enum How {
    /// `InnoDB`: columns INSTANT, indexes INPLACE without a lock.
    Online,
    /// `InnoDB` with COMPRESSED rows: no INSTANT, but INPLACE without a lock.
    Compressed,
    /// `MyISAM` (Error Log): a copy under a shared lock is all there is, and it is asked for by name.
    Copy,
}

fn how(table: &str, engine: Option<&str>, site: Option<&Site>) -> How {
    let live = site.and_then(|site| site.tables.get(table));
    let engine = live.map(|live| live.engine.as_str()).filter(|engine| !engine.is_empty()).or(engine);
    if engine.is_some_and(|engine| !engine.eq_ignore_ascii_case("innodb")) {
        How::Copy
    } else if live.is_some_and(|live| live.row_format.eq_ignore_ascii_case("compressed")) {
        How::Compressed
    } else {
        How::Online
    }
}

fn create_sequence(sequence: &str) -> Step {
    Step {
        id: format!("create-sequence-{sequence}"),
        title: format!("create the sequence {sequence}"),
        sql: format!("CREATE SEQUENCE IF NOT EXISTS {} NOCACHE NOCYCLE", quote::identifier(sequence)),
        effect: Effect::SequenceExists { sequence: sequence.to_owned() },
        lock: Lock::None,
        pace: Pace::Instant,
        rows: None,
        undo: Vec::new(),
    }
}

fn create_table(table: &Table, is_child: bool, site: Option<&Site>) -> Step {
    let mut parts: Vec<String> =
        table.columns.iter().map(|(name, shape)| define(&column(name, shape))).collect();
    parts.push("PRIMARY KEY (`name`)".to_owned());
    parts.extend(table.indexes.iter().map(|index| {
        format!("{} {} ({})", index_word(index.unique), quote::identifier(&index.name), list(&index.columns))
    }));
    Step {
        id: format!("create-table-{}", table.name),
        title: format!("create the table {}", table.name),
        sql: format!(
            "CREATE TABLE {} ({}) ENGINE={} ROW_FORMAT={} CHARACTER SET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
            quote::identifier(&table.name),
            parts.join(", "),
            table.engine,
            table.row_format,
        ),
        effect: Effect::TableExists { table: table.name.clone() },
        // Blue does not delete child rows of its documents: a second attempt must not meet them again.
        lock: Lock::None,
        pace: Pace::Instant,
        rows: None,
        undo: if is_child { vec![park(&table.name, site)] } else { Vec::new() },
    }
}

/// Moves a table out of the way under a name that is free, so that no row is lost.
fn park(table: &str, site: Option<&Site>) -> Undo {
    let is_free = |name: &String| site.is_none_or(|site| !site.tables.contains_key(name));
    let base = format!("crossfade_parked_{}", short_hash(&[table]));
    let parked = std::iter::once(base.clone())
        .chain((2..=u32::MAX).map(|attempt| format!("{base}_{attempt}")))
        .find(is_free)
        .unwrap_or(base);
    Undo {
        sql: format!("RENAME TABLE {} TO {}", quote::identifier(table), quote::identifier(&parked)),
        effect: Effect::TableExists { table: parked },
    }
}

fn add_columns(table: &str, columns: &[Column], how: How) -> Step {
    let added: Vec<String> = columns.iter().map(|column| format!("ADD COLUMN {}", define(column))).collect();
    let algorithm = match how {
        How::Online => "ALGORITHM=INSTANT",
        How::Compressed => "ALGORITHM=INPLACE, LOCK=NONE",
        How::Copy => "ALGORITHM=COPY, LOCK=SHARED",
    };
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    Step {
        id: format!("add-columns-{table}"),
        title: format!("add {} to {table}", names.join(", ")),
        sql: format!("ALTER TABLE {} {}, {algorithm}", quote::identifier(table), added.join(", ")),
        effect: Effect::ColumnsExist { table: table.to_owned(), columns: names },
        lock: Lock::None,
        pace: Pace::Instant,
        rows: None,
        undo: Vec::new(),
    }
}

fn add_index(table: &str, index: &Index, how: How) -> Step {
    let algorithm = match how {
        How::Online | How::Compressed => "ALGORITHM=INPLACE, LOCK=NONE",
        How::Copy => "ALGORITHM=COPY, LOCK=SHARED",
    };
    Step {
        id: format!("add-index-{}-{table}", index.name),
        title: format!("index {} of {table}", index.columns.join(", ")),
        sql: format!(
            "ALTER TABLE {} ADD {} {} ({}), {algorithm}",
            quote::identifier(table),
            index_word(index.unique),
            quote::identifier(&index.name),
            list(&index.columns),
        ),
        effect: Effect::IndexExists {
            table: table.to_owned(),
            columns: index.columns.clone(),
            unique: index.unique,
        },
        lock: Lock::None,
        pace: Pace::Instant,
        rows: None,
        undo: Vec::new(),
    }
}

fn orphan_guard(parent: &str, child: &str, numeric_names: bool) -> Step {
    let table = table_name(parent);
    let trigger = format!("crossfade_orphans_{}", short_hash(&[parent, child]));
    // `parent` is text: compared with a number its index would not be used.
    let name = if numeric_names { "CAST(OLD.`name` AS CHAR)" } else { "OLD.`name`" };
    let drop = Undo {
        sql: format!("DROP TRIGGER IF EXISTS {}", quote::identifier(&trigger)),
        effect: Effect::TriggerAbsent { trigger: trigger.clone() },
    };
    Step {
        id: format!("guard-orphans-{table}"),
        title: format!("delete rows of {child} with their {parent} while blue does not know them"),
        sql: format!(
            "CREATE TRIGGER {} AFTER DELETE ON {} FOR EACH ROW DELETE FROM {} WHERE `parent` = {name} AND `parenttype` = {}",
            quote::identifier(&trigger),
            quote::identifier(&table),
            quote::identifier(&table_name(child)),
            quote::literal(parent),
        ),
        effect: Effect::TriggerExists { trigger },
        lock: Lock::None,
        pace: Pace::Instant,
        rows: None,
        undo: vec![drop],
    }
}

fn define(column: &Column) -> String {
    format!("{} {}", quote::identifier(&column.name), column.definition)
}

fn index_word(unique: bool) -> &'static str {
    if unique { "UNIQUE INDEX" } else { "INDEX" }
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quote::identifier(column)).collect::<Vec<_>>().join(", ")
}

/// Twelve hexadecimal digits for names that must fit 64 characters whatever the DocType is called.
fn short_hash(parts: &[&str]) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(parts.join("\0"));
    digest.iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
