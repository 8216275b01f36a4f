//! What is added to tables that are in use: columns and indexes.

use crate::doctype::{ColumnShape, Index};
use crate::plan::operation::column as describe;
use crate::plan::{Column, Effect, Lock, Pace, Site, Step, Undo, quote};

use super::pace;
use super::text::{define, index_word, list};

/// How a table can be altered while others use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// `InnoDB`: columns INSTANT, indexes INPLACE without a lock.
    Online,
    /// `InnoDB` with COMPRESSED rows: no INSTANT, but INPLACE without a lock.
    Compressed,
    /// `MyISAM` (Error Log): a copy under a shared lock is all there is, and it is asked for by name.
    Copy,
}

impl How {
    /// What a table says of itself, else what its DocType says.
    pub(super) fn of(table: &str, engine: Option<&str>, site: Option<&Site>) -> Self {
        let live = site.and_then(|site| site.tables.get(table));
        let engine = live.map(|live| live.engine.as_str()).filter(|engine| !engine.is_empty()).or(engine);
        if engine.is_some_and(|engine| !engine.eq_ignore_ascii_case("innodb")) {
            Self::Copy
        } else if live.is_some_and(|live| live.row_format.eq_ignore_ascii_case("compressed")) {
            Self::Compressed
        } else {
            Self::Online
        }
    }

    /// The end of an ALTER that adds or drops columns.
    pub(super) fn columns(self) -> &'static str {
        match self {
            Self::Online => "ALGORITHM=INSTANT",
            Self::Compressed => "ALGORITHM=INPLACE, LOCK=NONE",
            Self::Copy => "ALGORITHM=COPY, LOCK=SHARED",
        }
    }

    /// The end of an ALTER that adds or drops an index.
    pub(super) fn indexes(self) -> &'static str {
        match self {
            Self::Online | Self::Compressed => "ALGORITHM=INPLACE, LOCK=NONE",
            Self::Copy => "ALGORITHM=COPY, LOCK=SHARED",
        }
    }

    /// What such an ALTER holds.
    pub(super) fn lock(self) -> Lock {
        if self == Self::Copy { Lock::Writes } else { Lock::None }
    }

    /// How long columns take.
    pub(super) fn column_pace(self, rows: Option<u64>) -> Pace {
        if self == Self::Online { Pace::Instant } else { pace::of_rebuild(rows) }
    }
}

/// One statement for all new columns of a table; those named in `dropped` have to go again at a rollback, and so have
/// those in `ahead`, unless they have become others since: they are no part of what is there afterwards.
pub(super) fn add_columns(
    table: &str,
    columns: &[Column],
    [dropped, ahead]: [&[String]; 2],
    how: How,
    rows: Option<u64>,
) -> Step {
    let added: Vec<String> = columns.iter().map(|column| format!("ADD COLUMN {}", define(column))).collect();
    let all = columns.iter().map(|column| column.name.clone());
    let (passing, names): (Vec<String>, Vec<String>) = all.partition(|name| ahead.contains(name));
    let (mut needed, kept): (Vec<String>, Vec<String>) =
        names.iter().cloned().partition(|name| dropped.contains(name));
    needed.extend(passing);
    let undo = [(needed, false), (kept, true)].into_iter().filter(|(columns, _)| !columns.is_empty());
    let undo = undo.map(|(columns, optional)| {
        let sql = drop_columns_but(table, &columns, ahead, how);
        let effect = Effect::ColumnsAbsent { table: table.to_owned(), columns };
        Undo { optional, ..Undo::statement(sql, effect) }
    });
    Step {
        lock: how.lock(),
        pace: how.column_pace(rows),
        rows,
        undo: undo.collect(),
        ..Step::statement(
            format!("add-columns-{table}"),
            format!("add {} to {table}", names.join(", ")),
            format!("ALTER TABLE {} {}, {}", quote::identifier(table), added.join(", "), how.columns()),
            Effect::ColumnsExist { table: table.to_owned(), columns: names },
        )
    }
}

/// The statement that drops columns.
pub(super) fn drop_columns(table: &str, columns: &[String], how: How) -> String {
    drop_columns_but(table, columns, &[], how)
}

/// The same, where some of them may be gone already.
fn drop_columns_but(table: &str, columns: &[String], gone: &[String], how: How) -> String {
    let dropped: Vec<String> = columns
        .iter()
        .map(|column| {
            let if_there = if gone.contains(column) { "IF EXISTS " } else { "" };
            format!("DROP COLUMN {if_there}{}", quote::identifier(column))
        })
        .collect();
    format!("ALTER TABLE {} {}, {}", quote::identifier(table), dropped.join(", "), how.columns())
}

/// A column becomes longer in a way that MariaDB does without touching a row. The way back copies the table, and none
/// is needed: what fitted before fits now.
pub(super) fn modify_column(
    table: &str,
    column: &str,
    [old, new]: [&ColumnShape; 2],
    how: How,
    rows: Option<u64>,
) -> Step {
    let becomes = |shape: &ColumnShape| Effect::ColumnsAre {
        table: table.to_owned(),
        columns: [(column.to_owned(), (shape.column_type.clone(), !shape.not_null))].into(),
    };
    let modify = |shape: &ColumnShape, how: &str| {
        let column = define(&describe(column, shape));
        format!("ALTER TABLE {} MODIFY COLUMN {column}, {how}", quote::identifier(table))
    };
    let back = Undo::statement(modify(old, "ALGORITHM=COPY, LOCK=SHARED"), becomes(old));
    Step {
        lock: how.lock(),
        pace: how.column_pace(rows),
        rows,
        undo: vec![Undo { optional: true, ..back }],
        ..Step::statement(
            format!("modify-column-{column}-{table}"),
            format!("{column} of {table} becomes {}", new.column_type),
            modify(new, how.columns()),
            becomes(new),
        )
    }
}

/// An index, built beside the traffic. A unique one has to go again at a rollback: blue did not ask for it.
pub(super) fn add_index(table: &str, index: &Index, how: How, rows: Option<u64>) -> Step {
    let effect =
        Effect::IndexExists { table: table.to_owned(), columns: index.columns.clone(), unique: index.unique };
    let title = format!("index {} of {table}", index.columns.join(", "));
    let sql = add_index_sql(table, index, how);
    Step {
        lock: how.lock(),
        pace: pace::of_rebuild(rows),
        rows,
        undo: vec![Undo { optional: !index.unique, ..without_index(table, index, how) }],
        ..Step::statement(format!("add-index-{}-{table}", index.name), title, sql, effect)
    }
}

/// An index of blue's, which is there and which green's migrate drops: there is nothing to do until a rollback builds it again.
pub(super) fn index_again(table: &str, index: &Index, how: How, rows: Option<u64>) -> Step {
    let (columns, unique) = (index.columns.clone(), index.unique);
    let past = Effect::IndexAbsent { table: table.to_owned(), columns, unique };
    let sql = format!(
        "ALTER TABLE {} ADD {} IF NOT EXISTS {} ({}), {}",
        quote::identifier(table),
        index_word(unique),
        quote::identifier(&index.name),
        list(&index.columns),
        how.indexes(),
    );
    let step = add_index(table, index, how, rows);
    Step {
        id: format!("keep-index-{}-{table}", index.name),
        title: format!("index {} of {table} as blue has it, also after a rollback", index.columns.join(", ")),
        pace: Pace::Instant,
        lock: Lock::None,
        past: Some(past),
        undo: vec![Undo::statement(sql.clone(), step.effect.clone())],
        sql,
        ..step
    }
}

/// The statement that adds an index.
pub(super) fn add_index_sql(table: &str, index: &Index, how: How) -> String {
    format!(
        "ALTER TABLE {} ADD {} {} ({}), {}",
        quote::identifier(table),
        index_word(index.unique),
        quote::identifier(&index.name),
        list(&index.columns),
        how.indexes(),
    )
}

/// The statement that drops those of these indexes that are there.
pub(super) fn drop_indexes(table: &str, names: &[String], how: How) -> String {
    let dropped: Vec<String> =
        names.iter().map(|name| format!("DROP INDEX IF EXISTS {}", quote::identifier(name))).collect();
    format!("ALTER TABLE {} {}, {}", quote::identifier(table), dropped.join(", "), how.indexes())
}

/// Drops an index, if it is there.
pub(super) fn without_index(table: &str, index: &Index, how: How) -> Undo {
    let sql = drop_indexes(table, std::slice::from_ref(&index.name), how);
    let columns = index.columns.clone();
    Undo::statement(sql, Effect::IndexAbsent { table: table.to_owned(), columns, unique: index.unique })
}
