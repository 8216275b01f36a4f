//! What names a field or a `DocType` in the documents of all apps, so that a rename can take it along.
//!
//! Which properties hold names is Frappe's: `DocType`, `DocField` and `DocType Link` of version 15.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Document, text};
use crate::doctype::TARGET_TYPES;

/// Properties of a `DocType` that hold one name of its own fields.
const DOCTYPE_FIELDS: [&str; 10] = [
    "title_field",
    "image_field",
    "timeline_field",
    "is_published_field",
    "website_search_field",
    "sender_field",
    "sender_name_field",
    "subject_field",
    "recipient_account_field",
    "nsm_parent_field",
];
/// Properties of a field that are a condition on the document: a name, or `eval:` with `doc.name`.
const CONDITIONS: [&str; 4] =
    ["depends_on", "mandatory_depends_on", "read_only_depends_on", "collapsible_depends_on"];

/// What is renamed.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A field.
    Field {
        /// Its DocType.
        doctype: &'a str,
        /// Name now.
        from: &'a str,
        /// Name to be.
        to: &'a str,
    },
    /// A DocType.
    DocType {
        /// Name now.
        from: &'a str,
        /// Name to be.
        to: &'a str,
    },
}

/// One property that names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// DocType that refers.
    pub doctype: String,
    /// Its field; `None` for a property of the DocType.
    pub field: Option<String>,
    /// The property.
    pub property: String,
    /// Its value.
    pub before: Value,
    /// Its value with the new name.
    pub after: Value,
}

/// Every property of these documents that names the target.
pub fn references<'a>(
    documents: impl Iterator<Item = &'a Document> + Clone,
    target: Target<'_>,
) -> Vec<Reference> {
    let parents = match target {
        // Children reach fields of their parent by `parent.name`.
        Target::Field { doctype, .. } => children_of(documents.clone(), doctype),
        Target::DocType { .. } => BTreeSet::new(),
    };
    documents.flat_map(|document| Looking { document, target, parents: &parents }.all()).collect()
}

/// The fields of these documents that lead to a DocType: DocType, field, type.
pub fn linked_from<'a>(
    documents: impl Iterator<Item = &'a Document>,
    doctype: &str,
) -> Vec<(String, String, String)> {
    let of = |document: &Document| {
        let fields = super::fields(document).filter(|field| leads_to(field, doctype));
        let name = text(document, "name").into_owned();
        fields
            .map(|field| {
                (name.clone(), text(field, "fieldname").into_owned(), text(field, "fieldtype").into_owned())
            })
            .collect::<Vec<_>>()
    };
    documents.flat_map(of).collect()
}

fn leads_to(field: &Document, doctype: &str) -> bool {
    TARGET_TYPES.contains(&text(field, "fieldtype").as_ref()) && text(field, "options") == doctype
}

fn children_of<'a>(documents: impl Iterator<Item = &'a Document>, doctype: &str) -> BTreeSet<String> {
    let mut own = documents.filter(|document| text(document, "name") == doctype);
    let tables = own.next().into_iter().flat_map(super::fields);
    let tables = tables.filter(|field| text(field, "fieldtype").starts_with("Table"));
    tables.map(|field| text(field, "options").into_owned()).collect()
}

struct Looking<'a> {
    document: &'a Document,
    target: Target<'a>,
    parents: &'a BTreeSet<String>,
}

impl Looking<'_> {
    fn all(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        let name = text(self.document, "name").into_owned();
        let mut enter = |field: Option<&str>, property: &str, before: &Value, after: Value| {
            if *before != after {
                found.push(Reference {
                    doctype: name.clone(),
                    field: field.map(str::to_owned),
                    property: property.to_owned(),
                    before: before.clone(),
                    after,
                });
            }
        };
        for (property, value) in self.document {
            if let Some(after) = self.of_doctype(property, value) {
                enter(None, property, value, after);
            }
        }
        for field in super::fields(self.document) {
            let own = text(field, "fieldname");
            for (property, value) in field {
                let after = value.as_str().and_then(|value| self.of_field(field, property, value));
                if let Some(after) = after {
                    enter(Some(&own), property, value, after.into());
                }
            }
        }
        found
    }

    fn is_own(&self, doctype: &str) -> bool {
        text(self.document, "name") == doctype
    }

    fn of_doctype(&self, property: &str, value: &Value) -> Option<Value> {
        if property == "links" {
            return Some(Value::Array(value.as_array()?.iter().map(|row| self.link(row)).collect()));
        }
        let Target::Field { doctype, from, to } = self.target else { return None };
        let value = value.as_str().filter(|_| self.is_own(doctype))?;
        let after = match property {
            "search_fields" => each(value, ',', |entry| (entry == from).then(|| to.to_owned())),
            "sort_field" => each(value, ',', |entry| {
                let (name, order) =
                    entry.split_once(' ').map_or((entry, None), |(name, order)| (name, Some(order)));
                (name == from).then(|| order.map_or_else(|| to.to_owned(), |order| format!("{to} {order}")))
            }),
            "autoname" => autoname(value, from, to),
            property if DOCTYPE_FIELDS.contains(&property) && value == from => to.to_owned(),
            _ => return None,
        };
        Some(after.into())
    }

    /// A row of `links`: documents that the form's dashboard shows.
    fn link(&self, row: &Value) -> Value {
        let Some(object) = row.as_object() else { return row.clone() };
        let mut object = object.clone();
        let is = |object: &Document, key: &str, value: &str| text(object, key) == value;
        match self.target {
            Target::DocType { from, to } => {
                for key in ["link_doctype", "parent_doctype"] {
                    if is(&object, key, from) {
                        object.insert(key.to_owned(), to.into());
                    }
                }
            }
            Target::Field { doctype, from, to } => {
                let has_parent = !text(&object, "parent_doctype").is_empty();
                if is(&object, "link_doctype", doctype) && is(&object, "link_fieldname", from) {
                    object.insert("link_fieldname".to_owned(), to.into());
                }
                let holds =
                    if has_parent { is(&object, "parent_doctype", doctype) } else { self.is_own(doctype) };
                if holds && is(&object, "table_fieldname", from) {
                    object.insert("table_fieldname".to_owned(), to.into());
                }
            }
        }
        Value::Object(object)
    }

    fn of_field(&self, field: &Document, property: &str, value: &str) -> Option<String> {
        match self.target {
            Target::DocType { from, to } => doctype_in_field(field, property, value, (from, to)),
            Target::Field { doctype, from, to } => {
                self.field_in_field(field, property, value, (doctype, from, to))
            }
        }
    }

    fn field_in_field(
        &self,
        field: &Document,
        property: &str,
        value: &str,
        (doctype, from, to): (&str, &str, &str),
    ) -> Option<String> {
        let is_own = self.is_own(doctype);
        match property {
            "fetch_from" => {
                let (link, fetched) = value.split_once('.')?;
                let by = super::fields(self.document).find(|by| text(by, "fieldname") == link);
                let leads_here = by.is_some_and(|by| leads_to(by, doctype));
                let link = if is_own && link == from { to } else { link };
                let fetched = if leads_here && fetched == from { to } else { fetched };
                Some(format!("{link}.{fetched}"))
            }
            "options" => self.options(field, value, (doctype, from, to)),
            "link_filters" => {
                let conditions = if is_own { eval(value, "doc", from, to) } else { value.to_owned() };
                Some(link_filters(&conditions, |filter| {
                    let is_of_target = filter.first().and_then(Value::as_str) == Some(doctype);
                    let name = filter.get_mut(1).filter(|name| is_of_target && name.as_str() == Some(from));
                    if let Some(name) = name {
                        *name = to.into();
                    }
                }))
            }
            _ if CONDITIONS.contains(&property) => {
                let mut after = value.to_owned();
                if is_own {
                    after = if after == from { to.to_owned() } else { eval(&after, "doc", from, to) };
                }
                if self.parents.contains(text(self.document, "name").as_ref()) {
                    after = eval(&after, "parent", from, to);
                }
                Some(after)
            }
            _ => None,
        }
    }

    /// A Dynamic Link names the field with the DocType, a Currency the field with the currency or `DocType:link:field`.
    fn options(
        &self,
        field: &Document,
        value: &str,
        (doctype, from, to): (&str, &str, &str),
    ) -> Option<String> {
        let fieldtype = text(field, "fieldtype");
        let is_own = self.is_own(doctype);
        match fieldtype.as_ref() {
            "Dynamic Link" if is_own && value == from => Some(to.to_owned()),
            "Currency" | "Float" | "Int" | "Percent" => match value.split(':').collect::<Vec<_>>()[..] {
                [name] if is_own && name == from => Some(to.to_owned()),
                [of, link, name] => {
                    let link = if is_own && link == from { to } else { link };
                    let name = if of == doctype && name == from { to } else { name };
                    Some(format!("{of}:{link}:{name}"))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn doctype_in_field(
    field: &Document,
    property: &str,
    value: &str,
    (from, to): (&str, &str),
) -> Option<String> {
    match property {
        "options" => match text(field, "fieldtype").as_ref() {
            kind if TARGET_TYPES.contains(&kind) && value == from => Some(to.to_owned()),
            // Of which a Dynamic Link may take one.
            "Select" => Some(each(value, '\n', |entry| (entry == from).then(|| to.to_owned()))),
            "Currency" | "Float" | "Int" | "Percent" => {
                let rest = value.strip_prefix(from)?.strip_prefix(':')?;
                Some(format!("{to}:{rest}"))
            }
            _ => None,
        },
        // The user's default of that DocType.
        "default" => (value.strip_prefix(':')? == from).then(|| format!(":{to}")),
        "link_filters" => Some(link_filters(value, |filter| {
            if let Some(name) = filter.first_mut().filter(|name| name.as_str() == Some(from)) {
                *name = to.into();
            }
        })),
        _ => None,
    }
}

/// A list with its entries exchanged; spaces around them stay.
fn each(list: &str, separator: char, change: impl Fn(&str) -> Option<String>) -> String {
    let entries = list.split(separator).map(|entry| match change(entry.trim()) {
        Some(after) => entry.replacen(entry.trim(), &after, 1),
        None => entry.to_owned(),
    });
    entries.collect::<Vec<_>>().join(&separator.to_string())
}

/// `field:name`, `format:A-{name}`, and the old style `A-.{name}.-.#`.
fn autoname(value: &str, from: &str, to: &str) -> String {
    if value.strip_prefix("field:") == Some(from) {
        return format!("field:{to}");
    }
    value.replace(&format!("{{{from}}}"), &format!("{{{to}}}"))
}

/// Conditions with `object.name` exchanged, where it is the whole name.
fn eval(text: &str, object: &str, from: &str, to: &str) -> String {
    if from.is_empty() {
        return text.to_owned();
    }
    let is_word = |character: char| character.is_alphanumeric() || character == '_' || character == '$';
    let wanted = format!("{object}.{from}");
    let mut after = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&wanted) {
        let end = at + wanted.len();
        let before = rest[..at].chars().next_back();
        let is_whole = !before.is_some_and(|c| is_word(c) || c == '.') && !rest[end..].starts_with(is_word);
        after.push_str(&rest[..at]);
        if is_whole {
            after.push_str(object);
            after.push('.');
            after.push_str(to);
        } else {
            after.push_str(&wanted);
        }
        rest = &rest[end..];
    }
    after + rest
}

/// Filters of a link (`[["DocType","field","=",1]]`), each changed; what is no such list stays as it is.
fn link_filters(value: &str, change: impl Fn(&mut Vec<Value>)) -> String {
    let Ok(Value::Array(before)) = serde_json::from_str::<Value>(value) else { return value.to_owned() };
    let mut after = before.clone();
    for filter in after.iter_mut().filter_map(Value::as_array_mut) {
        change(filter);
    }
    if after == before { value.to_owned() } else { Value::Array(after).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn documents() -> Vec<Document> {
        let all = json!([
            {
                "name": "Order", "search_fields": "title, note,notes", "title_field": "note", "sort_field": "note desc, title",
                "autoname": "format:{note}-{##}", "description": "note",
                "fields": [
                    { "fieldname": "note" },
                    { "fieldname": "a", "depends_on": "eval:doc.note && doc.notes && mydoc.note", "label": "note" },
                    { "fieldname": "b", "mandatory_depends_on": "note", "fetch_from": "note.title" },
                    { "fieldname": "c", "fieldtype": "Dynamic Link", "options": "note" },
                    { "fieldname": "d", "fieldtype": "Currency", "options": "Company:note:currency" },
                    { "fieldname": "items", "fieldtype": "Table", "options": "Order Item" }
                ]
            },
            { "name": "Order Item", "fields": [{ "fieldname": "x", "depends_on": "eval:parent.note == 1 && doc.note" }] },
            {
                "name": "Bill", "links": [{ "link_doctype": "Order", "link_fieldname": "note" }, { "link_doctype": "Other", "link_fieldname": "note" }],
                "fields": [
                    { "fieldname": "order", "fieldtype": "Link", "options": "Order", "link_filters": "[[\"Order\",\"note\",\"=\",\"x\"]]" },
                    { "fieldname": "n", "fetch_from": "order.note" },
                    { "fieldname": "m", "fetch_from": "customer.note" },
                    { "fieldname": "kind", "fieldtype": "Select", "options": "Order\nOrder Item" }
                ]
            }
        ]);
        all.as_array().unwrap().iter().map(|value| value.as_object().unwrap().clone()).collect()
    }

    fn found(target: Target<'_>) -> Vec<String> {
        let all = documents();
        let show = |reference: Reference| {
            let field = reference.field.map(|field| format!(".{field}")).unwrap_or_default();
            format!("{}{field} {} {}", reference.doctype, reference.property, reference.after)
        };
        references(all.iter(), target).into_iter().map(show).collect()
    }

    #[test]
    fn everything_that_names_a_field_is_found_and_nothing_else() {
        let expected = [
            r#"Order autoname "format:{remark}-{##}""#,
            r#"Order search_fields "title, remark,notes""#,
            r#"Order sort_field "remark desc, title""#,
            r#"Order title_field "remark""#,
            r#"Order.a depends_on "eval:doc.remark && doc.notes && mydoc.note""#,
            r#"Order.b fetch_from "remark.title""#,
            r#"Order.b mandatory_depends_on "remark""#,
            r#"Order.c options "remark""#,
            r#"Order.d options "Company:remark:currency""#,
            r#"Order Item.x depends_on "eval:parent.remark == 1 && doc.note""#,
            r#"Bill links [{"link_doctype":"Order","link_fieldname":"remark"},{"link_doctype":"Other","link_fieldname":"note"}]"#,
            r#"Bill.order link_filters "[[\"Order\",\"remark\",\"=\",\"x\"]]""#,
            r#"Bill.n fetch_from "order.remark""#,
        ];
        assert_eq!(found(Target::Field { doctype: "Order", from: "note", to: "remark" }), expected);
    }

    #[test]
    fn everything_that_names_a_doctype_is_found() {
        let expected = [
            r#"Bill links [{"link_doctype":"Sale","link_fieldname":"note"},{"link_doctype":"Other","link_fieldname":"note"}]"#,
            r#"Bill.kind options "Sale\nOrder Item""#,
            r#"Bill.order link_filters "[[\"Sale\",\"note\",\"=\",\"x\"]]""#,
            r#"Bill.order options "Sale""#,
        ];
        let mut found = found(Target::DocType { from: "Order", to: "Sale" });
        found.sort();
        assert_eq!(found, expected);
        let linked = linked_from(documents().iter(), "Order");
        assert_eq!(linked, [("Bill".to_owned(), "order".to_owned(), "Link".to_owned())]);
    }
}
