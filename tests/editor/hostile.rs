//! Files and drafts that nobody means well with.

use serde_json::{Value, json};

use crate::client::Server;
use crate::shop::{Shop, draft};

#[test]
fn broken_files_hide_no_other() {
    let shop = Shop::new();
    shop.write("shop/shop/doctype/order_item/order_item.json", "{ \"doctype\": ");
    shop.write("shop/shop/doctype/odd/odd.json", "[1]");
    let editor = Server::editor(shop.path(), &[]);
    let workspace = editor.call("GET", "/api/workspace", None).json();
    let paths: Vec<&Value> =
        workspace["problems"].as_array().unwrap().iter().map(|bad| &bad["path"]).collect();
    assert_eq!(paths, ["shop/shop/doctype/odd/odd.json", "shop/shop/doctype/order_item/order_item.json"]);
    let names: Vec<&Value> =
        workspace["doctypes"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["Bill", "Order"]);
    // A file that cannot be read is no DocType that was removed.
    assert_eq!(editor.post("/api/verdict", &json!({ "drafts": [] }))["changes"], json!([]));
}

#[test]
fn a_doctype_with_ten_thousand_fields_is_shown_and_refused() {
    let shop = Shop::new();
    let fields: Vec<Value> =
        (0..10_000).map(|at| json!({ "fieldname": format!("f{at}"), "fieldtype": "Data" })).collect();
    shop.doctype("Wide", &json!({ "fields": fields }));
    let editor = Server::editor(shop.path(), &[]);
    let file = editor.file("Wide");
    assert_eq!(file["document"]["fields"].as_array().unwrap().len(), 10_000);
    let drafts = json!({ "drafts": [draft(&file, |document| document["description"] = "x".into())] });
    let verdict = editor.post("/api/verdict", &drafts);
    assert!(verdict["problems"].to_string().contains("it has 10000 fields"), "{}", verdict["problems"]);
    assert_eq!(editor.call("POST", "/api/save", Some(&drafts)).status, 422);
}

#[test]
fn names_lead_nowhere() {
    let shop = Shop::new();
    let outside = tempfile::TempDir::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), shop.file("shop/shop_setup")).unwrap();
    let editor = Server::editor(shop.path(), &[]);
    let before = shop.git(&["status", "--porcelain"]);
    let document = |name: &str, module: &str| json!({ "doctype": "DocType", "name": name, "module": module, "fields": [], "field_order": [] });
    let order = editor.file("Order");
    let mut stolen = draft(&order, |document| document["description"] = "x".into());
    stolen["app"] = "frappe".into();
    let new = |name: &str, app: &str, module: &str| json!({ "id": name, "app": app, "digest": null, "document": document(name, module) });
    for (draft, status) in [
        (new("../../evil", "shop", "Shop"), 422),
        (new("/etc/evil", "shop", "Shop"), 422),
        (new("a\0b", "shop", "Shop"), 422),
        (new("<script>alert(1)</script>", "shop", "Shop"), 422),
        (new("Evil", "../..", "Shop"), 422),
        (new("Evil", "frappe", "Shop"), 422),
        (stolen, 422),
        // The module is one of modules.txt, its folder a link that leads out.
        (new("Evil", "shop", "Shop Setup"), 500),
    ] {
        let answer = editor.call("POST", "/api/save", Some(&json!({ "drafts": [draft] })));
        assert_eq!(answer.status, status, "{draft}: {answer:?}");
    }
    assert_eq!(shop.git(&["status", "--porcelain"]), before);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    for path in ["/api/doctypes/..%2f..%2fmodules.txt", "/api/doctypes/%2e%2e", "/api/doctypes/%00"] {
        assert_eq!(editor.call("GET", path, None).status, 404, "{path}");
    }
}

#[test]
fn a_hostile_name_in_a_file_stays_a_name() {
    let shop = Shop::new();
    let name = "a`; DROP TABLE x; -- <img src=x onerror=alert(1)>/..";
    let text = json!({ "doctype": "DocType", "name": name, "module": "Shop", "fields": [{ "fieldname": "x`y", "fieldtype": "Data" }] });
    shop.write("shop/shop/doctype/hostile/hostile.json", &text.to_string());
    let editor = Server::editor(shop.path(), &[]);
    let file = editor.file(name);
    assert_eq!((&file["name"], &file["as_exported"]), (&json!(name), &json!(false)));
    let verdict = editor.post("/api/verdict", &json!({ "drafts": [] }));
    let sql = verdict["changes"][0]["expand"][0]["sql"].as_str().unwrap();
    assert!(
        sql.contains("`taba``; DROP TABLE x; -- <img src=x onerror=alert(1)>/..`") && sql.contains("`x``y`"),
        "{sql}"
    );
}

#[test]
fn bodies_that_are_none_are_refused() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    for body in [
        json!([]),
        json!({}),
        json!({ "drafts": [{ "id": 1 }] }),
        json!({ "drafts": [{ "id": "Order", "app": "shop", "document": [] }] }),
    ] {
        assert_eq!(editor.call("POST", "/api/verdict", Some(&body)).status, 400, "{body}");
    }
    let large = json!({ "drafts": [], "accepted_patches": ["x".repeat(17 * 1024 * 1024)] });
    assert_eq!(editor.call("POST", "/api/verdict", Some(&large)).status, 413);
    assert_eq!(editor.call("DELETE", "/api/verdict", None).status, 405);
}
