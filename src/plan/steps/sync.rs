//! Two columns in step while blue writes one and green the other: a renamed field, a field of another type.
//!
//! A renamed field: green's column is added, triggers carry every write over, then the rows that were there follow.
//! A field of another type: its values move to a column of their own first (triggers, rows, then blue's view), so that
//! the name is free. Green's values are made in the same go, in a column of another name. Then the old column is dropped
//! and the new one takes its name in one INSTANT statement; the rows that were written in between are filled after it, as
//! those of a renamed one. MariaDB would copy the table and block its writes for the same change.
//!
//! From the moment at which blue's view shows its own column until the triggers of the end no trigger touches a field that
//! changes its type: the column under its name has the one type and then the other, and a trigger that is right for both
//! would have to tell a NULL that blue writes from a value that it does not give.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::doctype::{ColumnShape, Index};
use crate::plan::operation::{OldIndex, SyncPair, Way, column, index_names};
use crate::plan::{Assignment, BLUE, Effect, Lock, Step, Undo, Work, cast, quote};

use super::alter::{self, How, NewIndex};
use super::carry::{Sides, copy_insert, on_insert, on_update};
use super::text::define;
use super::{Draft, blue_index, dropping, pace};

/// Label of the triggers that keep blue's new column equal to the old one, before blue's view shows it.
const COPY: &str = "crossfade_copy";
/// Label of the triggers while columns are swapped: they leave those alone. What is in the fields' columns meanwhile is
/// made anew out of blue's, on both ways.
const SWAP: &str = "crossfade_swap";
/// Label of the triggers that keep blue's column and green's in step.
const KEEP: &str = "crossfade_keep";

/// What the triggers fire on.
const EVENTS: [&str; 2] = ["INSERT", "UPDATE"];

/// Everything for the pairs of one table: what runs before green, and what runs after blue.
pub(super) fn steps(
    [table, view]: [&str; 2],
    pairs: &[SyncPair],
    how: How,
    rows: Option<u64>,
) -> (Vec<Draft>, Vec<Draft>) {
    let work = Table { name: table, view, pairs, how, rows };
    let (mut expand, mut contract) = (Vec::new(), Vec::new());
    let moved: Vec<&SyncPair> = pairs.iter().filter(|pair| pair.way != Way::Renamed).collect();
    let retyped: Vec<&SyncPair> = pairs.iter().filter(|pair| pair.way == Way::Retyped).collect();
    let all: Vec<&SyncPair> = pairs.iter().collect();
    let fields = |step: Step, of: &[&SyncPair]| {
        let draft = of.iter().flat_map(|pair| [pair.field.as_str(), pair.green.0.as_str()]);
        Draft::of_fields(step, table, draft).and_tables(of.iter().flat_map(|pair| pair.serves()))
    };
    let keep = work.statements(KEEP, &all);
    let mut before = (!moved.is_empty()).then(|| work.statements(COPY, &moved));
    if let Some(copy) = &before {
        // Once blue's view shows them it is past that, whatever the triggers are then.
        let past = [0, 1].map(|_| work.shows(&moved));
        expand.extend(work.triggers(COPY, copy, None, Some(&past)).map(|step| fields(step, &moved)));
        expand.push(fields(work.backfill_blue(&moved), &moved));
        for (step, pairs) in work.index_blue(&moved) {
            expand.push(fields(step, &pairs));
        }
        expand.push(fields(work.show(&moved), &moved));
    }
    if !retyped.is_empty() {
        expand.extend(work.drop_indexes(&retyped).map(|(step, pairs)| fields(step, &pairs)));
        let mapped: Vec<&SyncPair> = moved.iter().copied().filter(|pair| pair.way == Way::Mapped).collect();
        let swap = work.statements(SWAP, &mapped);
        let past = keep.clone().map(|(_, effect)| effect);
        let [mut insert, update] = work.triggers(SWAP, &swap, before.as_ref(), Some(&past));
        // On the way back the other trigger has come before this one.
        insert.undo.extend(work.backfill_back(retyped.iter().copied()));
        expand.extend([insert, update, work.swap(&retyped)].map(|step| fields(step, &retyped)));
        before = Some(swap);
    }
    expand.extend(work.triggers(KEEP, &keep, before.as_ref(), None).map(|step| fields(step, &all)));
    expand.push(fields(work.backfill_green(), &all));
    for (event, undo) in EVENTS.into_iter().zip(work.drop_triggers()) {
        let title = format!("nothing is left to carry over at {event} of {table}: blue is gone");
        contract.push(fields(dropping(format!("drop-trigger-{table}"), title, &undo), &all));
    }
    contract.extend(work.drop_blue(&moved).map(|step| fields(step, &moved)));
    (expand, contract)
}

/// A column that is filled.
struct Fill {
    set: Assignment,
    /// SQL condition: the column holds the value already. None for one that is filled only where another one is.
    is_same: Option<String>,
}

impl Fill {
    fn new(column: &str, value: String, column_type: &str) -> Self {
        let is_same = cast::same(&quote::identifier(column), &value, column_type);
        Self { set: Assignment { column: column.to_owned(), value }, is_same: Some(is_same) }
    }
}

/// One table with the pairs of columns that are kept in step.
struct Table<'a> {
    name: &'a str,
    /// Blue's name of it.
    view: &'a str,
    pairs: &'a [SyncPair],
    how: How,
    rows: Option<u64>,
}

impl Table<'_> {
    fn step(&self, id: &str, title: String, sql: String, effect: Effect) -> Step {
        let id = format!("{id}-{}", self.name);
        Step { rows: self.rows, ..Step::statement(id, title, sql, effect) }
    }

    fn trigger_name(&self, event: &str) -> String {
        format!("crossfade_sync_{}_{}", event.to_lowercase(), quote::short_hash(&[self.name]))
    }

    /// The triggers of the end are there: what was for the way to them is past.
    fn kept(&self) -> Effect {
        Effect::TriggerSays { trigger: self.trigger_name("UPDATE"), label: KEEP.to_owned() }
    }

    /// Blue's view shows its own columns.
    fn shows(&self, moved: &[&SyncPair]) -> Effect {
        Effect::BlueShows { table: self.view.to_owned(), columns: shown(moved) }
    }

    /// What makes both triggers of one label, for [`EVENTS`].
    fn statements(&self, label: &str, pairs: &[&SyncPair]) -> [(String, Effect); 2] {
        EVENTS.map(|event| self.trigger(event, label, pairs))
    }

    /// Both triggers in one version. What was there `before` them comes back at a rollback.
    fn triggers(
        &self,
        label: &str,
        statements: &[(String, Effect); 2],
        before: Option<&[(String, Effect); 2]>,
        past: Option<&[Effect; 2]>,
    ) -> [Step; 2] {
        [0, 1].map(|at| {
            let event = EVENTS[at];
            let (sql, effect) = statements[at].clone();
            let undo = match before {
                Some(before) => Undo::statement(before[at].0.clone(), before[at].1.clone()),
                None => Undo::drop_trigger(self.trigger_name(event)),
            };
            let what =
                if label == SWAP { "leave the columns that are swapped alone" } else { "carry values over" };
            let title = format!("{what} at {event} of {}", self.name);
            let id = format!("{}-{}", label.replace('_', "-"), event.to_lowercase());
            let past = past.map(|past| past[at].clone());
            Step { rows: None, past, undo: vec![undo], ..self.step(&id, title, sql, effect) }
        })
    }

    fn drop_triggers(&self) -> impl Iterator<Item = Undo> {
        EVENTS.map(|event| Undo::drop_trigger(self.trigger_name(event))).into_iter()
    }

    fn trigger(&self, event: &str, label: &str, pairs: &[&SyncPair]) -> (String, Effect) {
        let trigger = self.trigger_name(event);
        let bodies: Vec<String> = pairs
            .iter()
            .map(|pair| match (label, event) {
                (KEEP, "INSERT") => on_insert(pair),
                (KEEP, _) => on_update(&Sides::of(pair)),
                (_, "INSERT") => copy_insert(pair),
                (_, _) => on_update(&Sides::before_swap(pair)),
            })
            .collect();
        let sql = format!(
            "SET STATEMENT sql_mode = '{}' FOR CREATE OR REPLACE TRIGGER {} BEFORE {event} ON {} FOR EACH ROW {label}: BEGIN {} END",
            cast::SQL_MODE,
            quote::identifier(&trigger),
            quote::identifier(self.name),
            bodies.join(" "),
        );
        (sql, Effect::TriggerSays { trigger, label: label.to_owned() })
    }

    /// Goes through the rows once for all columns.
    fn backfill(&self, fills: Vec<Fill>) -> Step {
        let table = self.name.to_owned();
        let conditions: Vec<String> = fills
            .iter()
            .filter_map(|fill| fill.is_same.as_ref())
            .map(|same| format!("NOT ({same})"))
            .collect();
        let condition = conditions.join(" OR ");
        let columns: Vec<Assignment> = fills.into_iter().map(|fill| fill.set).collect();
        let names = Assignment::names(&columns);
        let is_whole = self.pairs.iter().any(|pair| pair.names.as_ref().is_some_and(|names| names.whole));
        // In one go it may not wait for a row while it holds others.
        let never_waits = if is_whole { ", innodb_lock_wait_timeout = 0" } else { "" };
        let sql = format!(
            "SET STATEMENT sql_mode = '{}'{never_waits} FOR UPDATE {} SET {} WHERE {condition}",
            cast::SQL_MODE,
            quote::identifier(self.name),
            Assignment::list(&columns),
        );
        let id = match &*columns {
            [one] => format!("backfill-{}", one.column),
            several => format!("backfill-{}-columns", several.len()),
        };
        let in_parts = Work::Backfill { table: table.clone(), columns, condition: condition.clone() };
        Step {
            work: if is_whole { Work::Statement } else { in_parts },
            lock: Lock::Rows,
            pace: pace::of_backfill(self.rows),
            ..self.step(
                &id,
                format!("fill {names} in the rows of {}", self.name),
                sql,
                Effect::NoRows { table, condition },
            )
        }
    }

    /// Before blue's view shows them, blue's columns get what the fields hold. What green's columns get in the same go may
    /// be out of date by the time they have the fields' names: [`Self::backfill_green`] looks at every row.
    fn backfill_blue(&self, moved: &[&SyncPair]) -> Step {
        let fills = moved.iter().flat_map(|pair| {
            let value = quote::identifier(&pair.field);
            let ahead = pair.ahead.as_ref().zip(pair.to_green.sql("", &pair.field)).map(|(column, value)| {
                Fill { set: Assignment { column: column.clone(), value }, is_same: None }
            });
            [Fill::new(&pair.blue.0, value, &pair.blue.1.column_type)].into_iter().chain(ahead)
        });
        // Once blue's view shows the columns, what is in them is blue's own.
        Step { past: Some(self.shows(moved)), ..self.backfill(fills.collect()) }
    }

    fn backfill_green(&self) -> Step {
        let fills = self.pairs.iter().map(|pair| {
            let value = Sides::of(pair).to_green("");
            Fill::new(&pair.green.0, value, &pair.green.1.column_type)
        });
        self.backfill(fills.collect())
    }

    /// The indexes of blue's column.
    fn blue_indexes(&self, pair: &SyncPair) -> Vec<Index> {
        blue_index::of(self.name, self.pairs, pair)
    }

    /// Blue's queries and its uniqueness go with the values.
    fn index_blue<'p>(&self, moved: &[&'p SyncPair]) -> Vec<(Step, Vec<&'p SyncPair>)> {
        let indexes = moved.iter().flat_map(|pair| {
            let all = self.blue_indexes(pair).into_iter();
            all.map(|index| NewIndex { index, stays: false, of: *pair })
        });
        let statements = alter::in_statements(indexes).into_iter().flat_map(|indexes| {
            let steps = alter::add_indexes(self.name, &indexes, self.how, self.rows);
            let pairs: Vec<&SyncPair> = indexes.into_iter().map(|new| new.of).collect();
            steps.into_iter().map(move |step| (step, pairs.clone()))
        });
        statements.collect()
    }

    /// Blue's view shows the moved columns under the names of the fields.
    fn show(&self, moved: &[&SyncPair]) -> Step {
        let columns = shown(moved);
        let plain: BTreeMap<String, String> =
            moved.iter().map(|pair| (pair.field.clone(), pair.field.clone())).collect();
        let known = moved.first().map(|pair| &*pair.blue_columns).unwrap_or_default();
        let names: Vec<&str> = columns.keys().map(String::as_str).collect();
        let title = format!("blue's view of {} shows {} as they were", self.name, names.join(", "));
        // What was swapped is filled as soon as triggers carry it again.
        let mapped = moved.iter().copied().filter(|pair| pair.way == Way::Mapped);
        let mut undo: Vec<Undo> = self.backfill_back(mapped).into_iter().collect();
        let of = (self.view != self.name).then(|| self.name.to_owned());
        let table = || self.view.to_owned();
        undo.push(Undo {
            optional: false,
            sql: self.show_sql(known, &plain),
            effect: Effect::BlueShows { table: table(), columns: plain.clone() },
            work: Work::BlueView { table: table(), of: of.clone(), columns: plain },
        });
        Step {
            rows: None,
            work: Work::BlueView { table: table(), of, columns: columns.clone() },
            undo,
            ..self.step("show-blue", title, self.show_sql(known, &columns), self.shows(moved))
        }
    }

    fn show_sql(&self, known: &[String], shown: &BTreeMap<String, String>) -> String {
        let columns: Vec<String> = known
            .iter()
            .map(|name| match shown.get(name).filter(|column| *column != name) {
                Some(column) => format!("{} AS {}", quote::identifier(column), quote::identifier(name)),
                None => quote::identifier(name),
            })
            .collect();
        format!(
            "CREATE OR REPLACE ALGORITHM=MERGE SQL SECURITY DEFINER VIEW {}.{} AS SELECT {} FROM {table}",
            quote::identifier(BLUE),
            quote::identifier(self.view),
            columns.join(", "),
            table = quote::identifier(self.name),
        )
    }

    /// A column that has an index cannot be dropped in an instant; nothing where none has one.
    fn drop_indexes<'p>(&self, retyped: &[&'p SyncPair]) -> Option<(Step, Vec<&'p SyncPair>)> {
        let indexed: Vec<(&SyncPair, &OldIndex)> =
            retyped.iter().filter_map(|pair| Some((*pair, pair.blue_index.as_ref()?))).collect();
        let names: Vec<String> = indexed.iter().flat_map(|(_, old)| old.names.iter().cloned()).collect();
        let back = indexed.iter().filter_map(|(pair, old)| {
            let (name, columns) = (old.names.first()?.clone(), vec![pair.field.clone()]);
            Some(NewIndex { index: Index { name, columns, unique: old.unique }, stays: false, of: () })
        });
        let undo = alter::in_statements(back).into_iter().flat_map(|together| {
            let again: Vec<&Index> = together.iter().map(|new| &new.index).collect();
            alter::indexes_back(self.name, &again, self.how)
        });
        let undo: Vec<Undo> = undo.collect();
        if undo.is_empty() {
            return None;
        }
        let pairs: Vec<&SyncPair> = indexed.into_iter().map(|(pair, _)| pair).collect();
        let fields: Vec<&str> = pairs.iter().map(|pair| pair.field.as_str()).collect();
        let title = format!("drop what indexes {}, which blue does not use any more", fields.join(", "));
        let sql = alter::drop_indexes(self.name, &names, self.how);
        let effect = Effect::all(pairs.iter().map(|pair| self.without_index(pair)).collect());
        Some((Step { undo, past: Some(self.kept()), ..self.step("drop-indexes", title, sql, effect) }, pairs))
    }

    /// No index is on the field alone.
    fn without_index(&self, pair: &SyncPair) -> Effect {
        let columns = vec![pair.field.clone()];
        Effect::IndexAbsent { table: self.name.to_owned(), columns, unique: false }
    }

    /// On the way back the fields get what blue's columns hold; nothing where there are none.
    fn backfill_back<'p>(&self, pairs: impl Iterator<Item = &'p SyncPair>) -> Option<Undo> {
        let fills = pairs.map(|pair| {
            let (value, column) = (quote::identifier(&pair.blue.0), quote::identifier(&pair.field));
            let back =
                if pair.blue.1.not_null { format!("COALESCE({value}, DEFAULT({column}))") } else { value };
            Fill::new(&pair.field, back, &pair.blue.1.column_type)
        });
        let fills: Vec<Fill> = fills.collect();
        if fills.is_empty() {
            return None;
        }
        let step = self.backfill(fills);
        Some(Undo { optional: false, sql: step.sql, effect: step.effect, work: step.work })
    }

    /// All columns of another type in one statement: dropped, and the new ones come where they were.
    fn swap(&self, retyped: &[&SyncPair]) -> Step {
        let forth = self.swap_sql(retyped, |pair| (&pair.green.1, pair.ahead.as_deref()));
        // Green's migrate may have made indexes of its own, by the names that Frappe gives them.
        let mut undo: Vec<Undo> = self.without_any_index(retyped).into_iter().collect();
        undo.push(Undo::statement(
            self.swap_sql(retyped, |pair| (&pair.blue.1, None)),
            is_column(self.name, retyped, |pair| &pair.blue.1),
        ));
        let names: Vec<&str> = retyped.iter().map(|pair| pair.field.as_str()).collect();
        let title = format!("{} of {}: the old column goes, the new one comes", names.join(", "), self.name);
        Step {
            undo,
            lock: self.how.lock(),
            pace: self.how.column_pace(self.rows),
            ..self.step("swap-columns", title, forth, is_column(self.name, retyped, |pair| &pair.green.1))
        }
    }

    /// What drops the indexes of fields' columns that can have some.
    fn without_any_index(&self, retyped: &[&SyncPair]) -> Option<Undo> {
        let indexed: Vec<&&SyncPair> = retyped.iter().filter(|pair| !pair.green.1.is_text()).collect();
        let names: Vec<String> = indexed.iter().flat_map(|pair| index_names(&pair.field, true)).collect();
        let effects = indexed.iter().map(|pair| self.without_index(pair)).collect();
        let undo = || Undo::statement(alter::drop_indexes(self.name, &names, self.how), Effect::all(effects));
        (!names.is_empty()).then(undo)
    }

    fn swap_sql<'a>(
        &self,
        retyped: &[&'a SyncPair],
        comes: impl Fn(&'a SyncPair) -> (&'a ColumnShape, Option<&'a str>),
    ) -> String {
        let behind = behind(retyped);
        // The last one first: of several behind one column each comes before those that are there.
        let position = |pair: &SyncPair| pair.blue_columns.iter().position(|name| *name == pair.field);
        let mut placed: Vec<&SyncPair> = retyped.to_vec();
        placed.sort_by_key(|pair| Reverse(position(pair)));
        let parts: Vec<String> = placed
            .into_iter()
            .flat_map(|pair| {
                let place = behind.get(pair.field.as_str());
                let place = place.map_or(String::new(), |name| format!(" AFTER {}", quote::identifier(name)));
                let (shape, ahead) = comes(pair);
                let defined = define(&column(&pair.field, shape));
                let comes = ahead.map_or("ADD COLUMN".to_owned(), |ahead| {
                    format!("CHANGE COLUMN {}", quote::identifier(ahead))
                });
                [
                    format!("DROP COLUMN {}", quote::identifier(&pair.field)),
                    format!("{comes} {defined}{place}"),
                ]
            })
            .collect();
        format!("ALTER TABLE {} {}, {}", quote::identifier(self.name), parts.join(", "), self.how.columns())
    }

    /// Once blue is gone its columns go, and before them their indexes.
    fn drop_blue(&self, moved: &[&SyncPair]) -> impl Iterator<Item = Step> {
        let indexes: Vec<Index> = moved.iter().flat_map(|pair| self.blue_indexes(pair)).collect();
        let indexes: Vec<&Index> = indexes.iter().collect();
        let without = || {
            let undo = alter::without_indexes(self.name, &indexes, self.how);
            dropping(format!("drop-indexes-{}", self.name), "blue is gone".to_owned(), &undo)
        };
        let columns: Vec<String> = moved.iter().map(|pair| pair.blue.0.clone()).collect();
        let drop = || {
            let fields: Vec<&str> = moved.iter().map(|pair| pair.field.as_str()).collect();
            let title = format!("blue is gone: what it wrote as {} is in green's columns", fields.join(", "));
            let sql = alter::drop_columns(self.name, &columns, self.how);
            let effect = Effect::ColumnsAbsent { table: self.name.to_owned(), columns: columns.clone() };
            Step::statement(format!("drop-columns-{}", self.name), title, sql, effect)
        };
        let first = (!indexes.is_empty()).then(without);
        first.into_iter().chain((!columns.is_empty()).then(drop))
    }
}

/// Name that blue knows -> column of its own that its view shows under it.
fn shown(moved: &[&SyncPair]) -> BTreeMap<String, String> {
    moved.iter().map(|pair| (pair.field.clone(), pair.blue.0.clone())).collect()
}

/// The last column before each swapped one that stays where it is; none for those that nothing that stays is before.
fn behind<'a>(retyped: &[&'a SyncPair]) -> HashMap<&'a str, &'a str> {
    let swapped: HashSet<&str> = retyped.iter().map(|pair| pair.field.as_str()).collect();
    let (mut behind, mut last) = (HashMap::new(), None);
    // All pairs are of one table.
    for name in retyped.first().into_iter().flat_map(|pair| &*pair.blue_columns) {
        if swapped.contains(name.as_str()) {
            behind.extend(last.map(|last| (name.as_str(), last)));
        } else {
            last = Some(name.as_str());
        }
    }
    behind
}

fn is_column<'a>(
    table: &str,
    retyped: &[&'a SyncPair],
    shape: impl Fn(&'a SyncPair) -> &'a ColumnShape,
) -> Effect {
    let columns = retyped.iter().map(|pair| {
        let shape = shape(pair);
        (pair.field.clone(), (shape.column_type.clone(), !shape.not_null))
    });
    Effect::ColumnsAre { table: table.to_owned(), columns: columns.collect() }
}
