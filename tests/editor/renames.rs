//! What a rename meets, and what it writes.

use serde_json::{Value, json};

use crate::client::Server;
use crate::shop::{Shop, draft, field, rename_field};

#[test]
fn references_are_found_in_drafts_first() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let order = draft(&editor.file("Order"), |document| {
        field(document, "qty")["depends_on"] = "eval:doc.note == 1".into();
    });
    let question = json!({ "drafts": [order], "doctype": "Order", "field": "note", "to": "remark" });
    let found = editor.post("/api/rename", &question);
    let shown: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|reference| {
            format!(
                "{} {} {} {} -> {}",
                reference["doctype"],
                reference["field"],
                reference["property"],
                reference["before"],
                reference["after"]
            )
            .replace('"', "")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Bill order_note fetch_from order.note -> order.remark",
            "Order null search_fields title,note -> title,remark",
            "Order qty depends_on eval:doc.note == 1 -> eval:doc.remark == 1",
        ]
    );
    assert_eq!(found[0]["value"], "order.remark");
}

#[test]
fn a_renamed_field_is_written_with_its_patch_in_the_conventions_of_the_app() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let drafts = json!({
        "drafts": [
            draft(&editor.file("Order"), |document| {
                rename_field(document, "note", "remark");
                document["search_fields"] = "title,remark".into();
            }),
            draft(&editor.file("Bill"), |document| field(document, "order_note")["fetch_from"] = "order.remark".into()),
        ],
        "renames": [{ "doctype": "Order", "from": "note", "to": "remark" }]
    });
    let before = editor.post("/api/verdict", &drafts);
    let saved = editor.post("/api/save", &drafts);
    assert_eq!(saved["kind"], "saved");
    assert_eq!(
        shop.diff(),
        [
            "+shop.patches.v1_0.rename_order_note_to_remark",
            "+from frappe.model.utils.rename_field import rename_field",
            "+",
            "+",
            "+def execute():",
            "+\trename_field(\"Order\", \"note\", \"remark\")",
            "-   \"fetch_from\": \"order.note\",",
            "+   \"fetch_from\": \"order.remark\",",
            "-  \"note\",",
            "+  \"remark\",",
            "-   \"fieldname\": \"note\",",
            "+   \"fieldname\": \"remark\",",
            "- \"search_fields\": \"title,note\",",
            "+ \"search_fields\": \"title,remark\",",
        ]
    );
    // The files say what the drafts said.
    let after = editor.post("/api/verdict", &json!({ "drafts": [] }));
    assert_eq!(before["changes"], after["changes"]);
}

#[test]
fn a_rename_of_a_rename_that_waits_begins_at_the_name_in_blue() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let rename = |from: &str, to: &str| {
        let order = draft(&editor.file("Order"), |document| {
            rename_field(document, from, to);
            document["search_fields"] = "title".into();
        });
        json!({ "drafts": [order], "renames": [{ "doctype": "Order", "from": from, "to": to }] })
    };
    editor.post("/api/save", &rename("note", "remark"));
    editor.post("/api/save", &rename("remark", "comment"));
    assert!(
        shop.read("shop/patches/v1_0/rename_order_note_to_comment.py")
            .contains("(\"Order\", \"note\", \"comment\")")
    );
    let verdict = editor.post("/api/verdict", &json!({ "drafts": [] }));
    let renamed = verdict["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["kind"] == "field_renamed")
        .unwrap();
    assert_eq!(
        (&renamed["old"], &renamed["new"], &renamed["verdict"]),
        (&json!("note"), &json!("comment"), &json!("Synced"))
    );
}

#[test]
fn a_field_that_blue_does_not_have_is_renamed_without_a_patch() {
    let shop = Shop::new();
    shop.doctype("Tag", &json!({ "fields": [{ "fieldname": "a", "fieldtype": "Data" }] }));
    let editor = Server::editor(shop.path(), &[]);
    let tag = draft(&editor.file("Tag"), |document| rename_field(document, "a", "b"));
    let saved = editor.post(
        "/api/save",
        &json!({ "drafts": [tag], "renames": [{ "doctype": "Tag", "from": "a", "to": "b" }] }),
    );
    assert_eq!(saved["written"], json!(["shop/shop/shop/doctype/tag/tag.json"]));
}

#[test]
fn a_renamed_doctype_takes_its_folder_along() {
    let shop = Shop::new();
    shop.write("shop/shop/doctype/order/test_order.py", "# t\n");
    shop.commit();
    let editor = Server::editor(shop.path(), &[]);
    let drafts = json!({ "drafts": [
        draft(&editor.file("Order"), |document| document["name"] = "Sale".into()),
        draft(&editor.file("Bill"), |document| field(document, "order")["options"] = "Sale".into()),
    ] });
    let verdict = editor.post("/api/verdict", &drafts);
    let kinds: Vec<&Value> =
        verdict["changes"].as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert!(kinds.contains(&&json!("doctype_renamed")) && verdict["verdict"] != "Blocking", "{verdict:#}");
    let saved = editor.post("/api/save", &drafts);
    let mut files: Vec<String> = std::fs::read_dir(shop.file("shop/shop/doctype/sale"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["__init__.py", "sale.json", "sale.py", "test_sale.py"]);
    assert!(!shop.file("shop/shop/doctype/order").exists());
    assert!(
        shop.read("shop/patches.txt")
            .starts_with("[pre_model_sync]\nshop.patches.v1_0.rename_order_to_sale\n")
    );
    assert!(
        shop.read("shop/patches/v1_0/rename_order_to_sale.py")
            .contains("frappe.rename_doc(\"DocType\", \"Order\", \"Sale\", force=True)")
    );
    // Python that is there is left to its author.
    assert_eq!(shop.read("shop/shop/doctype/sale/sale.py"), "class Order:\n\tpass\n");
    assert!(
        saved["left"][0].as_str().unwrap().contains("name the class of the controller Sale"),
        "{saved:#}"
    );
    let workspace = editor.call("GET", "/api/workspace", None).json();
    let sale =
        workspace["doctypes"].as_array().unwrap().iter().find(|entry| entry["name"] == "Sale").unwrap();
    assert_eq!(sale["changed"], "renamed");
}
