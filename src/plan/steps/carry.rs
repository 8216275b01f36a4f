//! What triggers do with one row of a pair of columns: the side that changed wins, nothing loops, and what tells
//! afterwards whether the two sides say the same.

use crate::doctype::{ColumnShape, DefaultValue};
use crate::plan::operation::{Conversion, SyncPair, Way};
use crate::plan::{BLUE, InStep, cast, quote};

/// How to see that the pairs of a table are in step.
pub(super) fn in_step(table: &str, pairs: &[SyncPair]) -> Vec<InStep> {
    pairs
        .iter()
        // A table without a primary key of one column cannot be gone through; its steps' own effects say the same.
        .filter(|pair| pair.names.as_ref().is_none_or(|names| !names.whole))
        .map(|pair| {
            let sides = Sides::of(pair);
            let (blue, green) = (sides.blue(""), sides.green(""));
            InStep {
                table: table.to_owned(),
                blue: pair.blue.0.clone(),
                green: pair.green.0.clone(),
                green_follows: sides.same_green(&green, &sides.to_green("")),
                blue_follows: sides.same_blue(&blue, &sides.to_blue("")),
            }
        })
        .collect()
}

/// The two sides of a pair with what turns one into the other.
pub(super) struct Sides<'a> {
    pair: &'a SyncPair,
    to_green: &'a Conversion,
    to_blue: &'a Conversion,
}

impl<'a> Sides<'a> {
    pub(super) fn of(pair: &'a SyncPair) -> Self {
        Self { pair, to_green: &pair.to_green, to_blue: &pair.to_blue }
    }

    fn blue(&self, row: &str) -> String {
        format!("{row}{}", quote::identifier(&self.pair.blue.0))
    }

    fn green(&self, row: &str) -> String {
        format!("{row}{}", quote::identifier(&self.pair.green.0))
    }

    /// A pair is only made where both casts exist.
    pub(super) fn to_green(&self, row: &str) -> String {
        self.to_green.sql(row, &self.pair.blue.0).unwrap_or_else(|| self.blue(row))
    }

    fn to_blue(&self, row: &str) -> String {
        self.to_blue.sql(row, &self.pair.green.0).unwrap_or_else(|| self.green(row))
    }

    fn same_green(&self, a: &str, b: &str) -> String {
        cast::same(a, b, &self.pair.green.1.column_type)
    }

    fn same_blue(&self, a: &str, b: &str) -> String {
        cast::same(a, b, &self.pair.blue.1.column_type)
    }
}

/// Blue's view does not show the new column yet, or has just begun to: the one that is given wins.
pub(super) fn copy_insert(pair: &SyncPair) -> String {
    let (blue, field) = (quote::identifier(&pair.blue.0), quote::identifier(&pair.field));
    format!(
        "IF NEW.{blue} IS NULL THEN SET NEW.{blue} = NEW.{field}; ELSE SET NEW.{field} = NEW.{blue}; END IF;"
    )
}

/// The pair while both columns have blue's type: green's is still the old column.
pub(super) fn identity(pair: &SyncPair) -> SyncPair {
    let column_type = pair.blue.1.column_type.clone();
    let cast = Conversion::Cast { from: column_type.clone(), to: column_type.clone(), not_null: false };
    SyncPair {
        green: (pair.field.clone(), ColumnShape::nullable(&column_type)),
        to_green: cast.clone(),
        to_blue: cast,
        ..pair.clone()
    }
}

/// Who inserts is known by name: blue has a user of its own. Anybody else writes green's columns, unless only blue's
/// is given. Where green's column takes no NULL, a 0 that green writes is also what blue's NULL would become: blue must
/// get the 0 all the same, for it gives nothing of its own.
pub(super) fn on_insert(pair: &SyncPair) -> String {
    let sides = Sides::of(pair);
    let settled = settled(pair);
    let (blue, green) = (sides.blue("NEW."), sides.green("NEW."));
    let (to_blue, to_green) = (sides.to_blue("NEW."), sides.to_green("NEW."));
    let green_default = default(&pair.green.1);
    let blue_default = if pair.way == Way::Renamed { default(&pair.blue.1) } else { "NULL".to_owned() };
    let takes_no_null = pair.blue.1.not_null || pair.green.1.not_null;
    let not_given = if takes_no_null { format!(" OR {blue} IS NULL") } else { String::new() };
    format!(
        "IF SUBSTRING_INDEX(USER(), '@', 1) = '{BLUE}' OR ({} AND NOT ({})) THEN SET {green} = {to_green}; \
         ELSEIF NOT ({}){not_given} THEN SET {blue} = {to_blue};{settled} END IF;",
        sides.same_green(&green, &green_default),
        sides.same_blue(&blue, &blue_default),
        sides.same_green(&green, &to_green),
    )
}

/// The side that changed wins; Frappe names all columns that a version knows, so the other side's are as they were.
///
/// A green value that is what blue's would become changes nothing of blue's: so a backfill, and a save that writes
/// the same again, lose nothing of what only blue's type can hold.
pub(super) fn on_update(pair: &SyncPair) -> String {
    let sides = Sides::of(pair);
    let settled = settled(pair);
    let (blue, green) = (sides.blue("NEW."), sides.green("NEW."));
    let (to_blue, to_green) = (sides.to_blue("NEW."), sides.to_green("NEW."));
    format!(
        "IF NOT ({}) THEN IF NOT ({}) THEN SET {blue} = {to_blue};{settled} END IF; \
         ELSEIF NOT ({}) THEN SET {green} = {to_green}; END IF;",
        sides.same_green(&green, &sides.green("OLD.")),
        sides.same_green(&green, &to_green),
        sides.same_blue(&blue, &sides.blue("OLD.")),
    )
}

/// Green may still write a name that only blue knows (a job that was queued before): it means the new one.
fn settled(pair: &SyncPair) -> String {
    match pair.to_green {
        Conversion::Cast { .. } => String::new(),
        Conversion::Text(_) => {
            let sides = Sides::of(pair);
            format!(" SET {} = {};", sides.green("NEW."), sides.to_green("NEW."))
        }
    }
}

fn default(shape: &ColumnShape) -> String {
    match &shape.default {
        None => "NULL".to_owned(),
        Some(DefaultValue::Number(number)) => number.clone(),
        Some(DefaultValue::Text(text)) => quote::literal(text),
    }
}
