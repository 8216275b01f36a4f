//! What must hold for any bytes: shared by the fuzz targets and by `tests/fuzz_corpus.rs`, which runs the corpus.

#![allow(dead_code, reason = "each target uses one of them")]

use std::io::Write;

use crossfade::doctype::{App, AppReader, PatchLine, PatchSection, Snapshot};
use crossfade::patch::Files;
use crossfade::plan::policy::Judgement;
use crossfade::plan::{Input, plan};
use crossfade::report::{Part, Report};
use crossfade::source::read_all;

/// Types of fields by a byte.
const TYPES: [&str; 16] = [
    "Data",
    "Int",
    "Check",
    "Currency",
    "Text",
    "Date",
    "JSON",
    "Link",
    "Select",
    "Table",
    "Section Break",
    "Long Text",
    "Datetime",
    "Rating",
    "Password",
    "Nonsense",
];

/// A file of an app: the first line is its path, the rest its content.
pub fn app_file(bytes: &[u8]) {
    let (path, content) = split(bytes, b'\n');
    let path = String::from_utf8_lossy(path);
    let mut reader = AppReader::new("app");
    match reader.add(&path, content) {
        Ok(()) => plans_of(&Snapshot::new(vec![reader.finish()]), &Snapshot::new(Vec::new())),
        Err(error) => assert!(error.to_string().contains(&*path), "{error} does not name {path}"),
    }
}

/// A snapshot file, planned against nothing and against itself.
pub fn snapshot(bytes: &[u8]) {
    let Ok(read) = Snapshot::from_json("snapshot.json", bytes) else { return };
    let written = serde_json::to_vec(&read).expect("a snapshot can be written");
    assert_eq!(Snapshot::from_json("again.json", &written).expect("and read again"), read);
    plans_of(&read, &Snapshot::new(Vec::new()));
    let same = plan(&Input::new(&read, &read)).expect("a plan");
    assert!(same.expand.is_empty(), "the same apps need nothing");
}

/// A `.tar.gz` of an app; what does not begin with gzip's mark is packed first.
pub fn archive(bytes: &[u8]) {
    let mut file = tempfile::Builder::new().suffix(".tar.gz").tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    let path = file.path().display().to_string();
    match read_all(std::slice::from_ref(&path)) {
        Ok(read) => plans_of(&read, &read),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Two versions of an app: halves at the byte 255, a line a field (flags, type, DocType, name).
pub fn plans(bytes: &[u8]) {
    let (blue, green) = split(bytes, 255);
    plans_of(&drawn(blue), &drawn(green));
}

fn split(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    let place = bytes.iter().position(|byte| *byte == at).unwrap_or(bytes.len());
    (&bytes[..place], bytes.get(place + 1..).unwrap_or_default())
}

fn drawn(bytes: &[u8]) -> Snapshot {
    let mut reader = AppReader::new("app");
    let mut doctypes = std::collections::BTreeMap::<u8, Vec<serde_json::Value>>::new();
    let mut kinds = std::collections::BTreeMap::<u8, u8>::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let [flags, kind, doctype, name @ ..] = line else { continue };
        kinds.insert(*doctype % 8, *flags >> 5);
        doctypes.entry(*doctype % 8).or_default().push(serde_json::json!({
            "fieldname": String::from_utf8_lossy(name), "fieldtype": TYPES[usize::from(*kind) % 16],
            "reqd": flags & 1, "unique": flags >> 1 & 1, "search_index": flags >> 2 & 1,
            "default": (flags >> 3 & 1 == 1).then(|| String::from_utf8_lossy(name)), "length": kind >> 4,
            "options": format!("D{}", doctype % 3), "not_nullable": flags >> 4 & 1,
        }));
    }
    for (at, fields) in doctypes {
        let kind = kinds[&at];
        let doctype = serde_json::json!({
            "doctype": "DocType", "name": format!("D{at}"), "fields": fields, "issingle": kind == 1,
            "istable": kind == 2, "is_virtual": kind == 3, "track_seen": kind == 4,
            "autoname": (kind == 5).then_some("autoincrement"), "sort_field": (kind == 6).then_some("creation"),
        });
        let path = format!("app/app/doctype/d{at}/d{at}.json");
        let _ = reader.add(&path, doctype.to_string().as_bytes());
    }
    Snapshot::new(vec![reader.finish()])
}

fn plans_of(blue: &Snapshot, green: &Snapshot) {
    for (blue, green) in [(blue, green), (green, blue)] {
        let made = plan(&Input::new(blue, green)).expect("a plan of any two versions");
        assert!(made.is_sealed());
        let judgement = Judgement::default();
        let report = Report { plan: &made, judgement: &judgement };
        let text = report.human(Some(80)) + &report.markdown() + &report.sql(Part::Expand);
        assert!(!text.is_empty());
    }
}

/// The code of a patch: whatever it is, its effects are few, and name the file.
pub fn patch(bytes: &[u8]) {
    struct Code<'a>(&'a [u8]);
    impl Files for Code<'_> {
        fn file(&self, _: &str, path: &str) -> Option<Vec<u8>> {
            match path {
                "app/__init__.py" => Some(Vec::new()),
                "app/p.py" => Some(self.0.to_vec()),
                _ => None,
            }
        }
    }
    let mut app = App::empty("app");
    app.patches = vec![PatchLine::new(PatchSection::PreModelSync, "app.p")];
    let mut apps = [app];
    crossfade::patch::read(&mut apps, &Code(bytes));
    let [app] = apps;
    let effects = app.patches[0].effects.as_ref().expect("the reader did not panic");
    assert!(effects.len() <= 1001 && effects.iter().all(|effect| effect.file == "app/p.py"));
    plans_of(&Snapshot::new(vec![App::empty("app")]), &Snapshot::new(vec![app]));
}
