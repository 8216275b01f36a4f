//! What a value becomes when its column changes type: Frappe's own casts as SQL expressions.
//!
//! Frappe casts when it loads and saves (`frappe/utils/data.py`: `cint` takes what Python's `float` takes and cuts it
//! off, `flt` drops thousands separators first, both give 0 for anything else; empty dates are NULL). What does not
//! fit the new type is decided by rule, never by an error that a user would see: numbers go to the nearest that fits,
//! texts are cut off, what is no date and no JSON becomes NULL. The expressions count on a `sql_mode` without
//! strictness (see [`SQL_MODE`]).

use std::borrow::Cow;

/// The `sql_mode` that the expressions are run with, in triggers and backfills alike. It takes dates of the month 0 that a
/// column holds already: with `NO_ZERO_IN_DATE` a column of the same type would get another value.
pub const SQL_MODE: &str = "";

/// What Python's `float` takes, but for `nan`, `inf` and digits parted by `_`.
const NUMBER: &str = "^[[:space:]]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[[:space:]]*$";
// No month and no day 0, of which the server's mode would say what they are.
const DATE: &str = "^[0-9]{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])([ T].*)?$";
const DATETIME: &str = "^[0-9]{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])([ T][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]{1,6})?)?)?$";
const TIME: &str = "^[0-9]{1,3}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]{1,6})?)?$";

/// What a column holds, as far as casts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `varchar`, with its length.
    Varchar(u32),
    /// `text`.
    Text,
    /// `longtext`.
    LongText,
    /// `longtext` that holds JSON only.
    Json,
    /// A whole number; its greatest value.
    Whole(i64),
    /// A decimal, with its digits and those behind the point.
    Decimal(u32, u32),
    /// A date.
    Date,
    /// A date with a time.
    Datetime,
    /// A time.
    Time,
}

impl Family {
    /// The family of a column type; `None` for one that Frappe makes no column of.
    pub(crate) fn of(column_type: &str) -> Option<Self> {
        let is_lower = !column_type.bytes().any(|byte| byte.is_ascii_uppercase());
        let lower =
            if is_lower { Cow::from(column_type) } else { Cow::from(column_type.to_ascii_lowercase()) };
        let (name, size) = lower.split_once('(').unwrap_or((&lower, ""));
        let mut sizes = size.trim_end_matches(')').split(',').map(|size| size.trim().parse::<u32>().ok());
        let (first, second) = (sizes.next().flatten(), sizes.next().flatten());
        Some(match name {
            "varchar" => Self::Varchar(first.unwrap_or(140)),
            "text" => Self::Text,
            "longtext" => Self::LongText,
            "json" => Self::Json,
            "tinyint" => Self::Whole(i64::from(i8::MAX)),
            "int" => Self::Whole(i64::from(i32::MAX)),
            "bigint" => Self::Whole(i64::MAX),
            "decimal" => Self::Decimal(first.unwrap_or(10), second.unwrap_or(0)),
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "time" => Self::Time,
            _ => return None,
        })
    }

    /// Whether it holds characters: compared byte by byte, for a collation takes `a` for `A`.
    pub(crate) fn is_characters(self) -> bool {
        matches!(self, Self::Varchar(_) | Self::Text | Self::LongText | Self::Json)
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Whole(_) | Self::Decimal(..))
    }
}

/// The expression that casts `value` (SQL, a column) from one column type to another; `None` where no rule can say
/// what it becomes (a date out of a time).
pub(crate) fn cast(value: &str, from: &str, to: &str, to_not_null: bool) -> Option<String> {
    let (from, to) = (Family::of(from)?, Family::of(to)?);
    let cast = nullable(value, from, to)?;
    if !to_not_null {
        Some(cast)
    } else if to.is_number() {
        Some(format!("COALESCE({cast}, 0)"))
    } else if to.is_characters() {
        Some(format!("COALESCE({cast}, '')"))
    } else {
        None
    }
}

fn nullable(value: &str, from: Family, to: Family) -> Option<String> {
    match to {
        Family::Varchar(length) => Some(varchar(value, from, length)),
        // A trigger that sets a longer text keeps its length modulo 65536: it must be cut off before. By characters, of
        // which the longest has four bytes.
        Family::Text if matches!(from, Family::LongText | Family::Json) => {
            Some(format!("CASE WHEN LENGTH({value}) > 65535 THEN LEFT({value}, 16383) ELSE {value} END"))
        }
        Family::Text | Family::LongText => Some(text(value, from)),
        Family::Json => {
            let text = text(value, from);
            let has_json = from.is_characters() || from.is_number();
            has_json.then(|| format!("CASE WHEN JSON_VALID({text}) THEN {text} END"))
        }
        Family::Whole(greatest) => whole(value, from, greatest),
        Family::Decimal(digits, scale) => {
            let number = number(value, from)?;
            // Out of bounds the cast gives the bound itself.
            Some(format!("CAST({number} AS DECIMAL({digits},{scale}))"))
        }
        Family::Date if from == Family::Datetime => Some(format!("DATE({value})")),
        Family::Date => moment(value, from, to, DATE, "DATE"),
        Family::Datetime if from == Family::Date => Some(format!("CAST({value} AS DATETIME(6))")),
        Family::Datetime => moment(value, from, to, DATETIME, "DATETIME(6)"),
        Family::Time => moment(value, from, to, TIME, "TIME(6)"),
    }
}

fn text(value: &str, from: Family) -> String {
    if from.is_characters() { value.to_owned() } else { format!("CAST({value} AS CHAR)") }
}

fn varchar(value: &str, from: Family, length: u32) -> String {
    let fits = matches!(from, Family::Varchar(longest) if longest <= length);
    if fits { value.to_owned() } else { format!("LEFT({}, {length})", text(value, from)) }
}

fn whole(value: &str, from: Family, greatest: i64) -> Option<String> {
    let number = if let Family::Whole(most) = from {
        if most <= greatest {
            return Some(format!("CAST({value} AS SIGNED)"));
        }
        value.to_owned()
    } else if from.is_number() {
        format!("TRUNCATE({value}, 0)")
    } else if from.is_characters() {
        format!("CASE WHEN {value} REGEXP '{NUMBER}' THEN TRUNCATE(TRIM({value}) + 0e0, 0) END")
    } else {
        return None;
    };
    let within = within(&number, &(-greatest - 1).to_string(), &greatest.to_string());
    Some(format!("CAST({within} AS SIGNED)"))
}

fn number(value: &str, from: Family) -> Option<String> {
    if from.is_number() {
        return Some(value.to_owned());
    }
    let bare = format!("REPLACE({value}, ',', '')");
    from.is_characters().then(|| format!("CASE WHEN {bare} REGEXP '{NUMBER}' THEN TRIM({bare}) + 0e0 END"))
}

/// A date or a time out of a text that looks like one; NULL for an impossible one (30 February). Of that a comparison makes a
/// date all the same, where a column gets NULL: so it is looked at as a text.
fn moment(value: &str, from: Family, to: Family, pattern: &str, word: &str) -> Option<String> {
    if from == to {
        return Some(value.to_owned());
    }
    from.is_characters().then(|| {
        let cast = format!("CAST({value} AS {word})");
        format!("CASE WHEN {value} REGEXP '{pattern}' AND CAST({cast} AS CHAR) IS NOT NULL THEN {cast} END")
    })
}

fn within(number: &str, least: &str, greatest: &str) -> String {
    // As a decimal: a double would round the bounds of a bigint away from it.
    format!("LEAST(GREATEST(CAST({number} AS DECIMAL(38,0)), {least}), {greatest})")
}

/// Which values a cast changes: an SQL condition on `value`; `None` if it changes none. A number is changed if it is
/// another one, or if text that is cut of its form (`007`) would become a whole number; text if characters are lost; NULL
/// where green's column takes none.
pub(crate) fn changes(
    value: &str,
    from: &str,
    to: &str,
    [had_null, to_not_null]: [bool; 2],
) -> Option<String> {
    let is_null = (had_null && to_not_null).then(|| format!("{value} IS NULL"));
    let (old, new) = (Family::of(from)?, Family::of(to)?);
    let becomes = nullable(value, old, new)?;
    let lost = match (old, new) {
        _ if keeps_all(old, new) => None,
        (_, Family::Varchar(length)) => Some(format!("CHAR_LENGTH({}) > {length}", text(value, old))),
        // What looks like a number and is the same one is no change, however it is written.
        (old, Family::Decimal(..)) if old.is_characters() => {
            let number = number(value, old)?;
            Some(format!("NOT COALESCE(({number}) <=> ({becomes}) AND ({becomes}) IS NOT NULL, FALSE)"))
        }
        (old, Family::Whole(_)) if old.is_characters() => {
            Some(format!("NOT (BINARY CAST({becomes} AS CHAR) <=> BINARY {value})"))
        }
        (old, Family::Date) if old.is_characters() => {
            Some(format!("({becomes} IS NULL OR CHAR_LENGTH(TRIM({value})) > 10)"))
        }
        (old, Family::Date | Family::Datetime | Family::Time | Family::Json) if old.is_characters() => {
            Some(format!("{becomes} IS NULL"))
        }
        (_, _) => Some(format!("NOT ({becomes} <=> {value})")),
    };
    let lost = lost.map(|lost| format!("({value} IS NOT NULL AND {lost})"));
    match (lost, is_null) {
        (Some(lost), Some(is_null)) => Some(format!("({lost} OR {is_null})")),
        (lost, is_null) => lost.or(is_null),
    }
}

/// [`changes`] where a text is read as a number; `None` where it is not.
pub(crate) fn number_changes(value: &str, to: &str) -> Option<String> {
    Family::of(to).filter(|family| family.is_number())?;
    changes(value, "longtext", to, [false, false])
}

/// Whether every value of one family is one of the other.
fn keeps_all(from: Family, to: Family) -> bool {
    const LONG: u32 = 32;
    match (from, to) {
        (Family::Varchar(a), Family::Varchar(b)) => a <= b,
        (
            Family::Whole(_) | Family::Decimal(..) | Family::Date | Family::Datetime | Family::Time,
            Family::Varchar(length),
        ) => length >= LONG,
        (_, Family::Text | Family::LongText) => {
            !matches!(from, Family::LongText | Family::Json) || to == Family::LongText
        }
        (Family::Whole(a), Family::Whole(b)) => a <= b,
        (Family::Whole(greatest), Family::Decimal(digits, scale)) => {
            // Digits before the point that the greatest number has.
            let needed = u32::try_from(greatest.to_string().len()).unwrap_or(LONG);
            digits.saturating_sub(scale) >= needed
        }
        (Family::Decimal(a, b), Family::Decimal(c, d)) => {
            b <= d && a.saturating_sub(b) <= c.saturating_sub(d)
        }
        (Family::Date, Family::Datetime) => true,
        (a, b) => a == b,
    }
}

/// Whether two values are the same: byte by byte for characters, by value for the rest.
pub(crate) fn same(a: &str, b: &str, column_type: &str) -> String {
    if Family::of(column_type).is_none_or(Family::is_characters) {
        format!("BINARY {a} <=> BINARY {b}")
    } else {
        format!("{a} <=> {b}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_rule_has_no_cast() {
        for (from, to) in [("time(6)", "datetime(6)"), ("date", "int(11)"), ("datetime(6)", "time(6)")] {
            assert_eq!(cast("a", from, to, false), None, "{from} to {to}");
        }
        assert_eq!(cast("a", "geometry", "text", false), None);
    }

    #[test]
    fn a_cast_that_keeps_all_changes_nothing() {
        for (from, to) in [
            ("int(11)", "varchar(140)"),
            ("varchar(140)", "text"),
            ("varchar(100)", "varchar(140)"),
            ("int(11)", "decimal(21,9)"),
            ("decimal(18,6)", "decimal(21,9)"),
            ("date", "datetime(6)"),
            ("int(1)", "tinyint(4)"),
            ("text", "longtext"),
        ] {
            let expected = if to == "tinyint(4)" { "NOT (" } else { "" };
            let found = changes("a", from, to, [true, false]);
            assert_eq!(found.is_some(), !expected.is_empty(), "{from} to {to}: {found:?}");
        }
        assert_eq!(changes("a", "int(11)", "bigint(20)", [true, true]).unwrap(), "a IS NULL");
        assert!(
            changes("a", "text", "varchar(140)", [true, false]).unwrap().contains("CHAR_LENGTH(a) > 140")
        );
    }

    #[test]
    fn a_column_that_refuses_null_never_gets_one() {
        let number = cast("a", "varchar(140)", "int(11)", true).unwrap();
        assert!(number.starts_with("COALESCE(CAST(") && number.ends_with(", 0)"), "{number}");
        assert_eq!(cast("a", "varchar(140)", "varchar(140)", true).unwrap(), "COALESCE(a, '')");
        assert_eq!(cast("a", "int(11)", "bigint(20)", false).unwrap(), "CAST(a AS SIGNED)");
    }
}
