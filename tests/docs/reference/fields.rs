//! A JSON Schema as tables: a section an object, a row a field.

use std::fmt::Write;

use regex::Regex;
use serde_json::Value;

/// What Kubernetes itself explains.
const OF_KUBERNETES: [&str; 6] =
    ["affinity", "tolerations", "env", "resources", "nodeSelector", "conditions"];

/// The sections of a part of a schema, its own first. `root` is where `$ref` looks.
pub(super) fn sections(path: &str, schema: &Value, root: &Value) -> String {
    let mut text = format!("\n## {path}\n");
    if let Some(about) = schema["description"].as_str() {
        write!(text, "\n{}\n", prose(about)).unwrap();
    }
    for (name, one) in alternatives(schema, root) {
        write!(
            text,
            "\n- {}{}",
            name,
            one["description"].as_str().map(|about| format!(": {}", cell(about))).unwrap_or_default()
        )
        .unwrap();
    }
    let Some(fields) = schema["properties"].as_object().filter(|fields| !fields.is_empty()) else {
        text.push('\n');
        return text;
    };
    text.push_str("\n| field | type | default | |\n|---|---|---|---|\n");
    let mut below = String::new();
    for (name, field) in fields {
        let must = schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
        let default = match &field["default"] {
            Value::Null if must => "required".to_owned(),
            Value::Null => String::new(),
            value if value.to_string().len() < 40 => format!("`{}`", value.to_string().replace('|', "\\|")),
            _ => "see below".to_owned(),
        };
        let about = field["description"].as_str().map(cell).unwrap_or_default();
        writeln!(text, "| `{name}` | {} | {default} | {about} |", kind(field, root)).unwrap();
        if !OF_KUBERNETES.contains(&name.as_str()) {
            let (inner, mark) =
                if field["items"].is_object() { (&field["items"], "[]") } else { (field, "") };
            if inner["properties"].as_object().is_some_and(|fields| !fields.is_empty()) {
                below.push_str(&sections(&format!("{path}.{name}{mark}"), inner, root));
            }
        }
        if default == "see below" {
            write!(below, "\nThe default of `{path}.{name}`:\n\n```json\n{}\n```\n", field["default"])
                .unwrap();
        }
    }
    let rules: Vec<&str> = schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| rule["message"].as_str())
        .collect();
    if !rules.is_empty() {
        text.push_str("\nThe API server refuses what breaks one of these rules, in these words:\n\n");
        for rule in rules {
            writeln!(text, "- {}", cell(rule)).unwrap();
        }
    }
    text + &below
}

/// The name of a schema's type, as a link where it has a section of its own.
fn kind(schema: &Value, root: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return if root["$defs"][name].is_object() {
            format!("[{name}](#{})", name.to_lowercase())
        } else {
            name.to_owned()
        };
    }
    if !schema["const"].is_null() {
        return format!("`{}`", schema["const"]);
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> =
            values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    let several = schema["anyOf"]
        .as_array()
        .or_else(|| schema["oneOf"].as_array())
        .or_else(|| schema["allOf"].as_array());
    if let Some(several) = several.filter(|_| schema["type"].is_null()) {
        let kinds: Vec<String> =
            several.iter().map(|one| kind(one, root)).filter(|kind| kind != "null").collect();
        return kinds.join(" or ");
    }
    let name = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<&str> =
                names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    };
    match name.as_str() {
        "array" => format!("list of {}", kind(&schema["items"], root)),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map of {}", kind(&schema["additionalProperties"], root))
        }
        _ => name,
    }
}

/// The forms of an enum, each with what is said of it.
fn alternatives<'a>(schema: &'a Value, root: &Value) -> Vec<(String, &'a Value)> {
    let forms = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    let name = |form: &Value| match (&form["const"], form["properties"].as_object()) {
        (Value::String(value), _) => format!("`{value}`"),
        (_, Some(fields)) => fields
            .iter()
            .map(|(name, field)| match field["const"].as_str() {
                Some(value) => format!("`{name}`: `{value}`"),
                None => format!("`{name}`: {}", kind(field, root)),
            })
            .collect::<Vec<_>>()
            .join(", "),
        _ => kind(form, root),
    };
    forms
        .into_iter()
        .flatten()
        .filter(|form| form["properties"].is_object() || !form["const"].is_null() || !form["enum"].is_null())
        .map(|form| (name(form), form))
        .collect()
}

/// Text of the code in a cell of a table.
fn cell(text: &str) -> String {
    prose(&text.split_whitespace().collect::<Vec<_>>().join(" ")).replace('|', "\\|")
}

/// Text of the code as Markdown: links to other code lose their brackets, and outside of code nothing is taken for a link
/// or HTML.
fn prose(text: &str) -> String {
    let text = Regex::new(r"\[(`[^`]+`)\]").unwrap().replace_all(text, "$1");
    let parts = text.split('`').enumerate();
    let escaped =
        parts.map(
            |(at, part)| {
                if at % 2 == 1 { part.to_owned() } else { part.replace('<', "&lt;").replace('[', "\\[") }
            },
        );
    escaped.collect::<Vec<_>>().join("`")
}
