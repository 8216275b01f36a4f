//! What `crossfade plan` prints and how it ends, and that the pages about it are complete.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::collections::BTreeSet;
use std::path::Path;

use assert_cmd::Command;
use crossfade::cli::plan_schema;
use crossfade::plan::KINDS;
use serde_json::{Value, json};
use tempfile::TempDir;

fn app(fields: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let fields: Vec<_> =
        fields.iter().map(|name| json!({ "fieldname": name, "fieldtype": "Data" })).collect();
    let order = json!({ "doctype": "DocType", "name": "Order", "module": "Shop", "fields": fields });
    let path = folder.path().join("shop/shop/doctype/order");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("order.json"), order.to_string()).unwrap();
    std::fs::write(folder.path().join("shop/modules.txt"), "Shop\n").unwrap();
    folder
}

/// Exit code, standard output and standard error of a plan.
fn plan(blue: &[&str], green: &[&str], arguments: &[&str]) -> (i32, String, String) {
    let (blue, green) = (app(blue), app(green));
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("crossfade"));
    command.arg("plan").arg("--blue").arg(blue.path()).arg("--green").arg(green.path()).args(arguments);
    let output = command.env_remove("CROSSFADE_DATABASE").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn each_format_is_printed() {
    let run = |format| {
        let (code, text, _) = plan(&["title"], &["title", "channel"], &["--output", format]);
        assert_eq!(code, 0);
        text
    };
    let human = run("human");
    assert!(human.contains("field_added  Order.channel") && !human.contains('\u{1b}'), "{human}");
    let document: Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(document["changes"][0]["kind"], "field_added");
    assert!(run("markdown").contains("| `field_added` | `Order.channel` |"));
    assert!(
        run("sql")
            .contains("\nALTER TABLE `tabOrder` ADD COLUMN `channel` varchar(140), ALGORITHM=INSTANT;\n")
    );
}

#[test]
fn fail_on_and_policies_decide_the_exit_code() {
    let folder = TempDir::new().unwrap();
    let policy = |text: &str| {
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let run = |arguments: &[&str]| plan(&["title", "note"], &["title"], arguments);
    assert_eq!(run(&[]).0, 0);
    assert_eq!(run(&["--fail-on", "field_removed"]).0, 3);
    assert_eq!(run(&["--fail-on", "field_added", "--fail-on", "contractonly"]).0, 3);
    let (code, _, message) = run(&["--fail-on", "field_gone"]);
    assert!(code == 1 && message.contains("field_removed"), "{code} {message}");
    let excused = policy("exceptions: [{reason: the report is gone, kinds: [field_removed]}]");
    for format in ["human", "json", "markdown", "sql"] {
        let (code, text, _) = run(&["--fail-on", "field_removed", "--policy", &excused, "--output", format]);
        assert!(code == 0 && text.contains("the report is gone"), "{format}: {text}");
    }
    let idle = policy("rules: [{severity: error, kinds: [field_added]}]");
    let (code, _, message) = run(&["--policy", &idle]);
    assert!(code == 0 && message.contains("rules[0] fits no change"), "{message}");
    let broken = policy("rules:\n- severity: fatal\n");
    let (code, _, message) = run(&["--policy", &broken]);
    assert!(code == 1 && message.contains("line 2") && message.contains("policy.yaml"), "{message}");
    assert_eq!(run(&["--policy", "/nowhere.yaml"]).0, 1);
}

#[test]
fn wrong_arguments_end_with_1_and_not_with_a_verdict() {
    let crossfade = || Command::new(assert_cmd::cargo::cargo_bin!("crossfade"));
    crossfade().args(["plan", "--blue", "x"]).assert().code(1);
    crossfade().args(["plan", "--output", "xml"]).assert().code(1);
    crossfade().args(["--output", "sql", "snapshot", "--bench", "x"]).assert().code(1);
    crossfade().arg("--help").assert().code(0);
}

#[test]
fn declared_renames_reach_the_plan() {
    let changes = |arguments: &[&str]| {
        let (_, text, error) = plan(&["title"], &["subject"], &[arguments, &["--output", "json"]].concat());
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{error}"));
        let kinds = document["changes"].as_array().unwrap().iter();
        kinds.map(|change| change["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(changes(&[]), ["field_added", "field_removed"]);
    assert_eq!(changes(&["--rename", "Order.title=subject"]), ["field_renamed"]);
    let (code, _, message) = plan(&["title"], &["subject"], &["--rename", "Order.titel=subject"]);
    assert!(code == 1 && message.contains("\"title\"") && message.contains("--rename"), "{message}");
}

#[test]
fn the_schema_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/plan.schema.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == plan_schema::schema().unwrap(),
        "docs/reference/plan.schema.json is stale: run `make plan-schema`"
    );
}

#[test]
fn every_kind_of_change_has_its_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages: BTreeSet<String> = std::fs::read_dir(root.join("docs/explanation/changes"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let kinds: BTreeSet<String> = KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(
        pages, kinds,
        "docs/explanation/changes has one page a kind of change (src/plan/kind.rs), and no other"
    );
    let code: String = std::fs::read_dir(root.join("src/plan/change"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for kind in KINDS {
        assert!(code.contains(&format!("\"{kind}\"")), "no file of src/plan/change makes {kind}");
        let page = std::fs::read_to_string(root.join(format!("docs/explanation/changes/{kind}.md"))).unwrap();
        for part in ["## What Frappe does", "## What Crossfade does", "## What can go wrong"] {
            assert!(
                page.starts_with(&format!("# {kind}\n")) && page.contains(part),
                "{kind}.md lacks {part}"
            );
        }
    }
}
