//! Operations -> the statements of a plan, in an order that works: tables, columns, then what keeps two columns in step,
//! indexes, triggers.

mod alter;
mod blue_index;
mod carry;
mod create;
pub(crate) mod empty;
mod guard;
mod pace;
mod rename;
mod sync;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use crate::doctype::{ColumnShape, Index, Table, table_name};

use super::operation::{Operation, SyncPair, Way, column, has_empty};
use super::{Column, InStep, Site, Step, Undo};
use alter::{How, NewIndex};

/// What a step serves: a table, and a field of it where one is meant.
pub(crate) type Serves = (String, Option<String>);

/// Ids of the steps, in their order, that serve what somebody asks about.
pub(crate) type Serving = HashMap<Serves, Vec<String>>;

/// Steps before green and after blue.
pub(crate) struct Steps {
    /// Before green, in order.
    pub(crate) expand: Vec<Step>,
    /// After blue, in order.
    pub(crate) contract: Vec<Step>,
    /// Columns that are kept in step from the end of the expand on.
    pub(crate) in_step: Vec<InStep>,
    /// Which of them serve what was asked about.
    pub(crate) serving: Serving,
}

/// A step with what it serves.
struct Draft {
    step: Step,
    serves: Vec<Serves>,
}

impl Draft {
    fn of_table(step: Step, table: &str) -> Self {
        Self { step, serves: vec![(table.to_owned(), None)] }
    }

    fn of_fields<'a>(step: Step, table: &str, fields: impl IntoIterator<Item = &'a str>) -> Self {
        let serves = fields.into_iter().map(|field| (table.to_owned(), Some(field.to_owned()))).collect();
        Self { step, serves }
    }

    /// It serves these tables as a whole too.
    fn and_tables<'a>(mut self, tables: impl IntoIterator<Item = &'a str>) -> Self {
        self.serves.extend(tables.into_iter().map(|table| (table.to_owned(), None)));
        self
    }
}

/// The statements for these operations, without those whose effect the live site already shows; `serving` has an entry
/// for each place that is asked about.
pub(crate) fn build(operations: Vec<Operation>, site: Option<&Site>, mut serving: Serving) -> Steps {
    let mut plan = Sorted::default();
    for operation in operations {
        plan.take(operation, site);
    }
    let rows = |table: &str| rows(site, table);
    let (mut expand, mut contract) = (plan.renames(), Vec::new());
    for (table, is_child) in plan.tables.values() {
        if let Some(name) = table.sequence.as_deref().filter(|name| !has_sequence(site, name)) {
            expand.push(Draft::of_table(create::sequence(name), &table.name));
        }
        expand.push(Draft::of_table(create::table(table, *is_child, site), &table.name));
    }
    for (table, (engine, columns)) in &plan.columns {
        let how = How::of(table, engine.as_deref(), site);
        let moved: Vec<String> = plan.moved(table).map(|pair| pair.blue.0.clone()).collect();
        let ahead: Vec<String> = plan.moved(table).filter_map(|pair| pair.ahead.clone()).collect();
        let step = alter::add_columns(table, columns, [&moved, &ahead], how, rows(table));
        let fields = plan.moved(table).map(|pair| pair.field.as_str());
        let fields: Vec<&str> = columns.iter().map(|column| column.name.as_str()).chain(fields).collect();
        let serves = plan.moved(table).flat_map(SyncPair::serves);
        expand.push(Draft::of_fields(step, table, fields).and_tables(serves));
    }
    for (table, (engine, columns)) in &plan.modified {
        let how = How::of(table, engine.as_deref(), site);
        let step = alter::modify_columns(table, columns, how, rows(table));
        expand.push(Draft::of_fields(step, table, columns.keys().map(String::as_str)));
    }
    for (before, after) in plan.synced(site).into_iter().chain(plan.emptied(site)).chain(plan.kept(site)) {
        expand.extend(before);
        contract.extend(after);
    }
    expand.extend(plan.indexed(site));
    for (parent, child, field, numeric_names) in &plan.guards {
        let table = table_name(parent);
        for guard in guard::children(parent, child, *numeric_names) {
            contract.extend(guard.undo.iter().map(|undo| {
                let title = format!("blue is gone: green sees to the rows of {child} itself");
                let step = dropping(format!("drop-trigger-{table}"), title, undo);
                Draft::of_fields(step, &table, [field.as_str()])
            }));
            expand.push(Draft::of_fields(guard, &table, [field.as_str()]));
        }
    }
    let in_step = plan.pairs.iter().flat_map(|(table, (_, pairs))| carry::in_step(table, pairs)).collect();
    let metadata = std::mem::take(&mut plan.metadata);
    // A large part of what a plan holds at its peak.
    drop(plan);
    for (serves, step, is_contract) in metadata {
        let steps = if is_contract { &mut contract } else { &mut expand };
        steps.push(Draft { step, serves: vec![serves] });
    }
    let expand = number(expand, "", &mut serving);
    let contract = number(contract, "c", &mut serving);
    Steps { expand, contract, in_step, serving }
}

/// Rows of a live table, as far as they are known.
fn rows(site: Option<&Site>, table: &str) -> Option<u64> {
    site.and_then(|site| site.tables.get(table)).map(|live| live.rows)
}

/// A step of the contract that does what an undo does.
fn dropping(id: String, title: String, undo: &Undo) -> Step {
    Step::statement(id, title, undo.sql.clone(), undo.effect.clone())
}

fn number(drafts: Vec<Draft>, prefix: &str, serving: &mut Serving) -> Vec<Step> {
    let numbered = drafts.into_iter().enumerate();
    numbered
        .map(|(at, Draft { step, serves })| {
            let id = format!("{prefix}{:04}-{}", at + 1, step.id);
            for place in serves {
                // A field that keeps its name is named as blue's and as green's.
                if let Some(ids) = serving.get_mut(&place).filter(|ids| ids.last() != Some(&id)) {
                    ids.push(id.clone());
                }
            }
            Step { id, ..step }
        })
        .collect()
}

/// Fields, and other tables, that an index serves.
type Asked<'a> = (Vec<&'a str>, Vec<&'a str>);

/// Columns of a table that become longer, with their shapes before and after.
type Lengthened = BTreeMap<String, [ColumnShape; 2]>;

/// New indexes with the engine of their table, by table and name.
type Indexes = BTreeMap<(String, String), Vec<(Option<String>, Index)>>;

/// Operations by table, so that the order in which they were found does not matter.
#[derive(Default)]
struct Sorted {
    /// Before anything else: what has to look at tables under their old names.
    first: Vec<Draft>,
    /// Renamed tables: new name -> old name.
    renamed: BTreeMap<String, String>,
    /// Renamed sequences: new name -> old name and the table whose names come from it.
    sequences: BTreeMap<String, (String, String)>,
    tables: BTreeMap<String, (Table, bool)>,
    columns: BTreeMap<String, (Option<String>, Vec<Column>)>,
    modified: BTreeMap<String, (Option<String>, Lengthened)>,
    pairs: BTreeMap<String, (Option<String>, Vec<SyncPair>)>,
    indexes: Indexes,
    /// Fields that become unique, by table: an empty text in them is NULL from then on.
    emptied: BTreeMap<String, BTreeSet<String>>,
    /// Indexes that a rollback builds again, by table and name.
    kept: BTreeMap<(String, String), (Option<String>, Index, ColumnShape)>,
    guards: BTreeSet<(String, String, String, bool)>,
    metadata: Vec<(Serves, Step, bool)>,
}

impl Sorted {
    /// First of all: every other step speaks of a table by its new name.
    fn renames(&mut self) -> Vec<Draft> {
        let mut drafts = std::mem::take(&mut self.first);
        drafts.extend(self.renamed.iter().map(|(to, from)| Draft::of_table(rename::table(from, to), to)));
        let sequences = self.sequences.iter();
        drafts
            .extend(sequences.map(|(to, (from, table))| Draft::of_table(rename::sequence(from, to), table)));
        drafts
    }

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
                let of_name = self.indexes.entry((table, index.name.clone())).or_default();
                let entry = (engine, index);
                if !of_name.contains(&entry) {
                    of_name.push(entry);
                }
            }
            Operation::GuardChildren { parent, child, field, numeric_names } => {
                let is_guarded = self.guards.iter().any(|(known, of, _, _)| *known == parent && *of == child);
                if !is_guarded {
                    self.guards.insert((parent, child, field, numeric_names));
                }
            }
            Operation::KeepIndex { table, engine, index, shape } => {
                self.kept.insert((table, index.name.clone()), (engine, index, shape));
            }
            Operation::EmptyIsNull { table, field } => {
                self.emptied.entry(table).or_default().insert(field);
            }
            Operation::ModifyColumn { table, engine, column, old, new } => {
                let (_, columns) = self.modified.entry(table).or_insert_with(|| (engine, BTreeMap::new()));
                columns.insert(column, [old, new]);
            }
            Operation::Sync { table, engine, pair } => self.take_pair(table, engine, *pair, site),
            Operation::Metadata { table, field, step, contract } => {
                self.metadata.push(((table, field), *step, contract));
            }
            Operation::RenameTable { from, to } => {
                self.renamed.insert(to, from);
            }
            Operation::RenameSequence { from, to, table } => {
                self.sequences.insert(to, (from, table));
            }
            Operation::BeforeRename { table, step } => {
                self.first.push(Draft::of_table(*step, &table));
            }
        }
    }

    /// Two columns in step: one of them is new and comes with the other new columns of the table.
    fn take_pair(&mut self, table: String, engine: Option<String>, mut pair: SyncPair, site: Option<&Site>) {
        let (name, shape) = match pair.way {
            Way::Renamed => (&pair.green.0, pair.green.1.clone()),
            // Not given is not the same as given as 0: blue's column takes NULL and has no default.
            Way::Retyped | Way::Mapped => (&pair.blue.0, ColumnShape::nullable(&pair.blue.1.column_type)),
        };
        let is_there =
            site.and_then(|site| site.tables.get(&table)).is_some_and(|live| live.column(name).is_some());
        if !is_there {
            let mut columns = vec![column(name, &shape)];
            // It comes with blue's column, by which it is known that both have come.
            if pair.way == Way::Retyped && How::of(&table, engine.as_deref(), site) == How::Online {
                let ahead = pair.ahead_name();
                columns.push(column(&ahead, &pair.green.1));
                pair.ahead = Some(ahead);
            }
            for column in columns {
                self.take(
                    Operation::AddColumn { table: table.clone(), engine: engine.clone(), column },
                    site,
                );
            }
        }
        let (_, pairs) = self.pairs.entry(table).or_insert_with(|| (engine, Vec::new()));
        match pairs.iter_mut().find(|known| known.field == pair.field) {
            Some(known) => {
                known.to_green.extend(pair.to_green);
                known.to_blue.extend(pair.to_blue);
                if let (Some(names), Some(more)) = (&mut known.names, pair.names) {
                    names.serves.extend(more.serves);
                }
            }
            None => pairs.push(pair),
        }
        // A text that depends on another column comes when that one is right.
        pairs.sort_by_key(|pair| pair.to_green.looks_elsewhere());
    }

    /// What keeps columns in step, by table, before green and after blue: long texts of which none needs another, so they
    /// are made at the same time.
    fn synced(&self, site: Option<&Site>) -> Vec<(Vec<Draft>, Vec<Draft>)> {
        let tables = self.pairs.par_iter();
        tables
            .map(|(table, (engine, pairs))| {
                let how = How::of(table, engine.as_deref(), site);
                let view = self.renamed.get(table).unwrap_or(table);
                sync::steps([table, view], pairs, how, rows(site, table))
            })
            .collect()
    }

    /// The indexes of green's columns.
    fn indexed(&self, site: Option<&Site>) -> Vec<Draft> {
        let mut tables: BTreeMap<&String, (Option<&str>, Vec<NewIndex<Asked<'_>>>)> = BTreeMap::new();
        for (table, (engine, pairs)) in &self.pairs {
            // A column that has an index cannot be dropped in an instant, and the way back drops it.
            let new = pairs.iter().flat_map(|pair| {
                let fields = vec![pair.field.as_str(), pair.green.0.as_str()];
                let asked = (fields, pair.serves().collect::<Vec<&str>>());
                pair.indexes.iter().map(move |index| NewIndex {
                    index: index.clone(),
                    stays: false,
                    of: asked.clone(),
                })
            });
            tables.entry(table).or_insert_with(|| (engine.as_deref(), Vec::new())).1.extend(new);
        }
        for ((table, _), of_name) in &self.indexes {
            for (engine, index) in of_name {
                let is_swapped =
                    |pair: &SyncPair| pair.way == Way::Retyped && index.columns.contains(&pair.field);
                // A unique one blue did not ask for.
                let stays = !index.unique && !self.moved(table).any(is_swapped);
                let of = (index.columns.iter().map(String::as_str).collect(), Vec::new());
                let new = NewIndex { index: index.clone(), stays, of };
                tables.entry(table).or_insert_with(|| (engine.as_deref(), Vec::new())).1.push(new);
            }
        }
        let drafts = tables.into_iter().flat_map(|(table, (engine, indexes))| {
            let how = How::of(table, engine, site);
            alter::in_statements(indexes).into_iter().flat_map(move |indexes| {
                let steps = alter::add_indexes(table, &indexes, how, rows(site, table));
                let (fields, tables): (Vec<_>, Vec<_>) = indexes.into_iter().map(|new| new.of).unzip();
                let (fields, tables) = (fields.concat(), tables.concat());
                steps.into_iter().map(move |step| {
                    Draft::of_fields(step, table, fields.iter().copied()).and_tables(tables.iter().copied())
                })
            })
        });
        drafts.collect()
    }

    /// What makes empty texts NULL, by table, before green and after blue.
    fn emptied(&self, site: Option<&Site>) -> impl Iterator<Item = (Vec<Draft>, Vec<Draft>)> {
        self.emptied.iter().map(move |(table, fields)| {
            let steps = empty::steps(table, fields, rows(site, table));
            let draft = |step| Draft::of_fields(step, table, fields.iter().map(String::as_str));
            let (before, after) = (steps.0.into_iter().map(draft), steps.1.into_iter().map(draft));
            (before.collect(), after.collect())
        })
    }

    /// What a rollback builds again; nothing before green and after blue.
    fn kept(&self, site: Option<&Site>) -> impl Iterator<Item = (Vec<Draft>, Vec<Draft>)> {
        self.kept.iter().map(move |((table, _), (engine, index, shape))| {
            let how = How::of(table, engine.as_deref(), site);
            let mut step = alter::index_again(table, index, how, rows(site, table));
            if index.unique && has_empty(shape) {
                step.undo.insert(0, empty::again(table, &index.columns, rows(site, table)));
            }
            let columns = index.columns.iter().map(String::as_str);
            (vec![Draft::of_fields(step, table, columns)], Vec::new())
        })
    }

    /// Pairs of a table for which blue's values move to a new column.
    fn moved(&self, table: &str) -> impl Iterator<Item = &SyncPair> {
        let pairs = self.pairs.get(table).into_iter().flat_map(|(_, pairs)| pairs);
        pairs.filter(|pair| pair.way != Way::Renamed)
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
