//! What is added to tables that are in use: columns and indexes.

use crate::doctype::Index;
use crate::plan::operation::column as describe;
use crate::plan::{Column, Effect, Lock, Pace, Site, Step, Undo, quote};

use super::text::{define, index_word, list};
use super::{Lengthened, pace};

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

    /// Whether transactions see the past of a table, and know an index by its age.
    fn has_history(self) -> bool {
        self != Self::Copy
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

/// One statement for all columns of a table, with their shapes before and after, that become longer in a way that MariaDB
/// does without touching a row. The way back copies the table, and none is needed: what fitted before fits now.
pub(super) fn modify_columns(table: &str, columns: &Lengthened, how: How, rows: Option<u64>) -> Step {
    let becomes = |at: usize| Effect::ColumnsAre {
        table: table.to_owned(),
        columns: columns
            .iter()
            .map(|(name, shapes)| (name.clone(), (shapes[at].column_type.clone(), !shapes[at].not_null)))
            .collect(),
    };
    let modify = |at: usize, how: &str| {
        let all = columns.iter().map(|(name, shapes)| define(&describe(name, &shapes[at])));
        let all: Vec<String> = all.map(|column| format!("MODIFY COLUMN {column}")).collect();
        format!("ALTER TABLE {} {}, {how}", quote::identifier(table), all.join(", "))
    };
    let back = Undo::statement(modify(0, "ALGORITHM=COPY, LOCK=SHARED"), becomes(0));
    let titles: Vec<String> =
        columns.iter().map(|(name, [_, new])| format!("{name} becomes {}", new.column_type)).collect();
    Step {
        lock: how.lock(),
        pace: how.column_pace(rows),
        rows,
        undo: vec![Undo { optional: true, ..back }],
        ..Step::statement(
            format!("modify-columns-{table}"),
            format!("in {table} {}", titles.join(", ")),
            modify(1, how.columns()),
            becomes(1),
        )
    }
}

/// A new index of a table.
pub(super) struct NewIndex<T> {
    /// The index.
    pub(super) index: Index,
    /// Whether blue is served as well with it: a rollback leaves it.
    pub(super) stays: bool,
    /// Who asked for it.
    pub(super) of: T,
}

/// What one statement can build: all plain indexes of a table go through its rows once. A unique one is alone, for a value
/// that stands twice would end the others with it.
pub(super) fn in_statements<T>(indexes: impl IntoIterator<Item = NewIndex<T>>) -> Vec<Vec<NewIndex<T>>> {
    let mut statements: Vec<Vec<NewIndex<T>>> = Vec::new();
    for new in indexes {
        let is_open = |statement: &&mut Vec<NewIndex<T>>| {
            statement.iter().all(|one| !one.index.unique && one.index.name != new.index.name)
        };
        match statements.iter_mut().filter(|_| !new.index.unique).find(is_open) {
            Some(statement) => statement.push(new),
            None => statements.push(vec![new]),
        }
    }
    statements
}

/// The statement that builds indexes beside the traffic, and the one from which on they are used: see [`add_indexes_sql`].
pub(super) fn add_indexes<T>(table: &str, indexes: &[NewIndex<T>], how: How, rows: Option<u64>) -> Vec<Step> {
    let all: Vec<&Index> = indexes.iter().map(|new| &new.index).collect();
    let of = |stays: bool| -> Vec<&Index> {
        indexes.iter().filter(|new| new.stays == stays).map(|new| &new.index).collect()
    };
    let (stay, go) = (of(true), of(false));
    let mut undo = Vec::new();
    if !go.is_empty() {
        undo.push(without_indexes(table, &go, how));
    }
    if !stay.is_empty() {
        // One that stays must not stay ignored.
        undo.extend(used(table, &stay, how).map(|(sql, effect)| Undo::statement(sql, effect)));
        undo.push(Undo { optional: true, ..without_indexes(table, &stay, how) });
    }
    let id = match &*all {
        [one] => format!("add-index-{}-{table}", one.name),
        several => format!("add-{}-indexes-{table}", several.len()),
    };
    let columns: Vec<String> = all.iter().map(|index| index.columns.join(", ")).collect();
    // Sorted and written one after the other.
    let work = rows.map(|rows| rows.saturating_mul(all.len() as u64));
    let add = Step {
        lock: how.lock(),
        pace: pace::of_rebuild(work),
        rows,
        undo,
        ..Step::statement(
            id,
            format!("index {} of {table}", columns.join("; ")),
            add_indexes_sql(table, &all, how),
            have_indexes(table, &all),
        )
    };
    let title = format!("queries of {table} may use the index {}", columns.join("; "));
    let used = used(table, &all, how)
        .map(|(sql, effect)| Step::statement(format!("use-indexes-{table}"), title, sql, effect));
    std::iter::once(add).chain(used).collect()
}

/// What brings indexes back that a step drops.
pub(super) fn indexes_back(table: &str, indexes: &[&Index], how: How) -> Vec<Undo> {
    back_by(add_indexes_sql(table, indexes, how), table, indexes, how)
}

/// The same by a statement of its own.
fn back_by(sql: String, table: &str, indexes: &[&Index], how: How) -> Vec<Undo> {
    let add = (sql, have_indexes(table, indexes));
    let all = std::iter::once(add).chain(used(table, indexes, how));
    all.map(|(sql, effect)| Undo::statement(sql, effect)).collect()
}

/// The statement that has queries use indexes, with its effect; nothing where they are used at once.
fn used(table: &str, indexes: &[&Index], how: How) -> Option<(String, Effect)> {
    let all: Vec<String> = indexes
        .iter()
        .map(|index| format!("ALTER INDEX {} NOT IGNORED", quote::identifier(&index.name)))
        .collect();
    let effect = |table, index: &Index| Effect::IndexUsed {
        table,
        index: index.name.clone(),
        columns: index.columns.clone(),
        unique: index.unique,
    };
    let sql = format!("ALTER TABLE {} {}, ALGORITHM=INSTANT", quote::identifier(table), all.join(", "));
    how.has_history().then(|| (sql, of_each(table, indexes, effect)))
}

/// An index of blue's, which is there and which green's migrate drops: there is nothing to do until a rollback builds it again.
/// Each has a step of its own: by then green may have dropped one of a table and not the next.
pub(super) fn index_again(table: &str, index: &Index, how: How, rows: Option<u64>) -> Step {
    let sql = format!(
        "ALTER TABLE {} ADD {}, {}",
        quote::identifier(table),
        defined(index, " IF NOT EXISTS", how),
        how.indexes(),
    );
    let effect = have_indexes(table, &[index]);
    let title =
        format!("index {} of {table} as blue has it, also after a rollback", index.columns.join(", "));
    Step {
        rows,
        past: Some(lack_indexes(table, &[index])),
        undo: back_by(sql.clone(), table, &[index], how),
        ..Step::statement(format!("keep-index-{}-{table}", index.name), title, sql, effect)
    }
}

/// The statement that adds indexes: ignored ([MariaDB](https://mariadb.com/kb/en/ignored-indexes/)), for to a transaction that is
/// older than an index it is error 1412 as soon as the optimiser takes it, be it for a `COUNT(*)`.
fn add_indexes_sql(table: &str, indexes: &[&Index], how: How) -> String {
    let added: Vec<String> = indexes.iter().map(|index| format!("ADD {}", defined(index, "", how))).collect();
    format!("ALTER TABLE {} {}, {}", quote::identifier(table), added.join(", "), how.indexes())
}

/// An index as `ADD` takes it.
fn defined(index: &Index, if_there: &str, how: How) -> String {
    let ignored = if how.has_history() { " IGNORED" } else { "" };
    let (word, name) = (index_word(index.unique), quote::identifier(&index.name));
    format!("{word}{if_there} {name} ({}){ignored}", list(&index.columns))
}

/// They are there.
fn have_indexes(table: &str, indexes: &[&Index]) -> Effect {
    of_each(table, indexes, |table, index| Effect::IndexExists {
        table,
        columns: index.columns.clone(),
        unique: index.unique,
    })
}

/// None of them is there.
fn lack_indexes(table: &str, indexes: &[&Index]) -> Effect {
    of_each(table, indexes, |table, index| Effect::IndexAbsent {
        table,
        columns: index.columns.clone(),
        unique: index.unique,
    })
}

/// What holds of all these indexes of a table.
fn of_each(table: &str, indexes: &[&Index], effect: impl Fn(String, &Index) -> Effect) -> Effect {
    Effect::all(indexes.iter().map(|index| effect(table.to_owned(), index)).collect())
}

/// The statement that drops those of these indexes that are there.
pub(super) fn drop_indexes(table: &str, names: &[String], how: How) -> String {
    let dropped: Vec<String> =
        names.iter().map(|name| format!("DROP INDEX IF EXISTS {}", quote::identifier(name))).collect();
    format!("ALTER TABLE {} {}, {}", quote::identifier(table), dropped.join(", "), how.indexes())
}

/// Drops those of these indexes that are there.
pub(super) fn without_indexes(table: &str, indexes: &[&Index], how: How) -> Undo {
    let names: Vec<String> = indexes.iter().map(|index| index.name.clone()).collect();
    Undo::statement(drop_indexes(table, &names, how), lack_indexes(table, indexes))
}
