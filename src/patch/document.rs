//! Methods of documents: what is written through a class of a DocType.

use std::rc::Rc;

use crate::doctype::{Action, Rows, Verb};

use super::arguments::Arguments;
use super::harmless;
use super::reader::{At, Reader};
use super::value::{Document, Value, table_name};

impl Reader<'_> {
    pub(super) fn document_method(
        &mut self,
        document: &Rc<Document>,
        method: &str,
        arguments: &Arguments,
        at: &At,
    ) -> Value {
        let written = |verb, hooks| (verb, hooks, Vec::new());
        note(document, method, arguments);
        let (verb, hooks, fields) = match method {
            "save" if document.is_new => written(Verb::Insert, true),
            "save" => (Verb::Update, true, changed(document)),
            "submit" | "cancel" | "run_post_save_methods" => written(Verb::Update, true),
            "insert" => written(Verb::Insert, true),
            "delete" => written(Verb::Delete, true),
            "db_insert" => written(Verb::Insert, false),
            "db_update" | "db_update_all" | "update_children" => written(Verb::Update, false),
            "db_set" => {
                let fields = set_fields(arguments, 0);
                (Verb::Update, false, fields.unwrap_or_default())
            }
            "append" => {
                let field = arguments.text(0, "key");
                let row = Document {
                    field: field.or_else(|| Some(String::new())),
                    is_new: true,
                    ..(**document).clone()
                };
                return Value::Document(Rc::new(row));
            }
            "get" => {
                return match arguments.text(0, "key") {
                    Some(field) => self.attribute(&Value::Document(Rc::clone(document)), &field),
                    None => {
                        Value::Field(Rc::new(Document { field: Some(String::new()), ..(**document).clone() }))
                    }
                };
            }
            "add_comment" | "add_tag" | "notify_update" => {
                let table = if method == "add_comment" { "tabComment" } else { "tabTag Link" };
                if method != "notify_update" {
                    self.rows(at, Verb::Insert, table, Vec::new(), Rows::Named);
                }
                return Value::Data;
            }
            "reload" | "load_from_db" | "update" | "set_new_name" => {
                return Value::Document(Rc::clone(document));
            }
            _ if harmless::is_method_of_document(method) => return Value::Data,
            _ => {
                let doctype = document.doctype.as_deref().unwrap_or("a DocType that is not known");
                self.unknown(at, &format!("a method of the class of {doctype}, which is not read"));
                return Value::Unknown;
            }
        };
        self.written(document, (verb, hooks, fields), at);
        Value::Document(Rc::clone(document))
    }

    /// A document is written.
    fn written(&mut self, document: &Document, (verb, hooks, fields): (Verb, bool, Vec<String>), at: &At) {
        match (&document.doctype, document.field.as_deref()) {
            (None, _) | (Some(_), Some("")) => self.unknown(at, "it is not known which DocType is written"),
            (Some(doctype), field) => {
                let (doctype, field) = (doctype.clone(), field.map(str::to_owned));
                self.effect(at, Action::WriteDocument { doctype, field, verb, fields, hooks });
            }
        }
    }

    /// A method of a field of a document: of its value, of its list of rows, or of one of them.
    pub(super) fn field_method(
        &mut self,
        document: &Rc<Document>,
        method: &str,
        arguments: &Arguments,
        at: &At,
    ) -> Value {
        let is_of_row = matches!(method, "db_set" | "db_update" | "db_insert" | "save" | "delete")
            || (method == "insert" && arguments.positional.is_empty());
        if is_of_row {
            self.document_method(document, method, arguments, at)
        } else if harmless::is_method_of_data(method) {
            if !method.starts_with("get") && !matches!(method, "items" | "copy") {
                document.set(document.field.clone().as_deref());
            }
            Value::Field(Rc::clone(document))
        } else {
            self.unknown(at, "it is not known what this is called on");
            Value::Unknown
        }
    }

    /// Rows of a table are written.
    #[expect(clippy::too_many_arguments, reason = "what is written, of what, and where it stands")]
    pub(super) fn rows(&mut self, at: &At, verb: Verb, table: &str, columns: Vec<String>, rows: Rows) {
        self.effect(at, Action::WriteRows { verb, table: table.to_owned(), columns, rows });
    }

    /// `frappe.get_doc`: a document that is there, or a new one out of a dict.
    pub(super) fn get_doc(&mut self, arguments: &Arguments) -> Value {
        let named = arguments.get(usize::MAX, "doctype");
        match arguments.positional.first().cloned().or(named) {
            Some(dict @ Value::Dict(_, _)) => {
                let doctype = dict.entry("doctype").and_then(Value::known_text).map(str::to_owned);
                Value::document(doctype, true)
            }
            Some(doctype) => {
                let is_new = arguments.positional.is_empty() && !arguments.named.is_empty();
                Value::document(doctype.known_text().map(str::to_owned), is_new)
            }
            None => Value::document(None, false),
        }
    }

    /// `frappe.db.set_value` and the like, of one document or of those of a filter.
    pub(super) fn set_value(&mut self, arguments: &Arguments, at: &At) {
        let Some(doctype) = arguments.text(0, "dt").or_else(|| arguments.text(0, "doctype")) else {
            return self.unknown(at, "it is not known which DocType is written");
        };
        let name = arguments.get(1, "dn").or_else(|| arguments.get(1, "docname")).unwrap_or(Value::None);
        let is_single = matches!(name, Value::None) || name.known_text() == Some(doctype.as_str());
        // None where they are not known: any of them may be written.
        let mut columns = set_fields(arguments, 2).unwrap_or_default();
        if is_single {
            return self.effect(at, Action::WriteSingle { doctype, fields: columns });
        }
        if !columns.is_empty() && !arguments.is_off("update_modified") {
            columns.extend(["modified".to_owned(), "modified_by".to_owned()]);
        }
        // The name of one row, or a list of names; a filter is a dict or a list of lists.
        let rows = match &name {
            Value::Dict(_, _) => Rows::Some,
            Value::List(list, _) if list.iter().any(|entry| matches!(entry, Value::List(_, _))) => Rows::Some,
            _ => Rows::Named,
        };
        self.rows(at, Verb::Update, &table_name(&doctype), columns, rows);
    }
}

/// What a method sets in memory.
fn note(document: &Document, method: &str, arguments: &Arguments) {
    match method {
        "set" | "append" | "extend" => document.set(arguments.text(0, "key").as_deref()),
        "remove" | "update" | "update_if_missing" | "setdefault" => document.set(None),
        _ => {}
    }
}

/// The fields that code has set on a document that it saves; empty if that is not known.
fn changed(document: &Document) -> Vec<String> {
    document.changed.borrow().iter().flatten().cloned().collect()
}

/// The fields that `(..., field, value)` or `(..., {field: value})` sets; `None` if they are not known.
fn set_fields(arguments: &Arguments, at: usize) -> Option<Vec<String>> {
    let fields = ["field", "fieldname"].iter().find_map(|name| arguments.get(at, name))?;
    match &fields {
        Value::Dict(entries, _) => {
            entries.iter().map(|(key, _)| key.known_text().map(str::to_owned)).collect()
        }
        other => Some(vec![other.known_text()?.to_owned()]),
    }
}
