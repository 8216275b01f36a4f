//! One statement against the site's tables, how to see that it took effect, and how to take it back.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quote;

/// A column as MariaDB's `information_schema.COLUMNS` names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// Column name, unquoted.
    pub name: String,
    /// Its definition as in `CREATE TABLE`, e.g. `varchar(140)` or `int(1) NOT NULL DEFAULT 0`.
    pub definition: String,
}

/// The columns of an index, in order.
pub type IndexColumns = Vec<String>;

/// What is there in the database after a step has run: asked before the step, so that a retry is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Effect {
    /// The table exists.
    TableExists {
        /// Table name without its database.
        table: String,
    },
    /// The table does not exist.
    TableAbsent {
        /// Table name without its database.
        table: String,
    },
    /// The table has all these columns.
    ColumnsExist {
        /// Table name without its database.
        table: String,
        /// Column names.
        columns: Vec<String>,
    },
    /// The table has none of these columns.
    ColumnsAbsent {
        /// Table name without its database.
        table: String,
        /// Column names.
        columns: Vec<String>,
    },
    /// An index that begins with these columns exists, under any name.
    IndexExists {
        /// Table name without its database.
        table: String,
        /// Columns in index order.
        columns: IndexColumns,
        /// Whether it must be unique.
        unique: bool,
    },
    /// Queries may use the index, if it is there: it is not marked as ignored.
    IndexUsed {
        /// Table name without its database.
        table: String,
        /// Index name.
        index: String,
        /// Columns in index order.
        columns: IndexColumns,
        /// Whether it is unique.
        unique: bool,
    },
    /// The trigger exists.
    TriggerExists {
        /// Trigger name.
        trigger: String,
    },
    /// The trigger does not exist.
    TriggerAbsent {
        /// Trigger name.
        trigger: String,
    },
    /// The trigger exists and its body bears this label: one trigger may have several versions in a release.
    TriggerSays {
        /// Trigger name.
        trigger: String,
        /// Label of its outermost block.
        label: String,
    },
    /// The columns have these types and take NULL or not.
    ColumnsAre {
        /// Table name without its database.
        table: String,
        /// Column name -> type as in `CREATE TABLE` (`json` stands for longtext with a check), whether it takes NULL.
        columns: BTreeMap<String, (String, bool)>,
    },
    /// No index of the table has exactly these columns, or none that is unique: one that begins with them may stay.
    IndexAbsent {
        /// Table name without its database.
        table: String,
        /// Columns in index order.
        columns: IndexColumns,
        /// Whether only unique ones count.
        unique: bool,
    },
    /// No row of the table is as the condition says.
    NoRows {
        /// Table name without its database.
        table: String,
        /// SQL condition on its columns.
        condition: String,
    },
    /// Some row of the table is as the condition says.
    RowExists {
        /// Table name without its database.
        table: String,
        /// SQL condition on its columns.
        condition: String,
    },
    /// Blue's view shows these columns of the base under the names that blue knows.
    BlueShows {
        /// Table name without its database.
        table: String,
        /// Name that blue sees -> column of the base.
        columns: BTreeMap<String, String>,
    },
    /// A table has another name, and blue's view shows it under the one that blue knows.
    TableRenamed {
        /// Name that it had.
        from: String,
        /// Name that it has.
        to: String,
        /// Blue's view of it.
        view: String,
    },
    /// A sequence of this name exists.
    SequenceExists {
        /// Sequence name without its database.
        sequence: String,
    },
    /// No sequence of this name exists.
    SequenceAbsent {
        /// Sequence name without its database.
        sequence: String,
    },
    /// All of these, of one statement. A unique index has a statement of its own.
    All {
        /// What is there, none of it of this kind.
        effects: Vec<Self>,
    },
}

impl Effect {
    /// All of these.
    pub(crate) fn all(mut effects: Vec<Self>) -> Self {
        if effects.len() == 1 { effects.remove(0) } else { Self::All { effects } }
    }

    /// What it is made of; itself, unless it is several.
    pub(crate) fn parts(&self) -> &[Self] {
        if let Self::All { effects } = self { effects } else { std::slice::from_ref(self) }
    }
}

/// Two columns of one table, blue's and green's, that triggers keep in step, and how to see that they are.
///
/// A row in which neither condition holds is lost to one side. One in which a single one holds has a value that the
/// other side's type cannot hold: what it became there was decided by rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct InStep {
    /// Table name without its database.
    pub table: String,
    /// Column that blue writes.
    pub blue: String,
    /// Column that green writes.
    pub green: String,
    /// SQL condition on a row: green's value is what blue's becomes. Never NULL.
    pub green_follows: String,
    /// SQL condition on a row: blue's value is what green's becomes. Never NULL.
    pub blue_follows: String,
}

/// A column with what it gets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Assignment {
    /// Column that is written.
    pub column: String,
    /// What it gets: an SQL expression on the columns of the row.
    pub value: String,
}

impl Assignment {
    /// All of them as `UPDATE ... SET` takes them.
    pub(crate) fn list(assignments: &[Self]) -> String {
        let all: Vec<String> = assignments
            .iter()
            .map(|Self { column, value }| format!("{} = {value}", quote::identifier(column)))
            .collect();
        all.join(", ")
    }

    /// The names of the columns, for people.
    pub(crate) fn names(assignments: &[Self]) -> String {
        let names: Vec<&str> = assignments.iter().map(|one| one.column.as_str()).collect();
        names.join(", ")
    }
}

/// How a step is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Work {
    /// The statement as it stands.
    #[default]
    Statement,
    /// In chunks by primary key, never waiting for a row; the statement is the same work in one go.
    Backfill {
        /// Table name without its database.
        table: String,
        /// Columns that are filled, in the order of the assignments: a later value may look at an earlier column.
        columns: Vec<Assignment>,
        /// Which rows still need it: an SQL condition.
        condition: String,
    },
    /// On blue's schema: its view shows other columns of the base under the names that blue knows.
    BlueView {
        /// The view, which has the name that blue knows the table by.
        table: String,
        /// The base's table, if that has another name in green.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        /// Name that blue sees -> column of the base.
        columns: BTreeMap<String, String>,
    },
    /// A table gets another name, and in the same instant blue's view of it is one of that name.
    RenameTable {
        /// Name that it has.
        from: String,
        /// Name that it gets.
        to: String,
        /// Blue's view of it, whose name stays.
        view: String,
    },
}

/// A statement that takes a step back, with the effect that shows it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undo {
    /// One SQL statement; table names without a database.
    pub sql: String,
    /// What is there afterwards.
    pub effect: Effect,
    /// How it is run.
    #[serde(default)]
    pub work: Work,
    /// Whether blue is served as well without it (columns that green added): a rollback leaves it out.
    #[serde(default)]
    pub optional: bool,
}

impl Undo {
    /// A statement as it stands, without which blue is not served.
    pub fn statement(sql: String, effect: Effect) -> Self {
        Self { sql, effect, work: Work::Statement, optional: false }
    }

    /// Takes a trigger away.
    pub fn drop_trigger(trigger: String) -> Self {
        let sql = format!("DROP TRIGGER IF EXISTS {}", quote::identifier(&trigger));
        Self::statement(sql, Effect::TriggerAbsent { trigger })
    }
}

/// What a step holds while it runs, as the users of its table feel it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Lock {
    /// Nothing: reads and writes go on.
    #[default]
    None,
    /// A few rows at a time.
    Rows,
    /// Writes to the table wait until it is done.
    Writes,
}

/// How long a step takes, as far as it can be told beforehand.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Pace {
    /// Milliseconds, whatever the number of rows.
    #[default]
    Instant,
    /// Below a minute.
    Seconds,
    /// Below an hour.
    Minutes,
    /// An hour or more.
    Hours,
    /// Grows with the rows, and their number is not known: no live site was asked.
    Unknown,
}

/// Blue's schema and blue's user (they have one name) in a step's SQL: the real name is known when a release runs.
///
/// Whoever runs a step puts the real name in its place. A DocType or field with this text in its name is refused.
pub const BLUE: &str = "__crossfade_blue";

/// One statement of a plan. Table names carry no database: the connection's default database is the site's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Stable name of the step within its plan, e.g. `0003-add-columns-tabSales Order`.
    pub id: String,
    /// What it is for, in a few words.
    pub title: String,
    /// One SQL statement with `ALGORITHM=` and `LOCK=` where MariaDB takes them.
    pub sql: String,
    /// What is there when it has run.
    pub effect: Effect,
    /// If this holds a later step has gone beyond it: it is done, and to run it again would undo what came after.
    #[serde(default)]
    pub past: Option<Effect>,
    /// How it is run.
    #[serde(default)]
    pub work: Work,
    /// What it holds while it runs.
    #[serde(default)]
    pub lock: Lock,
    /// How long it takes.
    #[serde(default)]
    pub pace: Pace,
    /// Rows that it reads or writes, as the optimiser guesses them; `None` if no live site was asked.
    #[serde(default)]
    pub rows: Option<u64>,
    /// How to take it back; empty only where what it wrote goes with another step's undo or with a frozen table, or is the
    /// same to both versions.
    pub undo: Vec<Undo>,
}

impl Step {
    /// A statement as it stands that takes an instant, holds nothing and is not taken back.
    pub fn statement(id: String, title: String, sql: String, effect: Effect) -> Self {
        Self {
            id,
            title,
            sql,
            effect,
            past: None,
            work: Work::Statement,
            lock: Lock::None,
            pace: Pace::Instant,
            rows: None,
            undo: Vec::new(),
        }
    }

    /// A statement after which no row of `table` is as `condition` says; an old name in it gives way to a new one. Others
    /// may use the table: it fails at once where a row is taken, and is sent again, rather than wait for that one while it
    /// holds all rows that it has read before.
    pub(crate) fn rename_in(table: &str, title: String, sql: &str, condition: String) -> Self {
        let effect = Effect::NoRows { table: table.to_owned(), condition };
        let sql = format!("SET STATEMENT innodb_lock_wait_timeout = 0 FOR {sql}");
        Self { lock: Lock::Rows, ..Self::statement(format!("rename-in-{table}"), title, sql, effect) }
    }
}
