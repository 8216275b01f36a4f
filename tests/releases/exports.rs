//! Every DocType of the real apps, read and written: the same bytes, or a file that no export of today has written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use crossfade::doctype::edit::{Document, FieldRenames, Known, Severity, export, problems, settle};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::pairs::shared;

/// What the bytes give away of who wrote them.
fn writer(text: &str, document: &Document) -> Option<&'static str> {
    let exported = export(document).unwrap();
    if exported == text {
        return None;
    }
    if exported == text.trim_end_matches('\n') {
        return Some("a newline at the end");
    }
    Some(if text.contains(", \n") {
        "blanks at the ends of lines, as Python 2 wrote them"
    } else if text.contains("\r\n") {
        "lines that end as in Windows"
    } else if !text.is_ascii() {
        "text that is not escaped"
    } else if !text.starts_with("{\n \"") {
        "another indent"
    } else {
        "keys in another order, or edited by hand"
    })
}

#[test]
fn each_doctype_of_the_real_apps_is_written_as_it_was_read() {
    let Some(root) = shared() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut others: BTreeMap<(String, &str), BTreeSet<String>> = BTreeMap::new();
    let mut archives: Vec<_> = std::fs::read_dir(root.join("releases/fixtures"))
        .unwrap()
        .flat_map(|app| std::fs::read_dir(app.unwrap().path()).unwrap())
        .map(|archive| archive.unwrap().path())
        .collect();
    archives.sort();
    for path in archives {
        let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(&path).unwrap()));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            if !name.contains("/doctype/")
                || entry.path().unwrap().extension().is_none_or(|extension| extension != "json")
                || entry.read_to_string(&mut text).is_err()
            {
                continue;
            }
            let Ok(Value::Object(document)) = serde_json::from_str(&text) else { continue };
            if document.get("doctype") != Some(&"DocType".into()) {
                continue;
            }
            // A save of what was not edited changes nothing, whoever wrote the file.
            let settled = settle(&document, Some(&document), &FieldRenames::new(), "now");
            assert!(!settled.is_changed && settled.document == document, "{} {name}", path.display());
            for problem in problems(&document, &Known::new(), false) {
                if problem.severity == Severity::Error {
                    let property = problem.property.unwrap_or_default();
                    refused.entry(property).or_default().push(format!("{name}: {}", problem.message));
                }
            }
            let writer = writer(&text, &document);
            *counts.entry(writer.unwrap_or("as Frappe exports it")).or_default() += 1;
            if let Some(writer) = writer {
                let version = path.strip_prefix(root.join("releases/fixtures")).unwrap();
                let of = (version.display().to_string().replace(".tar.gz", ""), writer);
                others.entry(of).or_default().insert(place(&name));
            }
        }
    }
    println!("refused by the rules of a save: {refused:#?}");
    println!("{counts:#?}");
    assert_eq!(counts.get("as Frappe exports it"), Some(&3038));
    assert_eq!(counts.values().sum::<usize>(), 4224);
    listed(&others);
}

/// Holds the list of files that no export would have written: which DocTypes of which version, and what gives their writer
/// away. `UPDATE_GOLDENFILES=1` writes it.
fn listed(others: &BTreeMap<(String, &str), BTreeSet<String>>) {
    let list: Vec<String> = others
        .iter()
        .map(|((version, writer), files)| {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            format!("# {version}: {writer}\n{}\n", files.join("\n"))
        })
        .collect();
    let list = list.concat();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/releases/not_as_exported.txt");
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        std::fs::write(path, &list).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (at, (now, before)) in list.lines().zip(expected.lines()).enumerate() {
        assert_eq!(now, before, "line {} of {path}", at + 1);
    }
    assert_eq!(list.len(), expected.len());
}

/// Module and DocType of a file: `core/user` of `frappe/core/doctype/user/user.json`.
fn place(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().position(|part| *part == "doctype").unwrap_or_default();
    let module = at.checked_sub(1).and_then(|at| parts.get(at)).copied().unwrap_or_default();
    let file = parts.last().and_then(|file| file.strip_suffix(".json")).unwrap_or_default();
    format!("{module}/{file}")
}
