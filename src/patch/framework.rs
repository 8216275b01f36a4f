//! Frappe's own calls that write. Names are without `frappe.` in front.

use crate::doctype::{Action, Rows, Verb};

use super::arguments::Arguments;
use super::reader::{At, Reader};
use super::sql;
use super::value::{Value, table_name};

/// The table of `frappe.defaults` and `frappe.db.set_default`.
const DEFAULTS: &str = "tabDefaultValue";

impl Reader<'_> {
    /// A call of the framework; `None` if it is none of those that are known to write or to give something.
    pub(super) fn framework_call(&mut self, name: &str, arguments: &Arguments, at: &At) -> Option<Value> {
        let last = name.rsplit('.').next().unwrap_or(name);
        if let Some(call) = name.strip_prefix("db.") {
            return self.database_call(call, arguments, at);
        }
        if let Some(call) = name.strip_prefix("qb.") {
            return self.query_start(call, arguments);
        }
        if name.starts_with("query_builder.") && matches!(last, "DocType" | "Table") {
            return self.query_start(last, arguments);
        }
        if name.starts_with("defaults.") && !last.starts_with("get") {
            self.rows(at, Verb::Update, DEFAULTS, Vec::new(), Rows::Some);
            return Some(Value::Data);
        }
        if let Some(value) = self.document_call(last, arguments) {
            return Some(value);
        }
        match last {
            "rename_field" => {
                self.rename(arguments, at, |doctype, old, new| Action::RenameField { doctype, old, new });
            }
            "rename_doc" => {
                self.rename(arguments, at, |doctype, old, new| Action::RenameDocument { doctype, old, new });
            }
            "delete_doc" | "delete_doc_if_exists" => self.delete_doc(arguments, at),
            "reload_doc" | "reload_doctype" | "sync_for" => {
                self.effect(at, Action::Reload);
            }
            "bulk_insert" if name.starts_with("model.") => match arguments.text(0, "doctype") {
                Some(doctype) => self.rows(at, Verb::Insert, &table_name(&doctype), Vec::new(), Rows::Named),
                None => self.unknown(at, "it is not known which DocType is written"),
            },
            "set_value" if name == "set_value" || name == "client.set_value" => {
                let doctype = arguments.text(0, "doctype");
                let fields = arguments.texts(2, "fieldname").unwrap_or_default();
                match doctype {
                    Some(doctype) => self.effect(
                        at,
                        Action::WriteDocument {
                            doctype,
                            field: None,
                            verb: Verb::Update,
                            fields,
                            hooks: true,
                        },
                    ),
                    None => self.unknown(at, "it is not known which DocType is written"),
                }
            }
            "enqueue" | "enqueue_doc" => self.unknown(at, "a job is left that runs later"),
            "add_permission" | "update_permission_property" | "reset_perms" | "setup_custom_perms"
                if name.starts_with("permissions.") =>
            {
                self.rows(at, Verb::Update, "tabCustom DocPerm", Vec::new(), Rows::Some);
            }
            _ => return self.customization(last, arguments, at),
        }
        Some(Value::Data)
    }

    /// Calls that give documents and the like, and write nothing.
    fn document_call(&mut self, name: &str, arguments: &Arguments) -> Option<Value> {
        Some(match name {
            "get_doc" | "get_cached_doc" | "get_last_doc" | "get_lazy_doc" | "get_mapped_doc" => {
                self.get_doc(arguments)
            }
            "get_single" => Value::document(arguments.text(0, "doctype"), false),
            "new_doc" => Value::document(arguments.text(0, "doctype"), true),
            "copy_doc" => match arguments.positional.first() {
                Some(Value::Document(document)) => Value::document(document.doctype.clone(), true),
                _ => Value::document(None, true),
            },
            "_dict" => match arguments.positional.first() {
                Some(dict @ Value::Dict(_, _)) => dict.clone(),
                _ => Value::dict(
                    arguments.named.iter().map(|(name, value)| (Value::text(name), value.clone())).collect(),
                ),
            },
            "get_table_name" => Value::text(&table_name(&arguments.text(0, "table_name")?)),
            "get_attr" => arguments.text(0, "method_string").map_or(Value::Unknown, Value::name),
            "get_module" => Value::Unknown,
            _ => return None,
        })
    }

    fn database_call(&mut self, name: &str, arguments: &Arguments, at: &At) -> Option<Value> {
        match name {
            "sql" | "sql_ddl" | "sql_list" | "multisql" => self.sql(arguments, at),
            "set_value" | "update" => self.set_value(arguments, at),
            "set_single_value" => self.set_single(arguments, at),
            "delete" => {
                let Some(doctype) = arguments.text(0, "doctype") else {
                    self.unknown(at, "it is not known which rows are deleted");
                    return Some(Value::Data);
                };
                let filter = arguments.get(1, "filters");
                let rows = match &filter {
                    None | Some(Value::None) => Rows::All,
                    Some(Value::Dict(entries, _)) if entries.is_empty() => Rows::All,
                    Some(Value::Text(_)) => Rows::Named,
                    Some(dict) if dict.entry("name").is_some() => Rows::Named,
                    Some(_) => Rows::Some,
                };
                self.rows(at, Verb::Delete, &table_name(&doctype), Vec::new(), rows);
            }
            "bulk_update" => self.bulk_update(arguments, at),
            "bulk_insert" => match (arguments.text(0, "doctype"), arguments.texts(1, "fields")) {
                (Some(doctype), fields) => {
                    let columns = fields.unwrap_or_default();
                    self.rows(at, Verb::Insert, &table_name(&doctype), columns, Rows::Named);
                }
                (None, _) => self.unknown(at, "it is not known which DocType is written"),
            },
            "truncate" => self.ddl(arguments, at, "TRUNCATE"),
            "rename_table" => self.ddl(arguments, at, "RENAME TABLE"),
            "change_column_type" => self.ddl(arguments, at, "MODIFY COLUMN"),
            "add_column" => self.ddl(arguments, at, "ADD COLUMN"),
            "rename_column" => {
                self.rename(arguments, at, |doctype, old, new| Action::RenameColumn { doctype, old, new });
            }
            "add_index" | "add_unique" => self.add_index(arguments, at, name == "add_unique"),
            "updatedb" => self.effect(at, Action::Reload),
            "set_default" | "set_global" | "add_default" => {
                self.rows(at, Verb::Update, DEFAULTS, Vec::new(), Rows::Some);
            }
            _ => return None,
        }
        Some(Value::Data)
    }

    fn sql(&mut self, arguments: &Arguments, at: &At) {
        let query = arguments.get(0, "query").or_else(|| arguments.get(0, "sql_dict"));
        let query = match &query {
            Some(dict @ Value::Dict(_, _)) => dict.entry("mariadb").or_else(|| dict.entry("*")).cloned(),
            other => other.clone(),
        };
        match query {
            Some(Value::Text(text)) => match sql::actions(&text) {
                Ok(actions) => actions.into_iter().for_each(|action| self.effect(at, action)),
                Err(why) => self.unknown(at, &why),
            },
            Some(Value::Query(query)) => self.ran(&query, at),
            Some(_) | None => self.unknown(at, "the statement is not known"),
        }
    }

    fn rename(&mut self, arguments: &Arguments, at: &At, action: impl Fn(String, String, String) -> Action) {
        let is_of_document =
            matches!(action(String::new(), String::new(), String::new()), Action::RenameDocument { .. });
        let old = ["old", "old_fieldname", "old_column_name"].iter().find_map(|name| arguments.text(1, name));
        let new = ["new", "new_fieldname", "new_column_name"].iter().find_map(|name| arguments.text(2, name));
        match (arguments.text(0, "doctype"), old, new) {
            (Some(doctype), Some(old), Some(new)) => self.effect(at, action(doctype, old, new)),
            // Which documents are renamed does not matter as long as they are no DocTypes.
            (Some(doctype), _, _) if is_of_document && doctype != "DocType" => {
                self.effect(at, action(doctype, String::new(), String::new()));
            }
            (_, _, _) => self.unknown(at, "it is not known what is renamed"),
        }
    }

    fn delete_doc(&mut self, arguments: &Arguments, at: &At) {
        let Some(doctype) = arguments.text(0, "doctype") else {
            return self.unknown(at, "it is not known which DocType is deleted from");
        };
        let Some(names) = arguments.texts(1, "name") else {
            return self.effect(at, Action::DeleteDocument { doctype, name: None });
        };
        for name in names {
            self.effect(at, Action::DeleteDocument { doctype: doctype.clone(), name: Some(name) });
        }
    }

    /// `set_single_value(doctype, field, value)` or `(doctype, {field: value})`.
    fn set_single(&mut self, arguments: &Arguments, at: &At) {
        let fields = match arguments.get(1, "fieldname") {
            Some(Value::Dict(entries, _)) => {
                entries.iter().map(|(key, _)| key.known_text().map(str::to_owned)).collect()
            }
            other => other.and_then(|field| Some(vec![field.known_text()?.to_owned()])),
        };
        match (arguments.text(0, "doctype"), fields) {
            (Some(doctype), fields) => {
                let fields = fields.unwrap_or_default();
                self.effect(at, Action::WriteSingle { doctype, fields });
            }
            (None, _) => self.unknown(at, "it is not known which setting is written"),
        }
    }

    /// `bulk_update(doctype, {name: {field: value}})`.
    fn bulk_update(&mut self, arguments: &Arguments, at: &At) {
        let Some(doctype) = arguments.text(0, "doctype") else {
            return self.unknown(at, "it is not known which DocType is written");
        };
        let fields = arguments.get(1, "doc_updates").and_then(|updates| {
            let Value::Dict(documents, _) = updates else { return None };
            let fields = documents.iter().map(|(_, values)| match values {
                Value::Dict(fields, _) => {
                    fields.iter().map(|(field, _)| field.known_text().map(str::to_owned)).collect()
                }
                _ => None,
            });
            Some(fields.collect::<Option<Vec<Vec<String>>>>()?.concat())
        });
        let stamps = ["modified".to_owned(), "modified_by".to_owned()];
        let columns = fields.filter(|fields| !fields.is_empty());
        let columns = columns.map(|fields| fields.into_iter().chain(stamps).collect()).unwrap_or_default();
        self.rows(at, Verb::Update, &table_name(&doctype), columns, Rows::Named);
    }

    fn ddl(&mut self, arguments: &Arguments, at: &At, verb: &str) {
        let name = ["doctype", "old_name"].iter().find_map(|name| arguments.text(0, name));
        let text = at.module.quote(at.range);
        match name {
            Some(doctype) => {
                let action = Action::Ddl { table: table_name(&doctype), verb: verb.to_owned(), text };
                self.effect(at, action);
            }
            None => self.unknown(at, "it is not known which table is altered"),
        }
    }

    /// The index that Frappe would make, by the name that it looks for (`frappe/database/mariadb/database.py`).
    fn add_index(&mut self, arguments: &Arguments, at: &At, unique: bool) {
        let named = arguments.get(2, "index_name").or_else(|| arguments.get(2, "constraint_name"));
        let name = match &named {
            None | Some(Value::None) => None,
            Some(value) => match value.known_text() {
                Some(name) => Some(name.to_owned()),
                None => return self.unknown(at, "the name of the index is not known"),
            },
        };
        let (Some(doctype), Some(columns)) = (arguments.text(0, "doctype"), arguments.texts(1, "fields"))
        else {
            return self.unknown(at, "it is not known which columns the index is over");
        };
        // An index over the beginning of a text, `subject(100)`, bears the column's name alone.
        let bare: Vec<&str> =
            columns.iter().map(|column| column.split('(').next().unwrap_or(column).trim()).collect();
        let name = name.unwrap_or_else(|| {
            if unique { format!("unique_{}", bare.join("_")) } else { format!("{}_index", bare.join("_")) }
        });
        self.effect(at, Action::AddIndex { table: table_name(&doctype), name, columns, unique });
    }
}
