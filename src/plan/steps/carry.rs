//! What triggers do with one row of a pair of columns: the side that changed wins, nothing loops, and what tells
//! afterwards whether the two sides say the same.

use std::borrow::Cow;

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
    /// Blue's column in quotes, and green's.
    quoted: [String; 2],
    blue: (&'a str, &'a str),
    green: (&'a str, &'a str),
    to_green: Cow<'a, Conversion>,
    to_blue: Cow<'a, Conversion>,
}

impl<'a> Sides<'a> {
    pub(super) fn of(pair: &'a SyncPair) -> Self {
        let green = (pair.green.0.as_str(), pair.green.1.column_type.as_str());
        Self::new(pair, green, [Cow::Borrowed(&pair.to_green), Cow::Borrowed(&pair.to_blue)])
    }

    /// While both columns have blue's type: green's is still the old column.
    pub(super) fn before_swap(pair: &'a SyncPair) -> Self {
        let column_type = pair.blue.1.column_type.as_str();
        let keep = Conversion::Cast {
            from: column_type.to_owned(),
            to: column_type.to_owned(),
            not_null: false,
            empty_is_null: false,
        };
        Self::new(pair, (&pair.field, column_type), [Cow::Owned(keep.clone()), Cow::Owned(keep)])
    }

    fn new(
        pair: &'a SyncPair,
        green: (&'a str, &'a str),
        [to_green, to_blue]: [Cow<'a, Conversion>; 2],
    ) -> Self {
        let blue = (pair.blue.0.as_str(), pair.blue.1.column_type.as_str());
        Self { quoted: [blue.0, green.0].map(quote::identifier), blue, green, to_green, to_blue }
    }

    fn blue(&self, row: &str) -> String {
        [row, &self.quoted[0]].concat()
    }

    fn green(&self, row: &str) -> String {
        [row, &self.quoted[1]].concat()
    }

    /// A pair is only made where both casts exist.
    pub(super) fn to_green(&self, row: &str) -> String {
        self.to_green.sql(row, self.blue.0).unwrap_or_else(|| self.blue(row))
    }

    fn to_blue(&self, row: &str) -> String {
        self.to_blue.sql(row, self.green.0).unwrap_or_else(|| self.green(row))
    }

    fn same_green(&self, a: &str, b: &str) -> String {
        cast::same(a, b, self.green.1)
    }

    fn same_blue(&self, a: &str, b: &str) -> String {
        cast::same(a, b, self.blue.1)
    }

    /// Green may still write a name that only blue knows (a job that was queued before): it means the new one.
    fn settled(&self) -> String {
        match *self.to_green {
            Conversion::Cast { .. } => String::new(),
            Conversion::Text(_) => format!(" SET {} = {};", self.green("NEW."), self.to_green("NEW.")),
        }
    }
}

/// Blue's view does not show the new column yet, or has just begun to: the one that is given wins.
pub(super) fn copy_insert(pair: &SyncPair) -> String {
    let (blue, field) = (quote::identifier(&pair.blue.0), quote::identifier(&pair.field));
    format!(
        "IF NEW.{blue} IS NULL THEN SET NEW.{blue} = NEW.{field}; ELSE SET NEW.{field} = NEW.{blue}; END IF;"
    )
}

/// Who inserts is known by name: blue has a user of its own. Anybody else writes green's columns, unless only blue's
/// is given. Where green's column takes no NULL, a 0 that green writes is also what blue's NULL would become: blue must
/// get the 0 all the same, for it gives nothing of its own.
pub(super) fn on_insert(pair: &SyncPair) -> String {
    let sides = Sides::of(pair);
    let settled = sides.settled();
    let (blue, green) = (sides.blue("NEW."), sides.green("NEW."));
    let (to_blue, to_green) = (sides.to_blue("NEW."), sides.to_green("NEW."));
    let green_default = default(&pair.green.1);
    let blue_default = if pair.way == Way::Renamed { default(&pair.blue.1) } else { "NULL".to_owned() };
    let takes_no_null = pair.blue.1.not_null || pair.green.1.not_null;
    let not_given = if takes_no_null { format!(" OR {blue} IS NULL") } else { String::new() };
    // Blue's column has moved to one without its default, for that is how it is known that blue's is not given.
    let as_before = match &pair.blue.1 {
        ColumnShape { not_null: true, default: Some(_), .. } if pair.way == Way::Retyped => {
            format!("SET {blue} = COALESCE({blue}, {}); ", default(&pair.blue.1))
        }
        _ => String::new(),
    };
    format!(
        "IF SUBSTRING_INDEX(USER(), '@', 1) = '{BLUE}' OR ({} AND NOT ({})) THEN {as_before}SET {green} = {to_green}; \
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
pub(super) fn on_update(sides: &Sides<'_>) -> String {
    let settled = sides.settled();
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

fn default(shape: &ColumnShape) -> String {
    match &shape.default {
        None => "NULL".to_owned(),
        Some(DefaultValue::Number(number)) => number.clone(),
        Some(DefaultValue::Text(text)) => quote::literal(text),
    }
}
