//! What the page is told while somebody types.

use serde_json::{Value, json};

use crate::client::Server;
use crate::shop::{Shop, add_field, draft, field, rename_field};

fn change<'a>(verdict: &'a Value, kind: &str) -> &'a Value {
    let changes = verdict["changes"].as_array().unwrap();
    changes.iter().find(|change| change["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {verdict:#}"))
}

#[test]
fn the_tree_is_shown_with_what_differs_from_blue() {
    let shop = Shop::new();
    shop.doctype("Tag", &json!({ "fields": [] }));
    shop.write(
        "shop/shop/doctype/bill/bill.json",
        &shop.read("shop/shop/doctype/bill/bill.json").replace("InnoDB", "MyISAM"),
    );
    std::fs::remove_file(shop.file("shop/shop/doctype/order_item/order_item.json")).unwrap();
    let editor = Server::editor(shop.path(), &[]);
    let workspace = editor.call("GET", "/api/workspace", None).json();
    let shown: Vec<String> = workspace["doctypes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {}", entry["name"].as_str().unwrap(), entry["changed"]))
        .collect();
    assert_eq!(shown, ["Bill \"edited\"", "Order null", "Order Item \"removed\"", "Tag \"added\""]);
    assert_eq!(workspace["apps"][0], json!({ "name": "shop", "modules": ["Shop", "Shop Setup"] }));
    assert!(workspace["blue"]["words"].as_str().unwrap().starts_with("Git HEAD ("), "{workspace:#}");
    let kinds: Vec<&str> = ["Data", "Table", "Section Break"]
        .iter()
        .map(|name| {
            let all = workspace["fieldtypes"].as_array().unwrap();
            all.iter().find(|fieldtype| fieldtype["name"] == *name).unwrap()["kind"].as_str().unwrap()
        })
        .collect();
    assert_eq!(kinds, ["value", "table", "layout"]);
    let file = editor.file("Order");
    assert_eq!(file["linked_from"], json!([{ "doctype": "Bill", "field": "order", "fieldtype": "Link" }]));
    assert_eq!(
        (&file["as_exported"], &file["path"]),
        (&json!(true), &json!("shop/shop/doctype/order/order.json"))
    );
    assert_eq!(file["blue"], file["document"]);
    assert_eq!(editor.call("GET", "/api/doctypes/Nothing", None).status, 404);
}

#[test]
fn a_new_field_is_additive_and_an_unchanged_draft_is_nothing() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let file = editor.file("Order");
    let nothing = editor.post("/api/verdict", &json!({ "drafts": [draft(&file, |_| {})] }));
    assert_eq!((&nothing["verdict"], nothing["changes"].as_array().unwrap().len()), (&json!("Neutral"), 0));
    let new = json!({ "fieldname": "channel", "fieldtype": "Data", "label": "Channel" });
    let drafts = json!({ "drafts": [draft(&file, |document| add_field(document, "title", new))] });
    let verdict = editor.post("/api/verdict", &drafts);
    let added = change(&verdict, "field_added");
    assert_eq!((&added["verdict"], &added["place"]), (&json!("Additive"), &json!("Order.channel")));
    assert!(added["expand"][0]["sql"].as_str().unwrap().contains("ADD COLUMN `channel`"), "{added:#}");
    assert!(added["crossfade"].as_str().unwrap().starts_with("before green: "), "{added:#}");
    assert_ne!(added["usual"], "");
    assert_eq!(verdict["hash"], editor.post("/api/verdict", &drafts)["hash"]);
}

#[test]
fn a_rename_that_nobody_declared_is_offered_and_declared_it_keeps_the_values() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let file = editor.file("Order");
    let drafts = json!([draft(&file, |document| rename_field(document, "note", "notes"))]);
    let verdict = editor.post("/api/verdict", &json!({ "drafts": drafts }));
    let remedy = &change(&verdict, "field_removed")["remedies"][0];
    assert_eq!(remedy["id"], "declare-rename");
    assert_eq!(verdict["questions"][0]["rename"], remedy["renames"][0]);
    let verdict = editor.post("/api/verdict", &json!({ "drafts": drafts, "renames": remedy["renames"] }));
    assert_eq!(change(&verdict, "field_renamed")["verdict"], "Synced");
    assert_eq!(verdict["questions"], json!([]));
    assert!(
        !verdict.to_string().contains("Blocking"),
        "the patch is not what the planner carries: {verdict:#}"
    );
}

#[test]
fn risky_edits_come_with_safer_ways() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let file = editor.file("Order");
    let remedies = |edit: &dyn Fn(&mut Value)| {
        let verdict = editor.post("/api/verdict", &json!({ "drafts": [draft(&file, edit)] }));
        let all = verdict["changes"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|change| change["remedies"].as_array().unwrap().clone());
        all.collect::<Vec<Value>>()
    };
    let typed = remedies(&|document| field(document, "note")["fieldtype"] = "Int".into());
    assert_eq!(typed[0]["id"], "two-releases");
    let kinds: Vec<&Value> = typed[0]["edits"].as_array().unwrap().iter().map(|edit| &edit["kind"]).collect();
    assert_eq!(kinds, ["set", "set", "set", "add_field"]);
    let unique = remedies(&|document| field(document, "note")["unique"] = 1.into());
    assert_eq!(
        (&unique[0]["id"], &unique[0]["duplicates"]),
        (&json!("check-duplicates"), &json!({ "doctype": "Order", "field": "note" }))
    );
    let mandatory = remedies(&|document| field(document, "note")["reqd"] = 1.into());
    assert_eq!(
        mandatory[0]["edits"],
        json!([{ "kind": "set", "doctype": "Order", "field": "note", "property": "reqd", "value": null }])
    );
    // A Select has a value that new documents can begin with; one that says its own keeps it.
    let chosen = |default: Value| {
        remedies(&|document| {
            *field(document, "note") = json!({
                "fieldname": "note", "fieldtype": "Select", "options": "\nOpen\nClosed", "reqd": 1, "default": default
            });
        })
    };
    let mandatory = chosen(Value::Null);
    let safer = mandatory.iter().find(|remedy| remedy["id"] == "fill-first").unwrap();
    assert_eq!(
        safer["edits"][1],
        json!({ "kind": "set", "doctype": "Order", "field": "note", "property": "default", "value": "Open" })
    );
    assert!(safer["words"].as_str().unwrap().contains("the default Open"), "{safer:#}");
    let safer = chosen("Closed".into()).into_iter().find(|remedy| remedy["id"] == "fill-first").unwrap();
    assert_eq!(safer["edits"].as_array().unwrap().len(), 1);
}

#[test]
fn what_frappe_would_refuse_is_said_with_its_place() {
    let shop = Shop::new();
    let editor = Server::editor(shop.path(), &[]);
    let file = editor.file("Order");
    let twice = json!({ "fieldname": "note", "fieldtype": "Data" });
    let drafts = json!({ "drafts": [draft(&file, |document| add_field(document, "qty", twice))] });
    let verdict = editor.post("/api/verdict", &drafts);
    let problem = &verdict["problems"][0];
    assert_eq!(
        (&problem["field"], &problem["index"], &problem["severity"]),
        (&json!("note"), &json!(3), &json!("error")),
        "{verdict:#}"
    );
    let answer = editor.call("POST", "/api/save", Some(&drafts));
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Order.note: note is there twice"), "{}", answer.body);
    assert_eq!(shop.diff(), [""; 0]);
}

#[test]
fn what_the_file_is_refused_for_already_does_not_hold_up_another_edit() {
    let shop = Shop::new();
    shop.doctype(
        "Tag",
        &json!({ "title_field": "gone", "fields": [{ "fieldname": "A", "fieldtype": "Data" }] }),
    );
    shop.commit();
    let editor = Server::editor(shop.path(), &[]);
    let drafts =
        json!({ "drafts": [draft(&editor.file("Tag"), |document| document["description"] = "x".into())] });
    let problems = editor.post("/api/verdict", &drafts)["problems"].clone();
    let severities: Vec<&Value> =
        problems.as_array().unwrap().iter().map(|problem| &problem["severity"]).collect();
    assert_eq!(severities, ["warning", "warning"]);
    assert_eq!(editor.post("/api/save", &drafts)["kind"], "saved");
}
