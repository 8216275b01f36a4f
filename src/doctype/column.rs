//! Fieldtype -> MariaDB column, as Frappe's schema code of each version writes it.
//!
//! The rules were measured on Frappe 15.41 and checked against the DDL of 1,274 release pairs from version 13 to 16.

use super::{DocField, FrappeVersion};

/// Defaults that Frappe computes at insert: they never become a default of the column.
const COMPUTED_DEFAULTS: [&str; 7] = ["_Login", "__user", "_Full Name", "Today", "__today", "now", "Now"];

/// Columns that Frappe adds to every table that is no child table (`OPTIONAL_COLUMNS` in `frappe/database/database.py`). It
/// does so after the fields, so that its own type wins over that of a field of the same name (`Communication._user_tags`).
pub(super) const OPTIONAL_COLUMNS: [&str; 4] = ["_user_tags", "_comments", "_assign", "_liked_by"];

/// Default of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultValue {
    /// A number, as Python would print it.
    Number(String),
    /// A text, unquoted.
    Text(String),
}

impl DefaultValue {
    /// The value without quotes.
    pub fn text(&self) -> &str {
        match self {
            Self::Number(text) | Self::Text(text) => text,
        }
    }
}

/// Type, NULL-ness and default of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    /// As in `information_schema.COLUMNS.COLUMN_TYPE`, except `json` (which MariaDB reports as longtext).
    pub column_type: String,
    /// Whether it refuses NULL.
    pub not_null: bool,
    /// Default of the column.
    pub default: Option<DefaultValue>,
}

impl ColumnShape {
    /// The column of a field; `None` if the field has none (layout, child tables, virtual fields).
    pub fn of(field: &DocField, frappe: FrappeVersion) -> Option<Self> {
        if field.is_virtual {
            return None;
        }
        let column_type = column_type(&field.fieldtype, field.length, field.precision, frappe)?;
        if OPTIONAL_COLUMNS.contains(&field.fieldname.as_str()) {
            return Some(Self::nullable("text"));
        }
        let numeric = Numeric::of(&field.fieldtype);
        let not_null = numeric.is_some() || (frappe.major >= 16 && field.not_nullable);
        let default = match numeric {
            Some(numeric) => Some(numeric.default(field.default.as_deref().unwrap_or(""))),
            None => text_default(field, &column_type, frappe),
        };
        Some(Self { column_type, not_null, default })
    }

    /// Whether fields of this type hold a value at all.
    pub(super) fn is_type(fieldtype: &str, frappe: FrappeVersion) -> bool {
        column_type(fieldtype, 0, 0, frappe).is_some()
    }

    /// Whether it is one of the types that Frappe neither indexes nor makes unique.
    pub fn is_text(&self) -> bool {
        matches!(self.column_type.as_str(), "text" | "longtext")
    }

    /// A shape without default that may be NULL.
    pub fn nullable(column_type: &str) -> Self {
        Self { column_type: column_type.to_owned(), not_null: false, default: None }
    }

    /// A whole number that is 0 by default.
    pub fn zero(column_type: &str) -> Self {
        Self {
            column_type: column_type.to_owned(),
            not_null: true,
            default: Some(DefaultValue::Number("0".to_owned())),
        }
    }
}

/// The number types that Frappe makes NOT NULL.
#[derive(Clone, Copy)]
enum Numeric {
    Whole,
    Decimal,
}

impl Numeric {
    fn of(fieldtype: &str) -> Option<Self> {
        match fieldtype {
            "Check" | "Int" | "Long Int" => Some(Self::Whole),
            "Currency" | "Float" | "Percent" => Some(Self::Decimal),
            _ => None,
        }
    }

    fn default(self, written: &str) -> DefaultValue {
        DefaultValue::Number(match self {
            Self::Whole => cint(written).to_string(),
            Self::Decimal => format!("{:?}", flt(written)),
        })
    }
}

/// Whether Frappe makes the value when a document is inserted.
pub(super) fn is_computed(default: &str) -> bool {
    COMPUTED_DEFAULTS.contains(&default) || default.starts_with(':')
}

fn text_default(field: &DocField, column_type: &str, frappe: FrappeVersion) -> Option<DefaultValue> {
    let refuses_null = frappe.major >= 16 && field.not_nullable;
    let written = field.default.as_deref().filter(|written| {
        let is_computed = is_computed(written);
        let takes_none = frappe.has_legacy_tables() && matches!(column_type, "text" | "longtext");
        !is_computed && !takes_none
    });
    match written {
        Some(written) => Some(DefaultValue::Text(written.to_owned())),
        None if refuses_null => Some(DefaultValue::Text(String::new())),
        None => None,
    }
}

fn column_type(fieldtype: &str, length: u32, precision: u32, frappe: FrappeVersion) -> Option<String> {
    let name = match fieldtype {
        "Currency" | "Float" | "Percent" if frappe.has_short_decimals() && precision <= 6 => "decimal(18,6)",
        "Duration" if frappe.has_short_decimals() => "decimal(18,6)",
        "Currency" | "Float" | "Percent" | "Duration" => "decimal(21,9)",
        "Int" => return Some(int_type(length, frappe)),
        "Long Int" => "bigint(20)",
        "Check" if frappe.has_plain_integers() => "tinyint",
        "Check" if (2..11).contains(&length) && !frappe.has_legacy_tables() => {
            return Some(format!("int({length})"));
        }
        "Check" => "int(1)",
        "Small Text" | "Text" | "Password" | "Attach" | "Attach Image" => "text",
        "Long Text" | "Code" | "Text Editor" | "Markdown Editor" | "HTML Editor" | "Signature"
        | "Barcode" | "Geolocation" => "longtext",
        "Date" => "date",
        "Datetime" => "datetime(6)",
        "Time" => "time(6)",
        "Rating" if frappe.has_legacy_tables() => "int(1)",
        "Rating" => "decimal(3,2)",
        "JSON" => "json",
        "Data" | "Link" | "Dynamic Link" | "Select" | "Read Only" | "Color" | "Icon" | "Phone"
        | "Autocomplete" => {
            return Some(format!("varchar({})", if length == 0 { 140 } else { length }));
        }
        _ => return None,
    };
    Some(name.to_owned())
}

fn int_type(length: u32, frappe: FrappeVersion) -> String {
    match length {
        12.. if frappe.has_plain_integers() => "bigint".to_owned(),
        12.. => "bigint(20)".to_owned(),
        _ if frappe.has_plain_integers() => "int".to_owned(),
        1..=10 if !frappe.has_legacy_tables() => format!("int({length})"),
        _ => "int(11)".to_owned(),
    }
}

/// Frappe's cast to a whole number: 0 for what is none, decimals cut off.
pub(super) fn cint(text: &str) -> i64 {
    let text = text.trim();
    #[expect(clippy::cast_possible_truncation, reason = "cutting off is what the cast means")]
    text.parse().unwrap_or_else(|_| text.parse::<f64>().map_or(0, |number| number as i64))
}

/// Frappe's cast to a decimal: thousands separators are dropped, 0 for what is no number.
fn flt(text: &str) -> f64 {
    let number = text.trim().replace(',', "").parse().unwrap_or(0.0);
    if f64::is_finite(number) { number } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(json: &serde_json::Value, major: u32) -> ColumnShape {
        let object = json.as_object().unwrap().clone();
        let field = DocField::read(&object).unwrap().unwrap();
        ColumnShape::of(&field, FrappeVersion { major, minor: 50 }).unwrap()
    }

    #[test]
    fn numbers_are_never_null() {
        let int = shape(&serde_json::json!({"fieldname": "n", "fieldtype": "Int", "default": "x"}), 15);
        assert_eq!(int, ColumnShape::zero("int(11)"));
        let float =
            shape(&serde_json::json!({"fieldname": "n", "fieldtype": "Float", "default": "1,000"}), 15);
        assert_eq!(float.default, Some(DefaultValue::Number("1000.0".into())));
    }

    #[test]
    fn computed_defaults_stay_out_of_the_column() {
        for default in ["Today", "Now", "__user", ":Company"] {
            let shape =
                shape(&serde_json::json!({"fieldname": "n", "fieldtype": "Data", "default": default}), 15);
            assert_eq!(shape, ColumnShape::nullable("varchar(140)"));
        }
    }

    #[test]
    fn lengths_count_as_each_version_counts_them() {
        let int = |length, major| {
            shape(&serde_json::json!({"fieldname": "n", "fieldtype": "Int", "length": length}), major)
                .column_type
        };
        assert_eq!(int(5, 15), "int(5)");
        assert_eq!(int(5, 13), "int(11)");
        assert_eq!(int(20, 15), "bigint(20)");
        assert_eq!(int(0, 16), "int");
    }
}
