//! The texts are those of `crossfade plan`, word for word.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::Server;
use crate::shop::{Shop, draft, field, rename_field};

#[test]
fn every_text_is_what_the_command_prints() {
    let shop = Shop::new();
    let before = tempfile::TempDir::new().unwrap();
    let copied = Command::new("cp").arg("-r").arg(shop.file("shop")).arg(before.path()).status().unwrap();
    assert!(copied.success());
    let editor = Server::editor(shop.path(), &[]);
    let drafts = json!({
        "drafts": [draft(&editor.file("Order"), |document| {
            rename_field(document, "note", "remark");
            document["search_fields"] = "title".into();
            field(document, "qty")["fieldtype"] = "Int".into();
        })],
        "renames": [{ "doctype": "Order", "from": "note", "to": "remark" }]
    });
    let text = |kind: &str, drafts: &Value| {
        let answer = editor.call("POST", &format!("/api/output/{kind}"), Some(drafts));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    };
    let kinds = ["plan", "json", "markdown", "sql", "sql?part=undo", "sql?part=contract", "release"];
    let before_saving: Vec<String> = kinds.iter().map(|kind| text(kind, &drafts)).collect();
    // Somebody looks at something else meanwhile.
    editor.post("/api/verdict", &json!({ "drafts": [] }));
    editor.post("/api/save", &drafts);
    let saved: Vec<String> = kinds.iter().map(|kind| text(kind, &json!({ "drafts": [] }))).collect();
    assert_eq!(before_saving, saved);
    for (kind, arguments) in [
        ("plan", &["--output", "human"][..]),
        ("json", &["--output", "json"]),
        ("markdown", &["--output", "markdown"]),
        ("sql", &["--output", "sql"]),
        ("sql?part=undo", &["--output", "sql", "--part", "undo"]),
        ("sql?part=contract", &["--output", "sql", "--part", "contract"]),
    ] {
        let blue = format!("shop={}", before.path().display());
        let green = format!("shop={}", shop.path().display());
        let printed = Command::new(assert_cmd::cargo::cargo_bin!("crossfade"))
            .args(["plan", "--blue", &blue, "--green", &green])
            .args(arguments)
            .env_remove("CROSSFADE_DATABASE")
            .output()
            .unwrap();
        let text = text(kind, &json!({ "drafts": [] }));
        assert_eq!(text, String::from_utf8(printed.stdout).unwrap(), "{kind}");
    }
}

#[test]
fn a_manifest_says_what_a_human_has_to_say() {
    let shop = Shop::new();
    shop.write("shop/patches/v1_0/odd.py", "import frappe\ndef execute():\n\tfrappe.db.sql(frappe.x())\n");
    shop.write("shop/patches.txt", "[post_model_sync]\nshop.patches.v1_0.begin\nshop.patches.v1_0.odd\n");
    let editor = Server::editor(shop.path(), &[]);
    let verdict = editor.post("/api/verdict", &json!({ "drafts": [] }));
    let remedy = &verdict["changes"][0]["remedies"][0];
    assert_eq!(
        (&verdict["verdict"], &remedy["id"]),
        (&json!("Blocking"), &json!("accept-patch")),
        "{verdict:#}"
    );
    let release = |drafts| editor.call("POST", "/api/output/release", Some(&drafts)).body;
    let text = release(json!({ "drafts": [] }));
    assert!(text.contains("acceptMaintenanceWindow: "), "{text}");
    let text = release(json!({ "drafts": [], "accepted_patches": remedy["accept_patches"] }));
    let expected = "  planning:\n    acceptPatches:\n    - shop.patches.v1_0.odd\n";
    assert!(text.ends_with(expected) && !text.contains("Window"), "{text}");
    assert_eq!(editor.call("POST", "/api/output/secrets", Some(&json!({ "drafts": [] }))).status, 400);
}
