//! A small app on disk, in a Git repository: what most tests edit.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The checkout of the app `shop`.
pub(crate) struct Shop {
    folder: TempDir,
}

impl Shop {
    /// The app as its first commit has it.
    pub(crate) fn new() -> Self {
        let shop = Self { folder: TempDir::new().unwrap() };
        shop.write("shop/__init__.py", "__version__ = \"1.0.0\"\n");
        shop.write("shop/hooks.py", "app_name = \"shop\"\n");
        shop.write("shop/modules.txt", "Shop\nShop Setup\n");
        shop.write("shop/patches.txt", "[pre_model_sync]\n\n[post_model_sync]\nshop.patches.v1_0.begin\n");
        shop.write("shop/patches/__init__.py", "");
        shop.write("shop/patches/v1_0/__init__.py", "");
        shop.write("shop/patches/v1_0/begin.py", "def execute():\n\tpass\n");
        shop.doctype("Order", &order());
        shop.doctype(
            "Order Item",
            &json!({ "istable": 1, "fields": [{ "fieldname": "item", "fieldtype": "Data" }] }),
        );
        shop.doctype(
            "Bill",
            &json!({ "fields": [
                { "fieldname": "order", "fieldtype": "Link", "options": "Order" },
                { "fieldname": "order_note", "fetch_from": "order.note", "fieldtype": "Data" }
            ] }),
        );
        shop.git(&["init", "--quiet"]);
        shop.commit();
        shop
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.file(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.file(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Writes a DocType as Frappe's export would.
    pub(crate) fn doctype(&self, name: &str, more: &Value) {
        let mut document = json!({
            "actions": [], "creation": "2024-01-01 00:00:00.000000", "doctype": "DocType", "engine": "InnoDB", "links": [],
            "modified": "2024-01-01 00:00:00.000000", "modified_by": "Administrator", "module": "Shop", "name": name,
            "owner": "Administrator", "permissions": [], "sort_field": "modified", "sort_order": "DESC", "states": []
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let fields = more["fields"].as_array().unwrap();
        document["field_order"] = fields.iter().map(|field| field["fieldname"].clone()).collect();
        let stem = name.to_lowercase().replace(' ', "_");
        let text = crossfade::doctype::edit::export(document.as_object().unwrap()).unwrap();
        self.write(&format!("shop/shop/doctype/{stem}/{stem}.json"), &text);
        self.write(
            &format!("shop/shop/doctype/{stem}/{stem}.py"),
            &format!("class {}:\n\tpass\n", name.replace(' ', "")),
        );
        self.write(&format!("shop/shop/doctype/{stem}/__init__.py"), "");
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        let output =
            Command::new("git").arg("-C").arg(self.path()).args(who).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "x"]);
    }

    /// The lines that differ from the last commit, without those that every save moves.
    pub(crate) fn diff(&self) -> Vec<String> {
        self.git(&["add", "--all", "--intent-to-add"]);
        let text = self.git(&["diff", "--unified=0", "--no-color"]);
        let is_line = |line: &&str| {
            let is_head = line.starts_with("+++") || line.starts_with("---");
            (line.starts_with('+') || line.starts_with('-')) && !is_head && !line.contains("\"modified\":")
        };
        text.lines().filter(is_line).map(str::to_owned).collect()
    }
}

/// What the DocType `Order` begins with.
pub(crate) fn order() -> Value {
    json!({
        "search_fields": "title,note", "track_changes": 1,
        "fields": [
            { "fieldname": "title", "fieldtype": "Data", "label": "Title", "reqd": 1 },
            { "fieldname": "note", "fieldtype": "Data", "label": "Note" },
            { "depends_on": "eval:doc.note", "fieldname": "qty", "fieldtype": "Float", "label": "Qty" },
            { "fieldname": "items", "fieldtype": "Table", "options": "Order Item" }
        ]
    })
}

/// A draft of a DocType from its file: `edit` gets the document.
pub(crate) fn draft(file: &Value, edit: impl FnOnce(&mut Value)) -> Value {
    let mut document = file["document"].clone();
    edit(&mut document);
    let old = &file["name"];
    let renamed = if document["name"] == *old { Value::Null } else { old.clone() };
    json!({ "id": old, "app": file["app"], "digest": file["digest"], "document": document, "renamed_from": renamed })
}

/// The field of a document.
pub(crate) fn field<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    let fields = document["fields"].as_array_mut().unwrap();
    fields.iter_mut().find(|field| field["fieldname"] == name).unwrap()
}

/// Puts a field into a document, behind another one.
pub(crate) fn add_field(document: &mut Value, after: &str, new: Value) {
    let order = document["field_order"].as_array_mut().unwrap();
    let at = order.iter().position(|name| name == after).unwrap() + 1;
    order.insert(at, new["fieldname"].clone());
    document["fields"].as_array_mut().unwrap().push(new);
}

/// Gives a field another name.
pub(crate) fn rename_field(document: &mut Value, from: &str, to: &str) {
    field(document, from)["fieldname"] = to.into();
    let order = document["field_order"].as_array_mut().unwrap();
    let at = order.iter().position(|name| name == from).unwrap();
    order[at] = to.into();
}
