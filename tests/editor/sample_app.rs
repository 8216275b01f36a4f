//! Every version of the sample app, made in the editor: the same plan as that of its files, and the same files.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Server;

/// Where the versions lie; `None`, with a word of it, where they do not.
fn versions() -> Option<PathBuf> {
    let root = std::env::var_os("CROSSFADE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let versions = root.join("frappe-site/acme_doctypes");
    if versions.is_dir() {
        Some(versions)
    } else {
        println!("skipped: no {}", root.display());
        None
    }
}

/// The DocTypes of a version: file stem -> document.
fn documents(version: &Path) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = std::fs::read_dir(version)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let document = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), document)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// The app as a checkout with the DocTypes of a version, and the patches of the first one.
fn checkout(versions: &Path, version: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let app = folder.path().join("acme");
    std::fs::create_dir_all(&app).unwrap();
    std::fs::write(app.join("__init__.py"), "__version__ = \"1.0.0\"\n").unwrap();
    std::fs::write(app.join("modules.txt"), "Acme\n").unwrap();
    std::fs::copy(versions.join("base/patches.txt"), app.join("patches.txt")).unwrap();
    for (stem, _) in documents(&versions.join(version)) {
        let target = app.join("acme/doctype").join(&stem);
        std::fs::create_dir_all(&target).unwrap();
        std::fs::write(target.join(format!("{stem}.py")), "").unwrap();
        std::fs::copy(
            versions.join(version).join(format!("{stem}.json")),
            target.join(format!("{stem}.json")),
        )
        .unwrap();
    }
    folder
}

/// Takes away what is empty, at every level.
fn prune(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| *value != "" && *value != 0);
            object.values_mut().for_each(prune);
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn plan(blue: &Path, green: &Path, renames: &[&str]) -> String {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("crossfade"));
    command.args(["plan", "--output", "json", "--blue"]).arg(format!("acme={}", blue.display()));
    command.arg("--green").arg(format!("acme={}", green.display()));
    for rename in renames {
        command.args(["--rename", rename]);
    }
    let output = command.env_remove("CROSSFADE_DATABASE").output().unwrap();
    assert!(output.status.code() != Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What of a plan the database feels; the patch that the editor writes is no change of its own, for the plan carries it.
fn essence(plan: &str) -> Value {
    let plan: Value = serde_json::from_str(plan).unwrap();
    let mut changes = plan["changes"].as_array().unwrap().clone();
    changes.retain(|change| change["kind"] != "patch_added");
    let expand = plan["expand"].as_array().unwrap().iter();
    let expand: Vec<&Value> = expand
        .map(|step| &step["sql"])
        .filter(|sql| !sql.to_string().contains("INTO `tabPatch Log`"))
        .collect();
    json!([changes, expand, plan["contract"], plan["singles"], plan["in_step"], plan["questions"]])
}

/// The drafts that make a version out of the first one, with the renames that its patches do.
fn drafts(
    editor: &Server,
    base: &[(String, Value)],
    version: &[(String, Value)],
) -> (Value, Vec<&'static str>) {
    let has = |all: &[(String, Value)], name: &str| all.iter().any(|(_, document)| document["name"] == name);
    let is_tag_renamed = has(version, "Acme Label");
    let (mut drafts, mut renames, mut declared) = (Vec::new(), Vec::new(), Vec::new());
    for (_, document) in base {
        let name = document["name"].as_str().unwrap();
        let file = editor.file(name);
        let to = if name == "Acme Tag" && is_tag_renamed { "Acme Label" } else { name };
        let after = version.iter().map(|(_, document)| document).find(|document| document["name"] == to);
        let renamed_from = if to == name { Value::Null } else { name.into() };
        drafts.push(json!({ "id": name, "app": "acme", "digest": file["digest"], "document": after, "renamed_from": renamed_from }));
    }
    if is_tag_renamed {
        declared.push("Acme Tag=Acme Label");
    }
    for (_, document) in version {
        let name = document["name"].as_str().unwrap();
        let is_renamed = name == "Acme Label" && is_tag_renamed;
        if !has(base, name) && !is_renamed {
            drafts.push(json!({ "id": name, "app": "acme", "digest": null, "document": document }));
        }
        let fields = document["field_order"].to_string();
        if fields.contains("\"order_note\"") && !fields.contains("\"customer_note\"") {
            renames.push(json!({ "doctype": name, "from": "customer_note", "to": "order_note" }));
            declared.push("Acme Order.customer_note=order_note");
        }
    }
    (json!({ "drafts": drafts, "renames": renames }), declared)
}

#[test]
fn each_version_of_the_sample_app_is_planned_as_its_files_are() {
    let Some(versions) = versions() else { return };
    let mut names: Vec<String> = std::fs::read_dir(&versions)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 17);
    let base = documents(&versions.join("base"));
    let blue = checkout(&versions, "base");
    for name in &names {
        let edited = checkout(&versions, "base");
        let against = format!("acme={}", blue.path().display());
        let place = format!("acme={}", edited.path().display());
        let editor = Server::editor(Path::new(&place), &["--against", &against]);
        let version = documents(&versions.join(name));
        let (drafts, declared) = drafts(&editor, &base, &version);
        let said = editor.call("POST", "/api/output/json", Some(&drafts)).body;
        let expected = plan(blue.path(), checkout(&versions, name).path(), &declared);
        let (said_of_it, expected) = (essence(&said), essence(&expected));
        assert!(said_of_it == expected, "{name}: {said_of_it}\n is not\n{expected}");
        assert_eq!(editor.post("/api/save", &drafts)["kind"], "saved", "{name}");
        // What was saved is planned by the command as by the editor, to the letter.
        let saved = editor.call("POST", "/api/output/json", Some(&json!({ "drafts": [] }))).body;
        assert_eq!(saved, plan(blue.path(), edited.path(), &[]), "{name}");
        for (stem, document) in &version {
            let file = edited.path().join(format!("acme/acme/doctype/{stem}/{stem}.json"));
            let mut written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            written["modified"] = document["modified"].clone();
            // A new DocType is written without what is empty, as Frappe does; fields stand in the order of the file.
            let by_name = |document: &Value| {
                let mut document = document.clone();
                prune(&mut document);
                document["fields"]
                    .as_array_mut()
                    .unwrap()
                    .sort_by_key(|field| field["fieldname"].to_string());
                document
            };
            assert_eq!(by_name(&written), by_name(document), "{name}: {stem}");
        }
        println!("{name}: {}", serde_json::from_str::<Value>(&said).unwrap()["summary"]);
    }
}
