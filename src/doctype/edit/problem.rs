//! What Frappe would refuse when a DocType is saved or migrated (`validate_fields` and `validate_name` in
//! `frappe/core/doctype/doctype/doctype.py`, version 15), said while it is edited.

use std::collections::BTreeMap;

use super::value::{is_set, rows};
use super::{Document, in_form_order, text};
use crate::doctype::DocField;
use crate::doctype::field::TABLE_TYPES;

/// A column's name has 64 characters.
const MAX_FIELDNAME: usize = 64;
/// Less than that by `tab`.
const MAX_NAME: usize = 61;
/// Names that the document itself uses.
const RESERVED: [&str; 20] = [
    "name",
    "parent",
    "creation",
    "owner",
    "modified",
    "modified_by",
    "parentfield",
    "parenttype",
    "file_list",
    "flags",
    "docstatus",
    "doctype",
    "meta",
    "parent_doc",
    "_table_fields",
    "_valid_columns",
    "_doc_before_save",
    "_table_fieldnames",
    "permitted_fieldnames",
    "dont_update_if_missing",
];
/// Columns that every DocType has, and those of child tables.
const STANDARD: [&str; 13] = [
    "name",
    "owner",
    "creation",
    "modified",
    "modified_by",
    "docstatus",
    "idx",
    "parent",
    "parentfield",
    "parenttype",
    "_comments",
    "_assign",
    "_seen",
];
const LAYOUT: [&str; 8] =
    ["Section Break", "Column Break", "Tab Break", "HTML", "Button", "Image", "Fold", "Heading"];
/// Types that Frappe makes unique.
const UNIQUE: [&str; 4] = ["Data", "Link", "Read Only", "Int"];
/// Types that it does not index.
const NOT_INDEXED: [&str; 5] = ["Text", "Long Text", "Small Text", "Code", "Text Editor"];

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It can be saved.
    Warning,
    /// Frappe refuses it.
    Error,
}

/// Something that Frappe would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Place of the field in the form, from 0; `None` for one of the DocType.
    pub index: Option<usize>,
    /// Name of that field.
    pub field: Option<String>,
    /// Property that is wrong.
    pub property: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: String,
}

/// The DocTypes of all apps: whether each is a child table.
pub type Known = BTreeMap<String, bool>;

/// What is wrong with a document. Names are judged by the rules for new ones if `is_new_name`.
pub fn problems(document: &Document, known: &Known, is_new_name: bool) -> Vec<Problem> {
    let mut found = Found::default();
    if is_new_name {
        name(document, &mut found);
    }
    let fields = in_form_order(document);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, field) in fields.iter().enumerate() {
        fieldname(field, at, &mut seen, &mut found);
        of_field(document, field, at, known, &mut found);
    }
    if rows(document, "fields").count()
        != document.get("fields").and_then(|all| all.as_array()).map_or(0, Vec::len)
    {
        found.doctype("fields", "an entry of its fields is no object");
    }
    of_doctype(document, &fields, &mut found);
    found.0
}

#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn doctype(&mut self, property: &str, message: &str) {
        self.0.push(Problem {
            index: None,
            field: None,
            property: Some(property.to_owned()),
            severity: Severity::Error,
            message: message.to_owned(),
        });
    }

    fn say(
        &mut self,
        severity: Severity,
        (at, field): (usize, &Document),
        (property, message): (&str, String),
    ) {
        self.0.push(Problem {
            index: Some(at),
            field: Some(text(field, "fieldname").into_owned()),
            property: Some(property.to_owned()),
            severity,
            message,
        });
    }
}

fn name(document: &Document, found: &mut Found) {
    let name = text(document, "name");
    let mut letters = name.chars();
    let is_letter = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !is_letter || !letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '-')) {
        found.doctype(
            "name",
            "a DocType's name starts with a letter and has letters, digits, spaces, underscores and hyphens alone",
        );
    }
    if name.trim() != name {
        found.doctype("name", "a DocType's name does not begin or end with a space");
    }
    if name.chars().count() > MAX_NAME {
        found.doctype("name", &format!("a DocType's name may have {MAX_NAME} characters"));
    }
}

fn fieldname(field: &Document, at: usize, seen: &mut BTreeMap<String, usize>, found: &mut Found) {
    let name = text(field, "fieldname").into_owned();
    let mut wrong = |message: String| found.say(Severity::Error, (at, field), ("fieldname", message));
    if name.is_empty() {
        return wrong(format!("row {} has no fieldname", at + 1));
    }
    if !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        wrong("a fieldname has letters, digits and underscores alone".to_owned());
    } else if name.chars().any(char::is_uppercase) {
        wrong("Frappe writes fieldnames in small letters".to_owned());
    }
    if name.chars().count() > MAX_FIELDNAME {
        wrong(format!("a fieldname may have {MAX_FIELDNAME} characters"));
    }
    if RESERVED.contains(&name.as_str()) {
        wrong(format!("{name} is a name that every document uses itself: take another one"));
    }
    if let Some(first) = seen.insert(name.clone(), at) {
        wrong(format!("{name} is there twice, in the rows {} and {}", first + 1, at + 1));
    }
}

fn of_field(document: &Document, field: &Document, at: usize, known: &Known, found: &mut Found) {
    let fieldtype = text(field, "fieldtype");
    let options = text(field, "options");
    let (is_layout, is_table) =
        (LAYOUT.contains(&fieldtype.as_ref()), TABLE_TYPES.contains(&fieldtype.as_ref()));
    let mut say =
        |severity, property: &str, message: String| found.say(severity, (at, field), (property, message));
    // As the planner reads it: what has no column under any version is no type.
    let is_type =
        is_layout || is_table || DocField::read(field).ok().flatten().is_none_or(|field| field.is_value());
    if !is_type {
        say(Severity::Error, "fieldtype", format!("{fieldtype:?} is no fieldtype"));
    }
    if is_table || fieldtype == "Link" {
        let target = known_target(document, &options, known);
        if let Some((severity, message)) = wrong_target(&fieldtype, &options, target) {
            say(severity, "options", message);
        }
    }
    if is_set(field, "reqd") && is_layout {
        say(Severity::Error, "reqd", format!("a {fieldtype} has no value, so it cannot be mandatory"));
    }
    let default = text(field, "default");
    if is_set(field, "reqd") && is_set(field, "hidden") && default.is_empty() {
        say(Severity::Error, "reqd", "a hidden field that is mandatory needs a default".to_owned());
    }
    if is_set(field, "unique") && !is_set(document, "issingle") && !UNIQUE.contains(&fieldtype.as_ref()) {
        say(
            Severity::Error,
            "unique",
            format!("Frappe makes no {fieldtype} unique, only {}", UNIQUE.join(", ")),
        );
    }
    if is_set(field, "search_index") && NOT_INDEXED.contains(&fieldtype.as_ref()) {
        say(Severity::Error, "search_index", format!("Frappe makes no index on a {fieldtype}"));
    }
    if fieldtype == "Check" && !matches!(default.as_ref(), "" | "0" | "1") {
        say(Severity::Error, "default", "the default of a Check is 0 or 1".to_owned());
    }
    if fieldtype == "Select" && !default.is_empty() && !options.split('\n').any(|option| option == default) {
        say(Severity::Error, "default", format!("{default:?} is none of the options"));
    }
    let precision = text(field, "precision");
    let is_number = matches!(fieldtype.as_ref(), "Currency" | "Float" | "Percent");
    if is_number && !precision.is_empty() && !precision.parse().is_ok_and(|digits: u8| digits <= 9) {
        say(Severity::Error, "precision", "the precision is a number from 0 to 9".to_owned());
    }
}

/// Whether what options name is a child table, if it is known.
fn known_target(document: &Document, options: &str, known: &Known) -> Option<bool> {
    if *options == *text(document, "name") {
        Some(is_set(document, "istable"))
    } else {
        known.get(options).copied()
    }
}

fn wrong_target(fieldtype: &str, options: &str, target: Option<bool>) -> Option<(Severity, String)> {
    match target {
        _ if options.is_empty() => {
            Some((Severity::Error, format!("a {fieldtype} needs a DocType in its options")))
        }
        _ if options == "[Select]" => None,
        // It may belong to an app that is not among these.
        None => {
            Some((Severity::Warning, format!("there is no DocType {options:?} in the apps that are open")))
        }
        Some(false) if fieldtype != "Link" => Some((Severity::Error, format!("{options} is no child table"))),
        Some(_) => None,
    }
}

fn of_doctype(document: &Document, fields: &[&Document], found: &mut Found) {
    let has = |name: &str| fields.iter().any(|field| text(field, "fieldname") == name);
    let holds = |name: &str| {
        fields.iter().any(|field| {
            text(field, "fieldname") == name && !LAYOUT.contains(&text(field, "fieldtype").as_ref())
        })
    };
    let search = text(document, "search_fields");
    for name in search.split(',').map(str::trim).filter(|name| !name.is_empty() && !holds(name)) {
        found.doctype("search_fields", &format!("{name:?} is no field with a value"));
    }
    for property in
        ["title_field", "image_field", "timeline_field", "is_published_field", "website_search_field"]
    {
        let name = text(document, property);
        if !name.is_empty() && !has(&name) {
            found.doctype(property, &format!("{name:?} is none of the fields"));
        }
    }
    let sort = text(document, "sort_field");
    let sorted = sort.split(',').filter_map(|entry| entry.split_whitespace().next());
    for name in sorted.filter(|name| !has(name) && !STANDARD.contains(name)) {
        found.doctype("sort_field", &format!("{name:?} is none of the fields"));
    }
    let autoname = text(document, "autoname");
    if let Some(name) = autoname.strip_prefix("field:").filter(|name| !has(name)) {
        found.doctype("autoname", &format!("{name:?} is none of the fields"));
    }
    if is_set(document, "istable") && is_set(document, "issingle") {
        found.doctype("issingle", "a DocType is a child table or a Single, not both");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(document: &serde_json::Value) -> Vec<String> {
        let known = Known::from([("Tag".to_owned(), false), ("Item".to_owned(), true)]);
        let all = problems(document.as_object().unwrap(), &known, true);
        all.into_iter()
            .map(|problem| {
                format!(
                    "{} {}: {}",
                    problem.field.unwrap_or_default(),
                    problem.property.unwrap(),
                    problem.message
                )
            })
            .collect()
    }

    #[test]
    fn a_sound_doctype_has_none() {
        let document = json!({ "name": "Order", "search_fields": "title", "sort_field": "modified", "fields": [
            { "fieldname": "title", "fieldtype": "Data", "unique": 1 }, { "fieldname": "s", "fieldtype": "Section Break" },
            { "fieldname": "items", "fieldtype": "Table", "options": "Item" }, { "fieldname": "parent_order", "fieldtype": "Link", "options": "Order" },
            { "fieldname": "state", "fieldtype": "Select", "options": "A\nB", "default": "B" }
        ] });
        assert_eq!(found(&document), [""; 0]);
    }

    #[test]
    fn each_rule_of_frappe_is_said() {
        let document = json!({ "name": "1 Order", "search_fields": "gone", "title_field": "gone", "sort_field": "gone desc", "autoname": "field:gone", "fields": [
            { "fieldname": "a", "fieldtype": "Data" }, { "fieldname": "a", "fieldtype": "Data" },
            { "fieldtype": "Data" }, { "fieldname": "B", "fieldtype": "Data" }, { "fieldname": "c d", "fieldtype": "Data" },
            { "fieldname": "name", "fieldtype": "Data" }, { "fieldname": "e", "fieldtype": "Dat" },
            { "fieldname": "f", "fieldtype": "Link" }, { "fieldname": "g", "fieldtype": "Link", "options": "Gone" },
            { "fieldname": "h", "fieldtype": "Table", "options": "Tag" }, { "fieldname": "i", "fieldtype": "Section Break", "reqd": 1 },
            { "fieldname": "j", "fieldtype": "Data", "reqd": 1, "hidden": 1 }, { "fieldname": "k", "fieldtype": "Text", "unique": 1 },
            { "fieldname": "l", "fieldtype": "Check", "default": "2" }, { "fieldname": "m", "fieldtype": "Select", "options": "A", "default": "B" }
        ] });
        let found = found(&document);
        for expected in [
            "name: a DocType's name starts",
            "a fieldname: a is there twice, in the rows 1 and 2",
            " fieldname: row 3 has no fieldname",
            "B fieldname: Frappe writes",
            "c d fieldname: a fieldname has letters",
            "name fieldname: name is a name that",
            "e fieldtype: \"Dat\" is no fieldtype",
            "f options: a Link needs",
            "g options: there is no DocType \"Gone\" in the apps",
            "h options: Tag is no child table",
            "i reqd: a Section Break has no value",
            "j reqd: a hidden field",
            "k unique: Frappe makes no Text unique",
            "l default: the default of a Check",
            "m default: \"B\" is none of the options",
            "search_fields: \"gone\"",
            "title_field: \"gone\"",
            "sort_field: \"gone\"",
            "autoname: \"gone\"",
        ] {
            assert!(
                found.iter().any(|line| line.trim_start().contains(expected.trim_start())),
                "{expected} is not in {found:#?}"
            );
        }
        assert_eq!(found.len(), 19, "{found:#?}");
    }
}
