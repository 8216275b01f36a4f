//! A document as Frappe's export writes it: `frappe.as_json` is Python's `json.dumps` with `indent=1, sort_keys=True,
//! separators=(",", ": ")`, which escapes all that is not ASCII, and no newline at the end (`frappe/__init__.py`,
//! `frappe/modules/export_file.py`, versions 13 to 15).

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter, Serializer};

use super::Document;

/// The text of the file, without a newline at its end.
///
/// # Errors
/// Fails only if the document cannot be written as JSON.
pub fn export(document: &Document) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    document.serialize(&mut Serializer::with_formatter(&mut bytes, Python::new()))?;
    String::from_utf8(bytes).map_err(|error| serde_json::Error::io(io::Error::other(error)))
}

/// Writes as Python's `json` does.
struct Python(PrettyFormatter<'static>);

impl Python {
    fn new() -> Self {
        Self(PrettyFormatter::with_indent(b" "))
    }
}

/// What the pretty formatter does by itself.
macro_rules! as_pretty {
    ($($name:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $name<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        })*
    };
}

impl Formatter for Python {
    as_pretty!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        begin_object_value(),
        end_object_value(),
        write_char_escape(escape: CharEscape),
    );

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        let mut rest = fragment;
        while let Some(at) = rest.find(|character: char| !character.is_ascii()) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut characters = rest[at..].chars();
            // Outside of the basic plane as two surrogates.
            for unit in characters.next().into_iter().flat_map(|c| c.encode_utf16(&mut units).to_vec()) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(float(value).as_bytes())
    }
}

/// A float as Python's `repr` gives it: an exponent below 1e-4 and from 1e16 on, with a sign and two digits at least.
fn float(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-4..1e16).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, number) = exponent.strip_prefix('-').map_or(("+", exponent), |number| ("-", number));
            format!("{digits}e{sign}{number:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn exported(value: &serde_json::Value) -> String {
        export(value.as_object().unwrap()).unwrap()
    }

    #[test]
    fn keys_are_sorted_and_each_level_is_a_space() {
        let text = exported(
            &json!({ "name": "Order", "fields": [{ "reqd": 1, "fieldname": "a" }], "links": [], "x": {} }),
        );
        assert_eq!(
            text,
            "{\n \"fields\": [\n  {\n   \"fieldname\": \"a\",\n   \"reqd\": 1\n  }\n ],\n \"links\": [],\n \"name\": \"Order\",\n \"x\": {}\n}"
        );
    }

    #[test]
    fn text_is_escaped_as_python_escapes_it() {
        assert_eq!(
            exported(&json!({ "a": "\u{e9}\u{1f600}\"\\\n\u{1}\u{7f}/" })),
            "{\n \"a\": \"\\u00e9\\ud83d\\ude00\\\"\\\\\\n\\u0001\u{7f}/\"\n}"
        );
    }

    #[test]
    fn floats_are_those_of_python() {
        for (value, expected) in [
            (1.0, "1.0"),
            (0.5, "0.5"),
            (1e-7, "1e-07"),
            (1.5e20, "1.5e+20"),
            (-2e-5, "-2e-05"),
            (1e15, "1000000000000000.0"),
        ] {
            assert_eq!(float(value), expected);
        }
    }
}
