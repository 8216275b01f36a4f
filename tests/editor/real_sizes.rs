//! Real apps: `ERPNext` and Frappe side by side, as developers have them. Their files are not part of this repository.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Server;
use crate::shop::{add_field, draft};

/// Frappe and ERPNext of one time; `None`, with a word of it, where they are not.
fn apps() -> Option<(TempDir, PathBuf, PathBuf)> {
    let root = std::env::var_os("CROSSFADE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let folder = TempDir::new().unwrap();
    let unpack = |app: &str, version: &str| {
        let archive = root.join(format!("releases/fixtures/{app}/{version}.tar.gz"));
        let target = folder.path().join(app);
        std::fs::create_dir(&target).unwrap();
        let status = Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&target).status().unwrap();
        (archive.is_file() && status.success()).then_some(target)
    };
    let unpacked = (unpack("frappe", "v15.41.0"), unpack("erpnext", "v15.62.0"));
    let (Some(frappe), Some(erpnext)) = unpacked else {
        println!("skipped: no {}", root.display());
        return None;
    };
    Some((folder, frappe, erpnext))
}

#[test]
fn a_whole_app_that_is_opened_and_saved_is_the_same_to_the_byte() {
    let Some((_folder, frappe, _)) = apps() else { return };
    let git = |words: &[&str]| {
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.autocrlf=false"];
        let output = Command::new("git").arg("-C").arg(&frappe).args(who).args(words).output().unwrap();
        assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "x"]);
    let editor = Server::editor(&frappe, &[]);
    let workspace = editor.call("GET", "/api/workspace", None).json();
    let names = workspace["doctypes"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap());
    let drafts: Vec<Value> = names.map(|name| draft(&editor.file(name), |_| {})).collect();
    assert!(drafts.len() > 200, "{}", drafts.len());
    let saved = editor.post("/api/save", &json!({ "drafts": drafts }));
    assert_eq!((&saved["written"], git(&["status", "--porcelain"])), (&json!([]), String::new()));
    // Written anew, with something else in one place: the rest of each file that Frappe exported stays.
    let edited: Vec<Value> = ["User", "ToDo", "Communication"]
        .map(|name| draft(&editor.file(name), |document| document["color"] = "red".into()))
        .to_vec();
    editor.post("/api/save", &json!({ "drafts": edited }));
    let lines = git(&["diff", "--unified=0"]);
    let is_changed =
        |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
    let mut changed: Vec<&str> =
        lines.lines().filter(is_changed).filter(|line| !line.contains("\"modified\"")).collect();
    changed.dedup();
    assert_eq!(changed, ["+ \"color\": \"red\","]);
}

/// What a person takes for at once. A debug build is some ten times slower, so there the figure is only printed.
const AT_ONCE: Duration = Duration::from_millis(100);

#[test]
fn seven_hundred_doctypes_are_judged_at_once() {
    let Some((_folder, frappe, erpnext)) = apps() else { return };
    let place = format!("frappe={}", frappe.display());
    let begun = Instant::now();
    let editor = Server::editor(&erpnext, &["--app", &place]);
    let opened = begun.elapsed();
    let begun = Instant::now();
    let workspace = editor.call("GET", "/api/workspace", None).json();
    let (count, listed) = (workspace["doctypes"].as_array().unwrap().len(), begun.elapsed());
    assert!(count > 650, "{count}");
    let file = editor.file("Sales Invoice");
    let new = json!({ "fieldname": "crossfade_note", "fieldtype": "Data" });
    let drafts = json!({ "drafts": [draft(&file, |document| add_field(document, "title", new))] });
    let mut times: Vec<Duration> = (0..7)
        .map(|_| {
            let begun = Instant::now();
            let verdict = editor.post("/api/verdict", &drafts);
            assert_eq!(verdict["changes"].as_array().unwrap().len(), 1, "{verdict:#}");
            begun.elapsed()
        })
        .collect();
    times.sort();
    let question = json!({ "drafts": [], "doctype": "Sales Invoice", "field": "customer", "to": "client" });
    let begun = Instant::now();
    let references = editor.post("/api/rename", &question).as_array().unwrap().len();
    println!(
        "{count} DocTypes: opened in {opened:?}, listed in {listed:?}; a verdict takes {:?} (median of {}); {references} references in {:?}",
        times[times.len() / 2],
        times.len(),
        begun.elapsed()
    );
    assert!(references > 5, "{references}");
    assert!(cfg!(debug_assertions) || times[times.len() / 2] < AT_ONCE, "{times:?}");
}
