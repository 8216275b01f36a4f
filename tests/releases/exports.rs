//! Every DocType of the real apps, read and written: the same bytes, or a file that no export of today has written.

use std::collections::BTreeMap;
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
    let mut others: BTreeMap<&str, Vec<String>> = BTreeMap::new();
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
                others.entry(writer).or_default().push(format!("{} {name}", version.display()));
            }
        }
    }
    println!("refused by the rules of a save: {refused:#?}");
    for (writer, files) in &others {
        println!("{writer}:\n  {}", files.join("\n  "));
    }
    println!("{counts:#?}");
    assert_eq!(counts.get("as Frappe exports it"), Some(&3038));
    assert_eq!(counts.values().sum::<usize>(), 4224);
}
