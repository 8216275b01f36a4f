//! What a save writes and what it refuses to overwrite.

use std::io::BufRead as _;

use serde_json::{Value, json};

use crate::client::Server;
use crate::shop::{Shop, add_field, draft, field};

#[test]
fn the_diff_holds_only_the_change() {
    let shop = Shop::new();
    let path = "shop/shop/doctype/order/order.json";
    // As a tool leaves it that ends every file with a newline.
    shop.write(path, &format!("{}\n", shop.read(path)));
    shop.commit();
    let editor = Server::editor(shop.path(), &[]);
    let edited = draft(&editor.file("Order"), |document| {
        add_field(
            document,
            "title",
            json!({ "fieldname": "channel", "fieldtype": "Data", "hidden": 0, "label": "Kan\u{e4}l" }),
        );
        field(document, "qty").as_object_mut().unwrap().remove("depends_on");
    });
    let saved = editor.post("/api/save", &json!({ "drafts": [edited] }));
    assert_eq!(
        (&saved["message"], &saved["left"]),
        (&json!("saved shop/shop/shop/doctype/order/order.json"), &json!([]))
    );
    assert_eq!(
        shop.diff(),
        [
            "+  \"channel\",",
            "-   \"depends_on\": \"eval:doc.note\",",
            "+  },",
            "+  {",
            "+   \"fieldname\": \"channel\",",
            "+   \"fieldtype\": \"Data\",",
            "+   \"label\": \"Kan\\u00e4l\"",
        ]
    );
    assert!(shop.read(path).ends_with("}\n"));
}

#[test]
fn nothing_is_written_where_nothing_changed() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let saved = editor.post("/api/save", &json!({ "drafts": [draft(&editor.file("Order"), |_| {})] }));
    assert_eq!(saved["written"], json!([]));
    assert_eq!(shop.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_file_that_changed_on_disk_is_not_overwritten_nor_is_any_other() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let edit = |name: &str| draft(&editor.file(name), |document| document["description"] = "edited".into());
    let drafts = json!({ "drafts": [edit("Bill"), edit("Order")] });
    let path = "shop/shop/doctype/order/order.json";
    shop.write(path, &shop.read(path).replace("\"Qty\"", "\"Quantity\""));
    let before = shop.git(&["diff"]);
    let answer = editor.call("POST", "/api/save", Some(&drafts));
    assert_eq!(answer.status, 409);
    let conflict = answer.json();
    assert_eq!(
        (&conflict["kind"], &conflict["files"][0]["id"], conflict["files"].as_array().unwrap().len()),
        (&json!("conflict"), &json!("Order"), 1)
    );
    assert!(conflict["files"][0]["document"].to_string().contains("Quantity"));
    assert_eq!(shop.git(&["diff"]), before);
    // With the digest of what is there now it is the page's decision.
    let mut again = drafts.clone();
    again["drafts"][1]["digest"] = conflict["files"][0]["digest"].clone();
    assert_eq!(editor.post("/api/save", &again)["kind"], "saved");
    // A file that is gone, and a new DocType whose file came meanwhile.
    std::fs::remove_file(shop.file(path)).unwrap();
    let answer = editor.call("POST", "/api/save", Some(&json!({ "drafts": [again["drafts"][1]] })));
    assert_eq!((answer.status, answer.json()["files"][0]["digest"].clone()), (409, Value::Null));
    let mut new = again["drafts"][0].clone();
    new["digest"] = Value::Null;
    assert_eq!(editor.call("POST", "/api/save", Some(&json!({ "drafts": [new] }))).status, 409);
}

#[test]
fn a_new_doctype_is_a_package_with_a_controller() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let document = json!({ "doctype": "DocType", "name": "Price List", "module": "Shop Setup", "fields": [{ "fieldname": "a", "fieldtype": "Data" }], "field_order": ["a"] });
    let new = json!({ "id": "Price List", "app": "shop", "digest": null, "document": document });
    let verdict = editor.post("/api/verdict", &json!({ "drafts": [new] }));
    assert_eq!(
        (&verdict["changes"][0]["kind"], &verdict["verdict"]),
        (&json!("doctype_added"), &json!("Additive"))
    );
    editor.post("/api/save", &json!({ "drafts": [new] }));
    let folder = "shop/shop_setup/doctype/price_list";
    assert_eq!(
        shop.read(&format!("{folder}/price_list.py")),
        "from frappe.model.document import Document\n\n\nclass PriceList(Document):\n\tpass\n"
    );
    assert!(
        shop.file(&format!("{folder}/__init__.py")).is_file()
            && shop.file("shop/shop_setup/doctype/__init__.py").is_file()
    );
    // As Frappe exports it: a first export from the desk would move nothing but `modified`.
    let written = shop.read(&format!("{folder}/price_list.json"));
    let document: Value = serde_json::from_str(&written).unwrap();
    let made = document["creation"].as_str().unwrap();
    assert_eq!(document["modified"], made);
    assert_eq!(
        written.replace(made, "NOW"),
        concat!(
            "{\n \"creation\": \"NOW\",\n \"doctype\": \"DocType\",\n \"field_order\": [\n  \"a\"\n ],\n",
            " \"fields\": [\n  {\n   \"fieldname\": \"a\",\n   \"fieldtype\": \"Data\"\n  }\n ],\n",
            " \"modified\": \"NOW\",\n \"modified_by\": \"Administrator\",\n \"module\": \"Shop Setup\",\n",
            " \"name\": \"Price List\",\n \"owner\": \"Administrator\"\n}"
        )
    );
    let mut elsewhere = new.clone();
    elsewhere["document"]["name"] = "Other".into();
    elsewhere["id"] = "Other".into();
    elsewhere["document"]["module"] = "../../x".into();
    let answer = editor.call("POST", "/api/save", Some(&json!({ "drafts": [elsewhere] })));
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.body.contains("no line of modules.txt"), "{answer:?}");
}

#[test]
fn a_removed_doctype_loses_its_file_and_what_else_belongs_to_it_is_named() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let file = editor.file("Bill");
    let removed = json!({ "id": "Bill", "app": "shop", "digest": file["digest"], "document": null });
    let verdict = editor.post("/api/verdict", &json!({ "drafts": [removed] }));
    assert_eq!(verdict["changes"][0]["kind"], "doctype_removed");
    let saved = editor.post("/api/save", &json!({ "drafts": [removed] }));
    assert!(
        saved["left"][0].as_str().unwrap().starts_with("shop/shop/shop/doctype/bill: remove"),
        "{saved:#}"
    );
    assert!(!shop.file("shop/shop/doctype/bill/bill.json").exists());
    assert!(shop.file("shop/shop/doctype/bill/bill.py").exists());
}

#[test]
fn what_changes_on_disk_is_told_at_once() {
    let shop = Shop::new();
    let mut editor = Server::editor(shop.path(), &[]);
    let mut events = editor.events("/api/events");
    let mut next = || {
        let mut text = String::new();
        while !text.ends_with("\n\n") {
            assert!(events.read_line(&mut text).unwrap() > 0, "the stream ended");
            // Chunks have their length before them.
            text = text.rsplit_once("\r\n").map_or(text.clone(), |(_, rest)| rest.to_owned());
        }
        text
    };
    let path = "shop/shop/doctype/order/order.json";
    shop.write(path, &shop.read(path).replace("\"Qty\"", "\"Quantity\""));
    let event = next();
    assert!(event.contains("event: changed\ndata: Order\n"), "{event:?}");
    assert!(editor.file("Order")["document"].to_string().contains("Quantity"));
    // An open stream does not hold the program up.
    assert_eq!(editor.terminate(), Some(0));
}
