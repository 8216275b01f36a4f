//! The DocType Editor beside a live site: its metadata is what the files are compared with, and its rows are asked.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::frappe_site::real_site;

#[allow(dead_code, clippy::panic, reason = "the client of the editor's own tests, which ask for more")]
#[path = "../editor/client.rs"]
mod client;
use client::Server;

/// The sample app as the site has it, as a checkout.
fn app() -> TempDir {
    let folder = TempDir::new().unwrap();
    let app = folder.path().join("acme");
    std::fs::create_dir_all(&app).unwrap();
    std::fs::write(app.join("modules.txt"), "Acme\n").unwrap();
    let shared = std::env::var_os("CROSSFADE_SHARED").map(PathBuf::from).unwrap();
    for file in std::fs::read_dir(shared.join("frappe-site/acme_doctypes/base")).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let target = if stem == "patches" {
            app.join("patches.txt")
        } else {
            let target = app.join("acme/doctype").join(&stem);
            std::fs::create_dir_all(&target).unwrap();
            std::fs::write(target.join(format!("{stem}.py")), "").unwrap();
            target.join(format!("{stem}.json"))
        };
        std::fs::copy(&path, target).unwrap();
    }
    folder
}

/// A draft of the orders in which a field has another value of a property.
fn draft(file: &Value, field: &str, property: &str, value: Value) -> Value {
    let mut document = file["document"].clone();
    let fields = document["fields"].as_array_mut().unwrap();
    fields.iter_mut().find(|known| known["fieldname"] == field).unwrap()[property] = value;
    json!({ "drafts": [{ "id": file["name"], "app": "acme", "digest": file["digest"], "document": document }] })
}

#[test]
#[ignore = "needs mariadbd"]
fn the_editor_compares_with_the_live_site_and_asks_its_rows() {
    let Some(site) = real_site("editor") else { return };
    site.admin("DELETE FROM `tabAcme Order`");
    for (name, reference) in [("a", "r1"), ("b", "r1"), ("c", "r2"), ("d", "r3"), ("e", "r3")] {
        site.admin(&format!("INSERT INTO `tabAcme Order` (name, ref_no) VALUES ('{name}', '{reference}')"));
    }
    let more = "INSERT INTO `tabAcme Order` (name, ref_no) SELECT CONCAT('n', seq), CONCAT('u', seq) FROM seq_1_to_3000";
    site.admin(&format!("{more}; ANALYZE TABLE `tabAcme Order`"));
    let app = app();
    let place = format!("acme={}", app.path().display());
    let database = format!("mysql://127.0.0.1:{}/{}", site.server.port, site.name);
    let credentials = site.server.credentials().display().to_string();
    let editor = Server::editor(place.as_ref(), &["--database", &database, "--credentials", &credentials]);
    let workspace = editor.call("GET", "/api/workspace", None).json();
    assert_eq!((&workspace["database"], &workspace["blue"]["kind"]), (&json!(true), &json!("site")));
    let changed: Vec<&Value> =
        workspace["doctypes"].as_array().unwrap().iter().map(|entry| &entry["changed"]).collect();
    assert_eq!(changed, [&Value::Null; 4], "{workspace:#}");
    assert_eq!(editor.post("/api/verdict", &json!({ "drafts": [] }))["changes"], json!([]));

    let order = editor.file("Acme Order");
    let unique = editor.post("/api/verdict", &draft(&order, "ref_no", "unique", json!(1)));
    let change = &unique["changes"][0];
    assert_eq!(
        (&change["kind"], &change["verdict"]),
        (&json!("unique_added"), &json!("Blocking")),
        "{unique:#}"
    );
    assert!(change["why"].as_str().unwrap().contains("\"r1\" (2 rows)"), "{change:#}");
    let question = &change["remedies"][0]["duplicates"];
    let found = editor.post("/api/duplicates", question);
    assert_eq!(
        (&found["rows"], &found["values"], &found["examples"][0]),
        (&json!(4), &json!(2), &json!({ "value": "r1", "rows": 2 }))
    );
    let missing = json!({ "doctype": "Acme Order", "field": "password`" });
    assert_eq!(editor.call("POST", "/api/duplicates", Some(&missing)).status, 404);

    let typed = editor.post("/api/verdict", &draft(&order, "ref_no", "fieldtype", json!("Int")));
    let change = &typed["changes"][0];
    // The optimiser guesses.
    let rows = change["rows"].as_u64().unwrap();
    assert!((1000..9000).contains(&rows) && change["blocked_seconds"] == 1, "{change:#}");
    // Nothing that the page gets has what opens the database.
    for text in [typed.to_string(), workspace.to_string(), editor.call("GET", "/", None).body] {
        assert!(!text.contains("admin secret") && !text.contains("mysql://"), "{text}");
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn what_is_taken_out_beside_a_live_site_is_what_the_command_says_of_the_saved_files() {
    let Some(site) = real_site("output") else { return };
    let (blue, green) = (app(), app());
    // The command wants every app of the site.
    site.admin("UPDATE `tabDefaultValue` SET defvalue = '[\"acme\"]' WHERE defkey = 'installed_apps'");
    site.admin("DELETE FROM `tabAcme Order`");
    let rows = "INSERT INTO `tabAcme Order` (name, ref_no) VALUES ('a', 'r1'), ('b', 'r1'), ('c', '7')";
    site.admin(&format!("{rows}; ANALYZE TABLE `tabAcme Order`"));
    let place = |app: &TempDir| format!("acme={}", app.path().display());
    let database = format!("mysql://127.0.0.1:{}/{}", site.server.port, site.name);
    let credentials = site.server.credentials().display().to_string();
    let live = ["--database", &database, "--credentials", &credentials];
    let against = place(&blue);
    let more = [&["--against", against.as_str(), "--frappe", "15.41.0"][..], &live].concat();
    let editor = Server::editor(place(&green).as_ref(), &more);
    let drafts = draft(&editor.file("Acme Order"), "ref_no", "fieldtype", json!("Int"));
    let kinds = [("plan", "human"), ("json", "json"), ("markdown", "markdown"), ("sql", "sql")];
    let text =
        |kind: &str, drafts: &Value| editor.call("POST", &format!("/api/output/{kind}"), Some(drafts)).body;
    let before = kinds.map(|(kind, _)| text(kind, &drafts));
    assert!(before.iter().all(|text| text.contains("ref_no")), "{before:?}");
    editor.post("/api/save", &drafts);
    for ((kind, output), before) in kinds.into_iter().zip(before) {
        assert_eq!(before, text(kind, &json!({ "drafts": [] })), "{kind}");
        let printed = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"))
            .args(["plan", "--blue", &place(&blue), "--green", &place(&green), "--output", output])
            .args(["--blue-frappe", "15.41.0", "--green-frappe", "15.41.0"])
            .args(live)
            .output()
            .unwrap();
        assert_eq!(before, String::from_utf8(printed.stdout).unwrap(), "{kind}");
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn a_database_that_cannot_be_reached_is_said_without_its_password() {
    let app = app();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(["editor", "--port", "0", "--database", "mysql://root:open-sesame@127.0.0.1:1/x", "--app"])
        .arg(app.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(1) && said.contains("--database") && !said.contains("sesame"),
        "{said}"
    );
}
