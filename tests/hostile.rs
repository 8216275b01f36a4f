//! Input that somebody made to break us: an error that names the file, at once, and no panic.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crossfade::doctype::{App, AppReader, PatchLine, PatchSection, Snapshot};
use crossfade::patch::{self, Files};
use crossfade::plan::{Input, plan};
use crossfade::source::read_all;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const ORDER: &str = "shop/shop/doctype/order/order.json";
const MIB: usize = 1024 * 1024;

/// CPU time of this thread: what a busy machine makes of the clock on the wall says nothing.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

fn spent_since(start: Duration) -> Duration {
    spent().saturating_sub(start)
}

fn doctype(fields: &Value) -> Vec<u8> {
    json!({ "doctype": "DocType", "name": "Order", "fields": fields }).to_string().into_bytes()
}

fn repeated(head: &str, part: &str, times: usize, tail: &str) -> Vec<u8> {
    format!("{head}{}{tail}", part.repeat(times)).into_bytes()
}

/// The error of reading these bytes as one file of an app.
fn refusal(path: &str, bytes: &[u8]) -> String {
    let start = spent();
    let message = AppReader::new("shop").add(path, bytes).expect_err("it is refused").to_string();
    assert!(spent_since(start) < Duration::from_secs(10), "{path} took {:?}", spent_since(start));
    assert!(message.contains(path) && message.len() < 2000, "{message}");
    message
}

#[test]
fn broken_files_of_an_app_are_refused_by_name() {
    let many: Vec<Value> = (0..10_000).map(|at| json!({ "fieldname": format!("f{at}") })).collect();
    let fixture = "shop/fixtures/custom_field.json";
    let cases: [(&str, Vec<u8>, &str); 18] = [
        (ORDER, Vec::new(), "EOF"),
        (ORDER, doctype(&json!([]))[..20].to_vec(), "EOF"),
        (ORDER, b"{\"doctype\": \"DocType\", \"name\": \"\xff\xfe\"}".to_vec(), "unicode"),
        (ORDER, b"\xef\xbb\xbf{}".to_vec(), "expected value"),
        (ORDER, b"{} {}".to_vec(), "trailing"),
        (ORDER, repeated("", "[", 100_000, ""), "EOF"),
        (ORDER, repeated("{\"x\":", "{\"a\":", 100_000, "1"), "EOF"),
        (fixture, repeated("", "[", 100_000, ""), "recursion"),
        (ORDER, vec![b' '; 9 * MIB], "more than the"),
        (ORDER, doctype(&json!(many)), "10000 fields"),
        (ORDER, doctype(&json!([{ "fieldname": "a\u{0}b" }])), "control"),
        (ORDER, doctype(&json!([{ "fieldname": "a\nb" }])), "control"),
        (ORDER, doctype(&json!([{ "fieldname": "x".repeat(MIB) }])), "1048576 characters"),
        (ORDER, doctype(&json!(["title"])), "\"fields\"[0]"),
        (
            ORDER,
            repeated("{\"doctype\":\"DocType\",\"name\":\"X\",\"fields\":[", "{},", 2_000_000, "{}]}"),
            "fields",
        ),
        (fixture, repeated("[", "{\"\":0},", 1_000_000, "{}]"), "objects"),
        (
            fixture,
            b"[{\"doctype\": \"Custom Field\", \"dt\": \"A\\u0000\", \"fieldname\": \"x\"}]".to_vec(),
            "control",
        ),
        ("shop/patches.txt", vec![0xff, 0xfe, 0], "UTF-8"),
    ];
    for (path, bytes, expected) in cases {
        let message = refusal(path, &bytes);
        assert!(message.contains(expected), "expected {expected}: {message}");
    }
}

#[test]
fn strange_names_are_quoted_and_not_refused() {
    for name in ["a`b", "a'b\"c", "a;--", "../../x", "%s", "${HOME}", "\u{202e}x", "名前", "😀"] {
        let mut reader = AppReader::new("shop");
        reader.add(ORDER, &doctype(&json!([{ "fieldname": name, "default": name }]))).unwrap();
        let green = Snapshot::new(vec![reader.finish()]);
        let made = plan(&Input::new(&Snapshot::new(Vec::new()), &green)).unwrap();
        let quoted = format!("`{}`", name.replace('`', "``"));
        assert!(made.expand[0].sql.contains(&quoted), "{}", made.expand[0].sql);
    }
}

#[test]
fn ten_thousand_fields_over_many_doctypes_are_planned_soon() {
    let mut reader = AppReader::new("shop");
    let fields: Vec<Value> =
        (0..4096).map(|at| json!({ "fieldname": format!("f{at}"), "unique": 1 })).collect();
    for at in 0..3 {
        let file = json!({ "doctype": "DocType", "name": format!("D{at}"), "fields": fields }).to_string();
        reader.add(&format!("a/a/doctype/d{at}/d{at}.json"), file.as_bytes()).unwrap();
    }
    let (empty, green) = (Snapshot::new(Vec::new()), Snapshot::new(vec![reader.finish()]));
    let start = spent();
    assert_eq!(plan(&Input::new(&empty, &green)).unwrap().changes.len(), 3);
    assert!(spent_since(start) < Duration::from_secs(20), "{:?}", spent_since(start));
}

/// The effects of one patch with this code, in words.
fn patch_of(code: &[u8]) -> String {
    struct Code<'a>(&'a [u8]);
    impl Files for Code<'_> {
        fn file(&self, _: &str, path: &str) -> Option<Vec<u8>> {
            match path {
                "shop/__init__.py" => Some(Vec::new()),
                "shop/p.py" => Some(self.0.to_vec()),
                _ => None,
            }
        }
    }
    let mut app = App::empty("shop");
    app.patches = vec![PatchLine::new(PatchSection::PreModelSync, "shop.p")];
    let mut apps = [app];
    let start = Instant::now();
    patch::read(&mut apps, &Code(code));
    assert!(start.elapsed() < Duration::from_secs(30), "took {:?}", start.elapsed());
    let effects = apps[0].patches[0].effects.as_ref().expect("the reader did not panic");
    let text = format!("{effects:?}");
    assert!(text.len() < 5 * MIB, "{} bytes of effects", text.len());
    text
}

#[test]
fn broken_and_deep_code_is_named_and_harms_nobody() {
    let body = |text: Vec<u8>| [b"import frappe\ndef execute():\n    x = ".to_vec(), text].concat();
    let nested = |open: &str, close: &str| {
        let times = 80_000;
        body(format!("{}1{}", open.repeat(times), close.repeat(times)).into_bytes())
    };
    let indented =
        (0..1300).map(|at| format!("{}if frappe.x:\n", " ".repeat(at))).collect::<Vec<_>>().concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![b'#'; 5 * MIB], "5242880 bytes"),
        (b"def execute():\n    x = '\xff'".to_vec(), "UTF-8"),
        (vec![0; 100], "failed to parse shop/p.py"),
        (b"def execute(:".to_vec(), "line 1"),
        (b"print 'two'".to_vec(), "failed to parse shop/p.py"),
        (nested("(", ")"), "deeper"),
        (nested("[", "]"), "deeper"),
        (nested("{1:", "}"), "deeper"),
        (nested("f(", ")"), "deeper"),
        (nested("a[", "]"), "deeper"),
        (nested("-", ""), "deeper"),
        (nested("not ", ""), "deeper"),
        (nested("await ", ""), "deeper"),
        (nested("lambda: ", ""), "deeper"),
        (nested("lambda a, b: ", ""), "deeper"),
        (nested("1 if 1 else ", ""), "deeper"),
        (nested("1 ** ", ""), "deeper"),
        (nested("1 + ", ""), "deeper"),
        (nested("a.", ""), "deeper"),
        (nested("y = ", ""), "deeper"),
        (nested("f()", ""), "deeper"),
        (nested("f\"{", ""), "failed"),
        (indented.into_bytes(), "deeper"),
        (repeated("", "@", 300_000, ""), "failed"),
        (repeated("", "else ", 200_000, ""), "failed"),
        (repeated("match x:\n case ", "(", 100_000, ""), "deeper"),
    ];
    for (code, expected) in cases {
        let found = patch_of(&code);
        assert!(found.contains(expected) && found.contains("shop/p.py"), "expected {expected}: {found:.300}");
    }
}

#[test]
fn code_that_would_run_for_ever_or_grow_is_given_up() {
    let run = |lines: &[&str]| {
        let body = lines.join("\n    ");
        patch_of(format!("import frappe\nL = list(range(500))\ndef execute():\n    {body}\n").as_bytes())
    };
    let loops = run(&["for a in L:", " for b in L:", "  for c in L:", "   frappe.db.count('A', a)"]);
    assert!(loops.contains("too much code"), "{loops:.300}");
    assert!(run(&["execute()"]).contains("calls itself"));
    let growing = [
        run(&["x = 'a'", "for a in L: x = x + x", "frappe.db.delete(x)"]),
        run(&["x = [1]", "for a in L: x = x + x", "frappe.db.delete(x)"]),
        run(&["x = [1]", "for a in L: x = [x, x]", "frappe.db.delete(x)"]),
        run(&["x = {'a': 1}", "for a in L: x = {1: x, 2: x}", "frappe.db.delete(x)"]),
        run(&["x = 'a' * 9 + 'a'", "for a in L: x = x.replace('a', 'a' + x)", "frappe.db.delete(x)"]),
        run(&["x = 'ab'", "for a in L: x = '{0}{0}'.format(x)", "frappe.db.delete(x)"]),
        run(&["x = 'ab'", "for a in L: x = x.join([x, x, x])", "frappe.db.delete(x)"]),
        run(&["x = 'ab'", "for a in L: x = f'{x}{x}'", "frappe.db.delete(x)"]),
    ];
    for found in growing {
        assert!(found.contains("Unknown") && found.contains("shop/p.py"), "{found:.300}");
    }
    let many = (0..3000).map(|at| format!("frappe.db.delete('T{at}')")).collect::<Vec<_>>();
    assert!(run(&many.iter().map(String::as_str).collect::<Vec<_>>()).contains("more than 1000 things"));
    let names = (0..20_000).map(|at| format!("a{at} = a{}\n", at + 1)).collect::<Vec<_>>().concat();
    patch_of(format!("{names}def execute():\n    a0()\n").as_bytes());
    patch_of(
        format!("import frappe\ndef execute():\n    frappe.db.delete('{}')", "x".repeat(MIB / 2)).as_bytes(),
    );
}

#[test]
fn a_patch_cannot_lead_out_of_its_app() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("secret.py", "import frappe\ndef execute():\n    frappe.db.delete('Secret')\n");
    write("shop/shop/__init__.py", "");
    write("shop/shop/patches.txt", "shop.link\n../secret\nshop/../../secret\n..secret\n");
    std::os::unix::fs::symlink(folder.path().join("secret.py"), folder.path().join("shop/shop/link.py"))
        .unwrap();
    let place = folder.path().join("shop").display().to_string();
    let read = read_all(&[place]).unwrap();
    let text = format!("{:?}", read.apps[0].patches);
    assert!(!text.contains("Secret") && text.matches("failed to find").count() == 4, "{text}");
}

/// An entry of a tar by hand: the library refuses to write what it must refuse to read.
fn entry(path: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive(write: impl FnOnce(&mut GzEncoder<std::fs::File>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("shop.tar.gz")).unwrap();
    let mut gzip = GzEncoder::new(file, Compression::fast());
    write(&mut gzip);
    gzip.finish().unwrap();
    folder
}

fn read_archive(write: impl FnOnce(&mut GzEncoder<std::fs::File>)) -> Result<Snapshot, String> {
    let folder = archive(write);
    let path = folder.path().join("shop.tar.gz");
    let start = spent();
    let read = read_all(&[path.display().to_string()]).map_err(|error| error.to_string());
    assert!(spent_since(start) < Duration::from_mins(1), "{:?}", spent_since(start));
    if let Err(message) = &read {
        assert!(message.contains("shop.tar.gz") || message.contains(ORDER), "{message}");
    }
    read
}

#[test]
fn archives_cannot_reach_out_or_grow() {
    let patches = || entry("shop/patches.txt", b'0', "", b"shop.patches.one\n");
    for path in ["../x/patches.txt", "/etc/patches.txt", "shop/../../patches.txt"] {
        let message = read_archive(|gzip| gzip.write_all(&entry(path, b'0', "", b"x")).unwrap()).unwrap_err();
        assert!(message.contains("leaves the archive"), "{message}");
    }
    // Links are passed over: what they point to is not read.
    let read = read_archive(|gzip| {
        gzip.write_all(&patches()).unwrap();
        gzip.write_all(&entry("shop/modules.txt", b'2', "/etc/passwd", b"")).unwrap();
        gzip.write_all(&entry("shop/__init__.py", b'1', "../../etc/passwd", b"")).unwrap();
    });
    let app = read.unwrap().apps.remove(0);
    assert!(app.modules.is_empty() && app.version.is_none() && app.patches.len() == 1);
    let bomb = read_archive(|gzip| {
        gzip.write_all(&patches()).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_path("shop/large.bin").unwrap();
        header.set_size(1 << 40);
        header.set_cksum();
        gzip.write_all(header.as_bytes()).unwrap();
        let zeros = vec![0; MIB];
        for _ in 0..530 {
            gzip.write_all(&zeros).unwrap();
        }
    });
    assert!(bomb.unwrap_err().contains("bytes unpacked"));
    let many_files = read_archive(|gzip| {
        let content = vec![b'#'; 7 * MIB];
        for at in 0..12 {
            gzip.write_all(&entry(&format!("a{at}/patches.txt"), b'0', "", &content)).unwrap();
        }
    });
    assert!(many_files.unwrap_err().contains("more than"));
    let entries = read_archive(|gzip| {
        let one = entry("shop/x", b'0', "", b"");
        for _ in 0..=500_000 {
            gzip.write_all(&one).unwrap();
        }
    });
    assert!(entries.unwrap_err().contains("entries"));
    let cut = read_archive(|gzip| gzip.write_all(&patches()[..600]).unwrap());
    assert!(cut.is_err());
    assert!(
        read_archive(|gzip| gzip.write_all(&entry(ORDER, b'0', "", b"{")).unwrap())
            .unwrap_err()
            .contains(ORDER)
    );
}

#[test]
fn a_directory_is_read_without_following_links() {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("shop");
    std::fs::create_dir_all(app.join("shop")).unwrap();
    std::fs::write(app.join("shop/modules.txt"), "Shop\n").unwrap();
    std::fs::write(folder.path().join("secret"), "secret\n").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), app.join("shop/patches.txt")).unwrap();
    std::os::unix::fs::symlink(folder.path(), app.join("loop")).unwrap();
    let read = read_all(&[app.display().to_string()]).unwrap();
    assert!(read.apps[0].patches.is_empty());
}

fn snapshot_error(text: &[u8]) -> String {
    let message = Snapshot::from_json("edited.json", text).expect_err("it is refused").to_string();
    assert!(message.contains("edited.json") && message.len() < 2000, "{message}");
    message
}

#[test]
fn edited_snapshots_are_held_to_the_rules_of_files() {
    let with = |doctype: Value| {
        let key = doctype["name"].as_str().unwrap_or("x").to_owned();
        json!({ "format": 1, "apps": [{ "name": "shop", "modules": [], "patches": [], "doctypes": { key: doctype } }] })
            .to_string()
            .into_bytes()
    };
    let field = |name: &str| json!([{ "fieldname": name, "fieldtype": "Data" }]);
    let order = |fields: Value| json!({ "name": "Order", "module": "", "fields": fields, "digest": "" });
    assert!(Snapshot::from_json("edited.json", &with(order(field("title")))).is_ok());
    let mut engine = order(field("title"));
    engine["engine"] = json!("InnoDB; DROP TABLE x");
    let many: Vec<Value> = (0..5000).map(|at| field(&format!("f{at}"))[0].clone()).collect();
    let cases = [
        (b"{".to_vec(), "EOF"),
        (b"[]".to_vec(), "edited.json"),
        (b"{\"format\": 2, \"apps\": []}".to_vec(), "its format is 2"),
        (b"{\"format\": \"1\", \"apps\": []}".to_vec(), "invalid type"),
        (b"\xff".to_vec(), "expected value"),
        (repeated("{\"x\":", "[", 200_000, ""), "EOF"),
        (with(engine), "storage engine"),
        (with(order(field("a\u{0}"))), "control"),
        (with(order(field(&"x".repeat(65)))), "65 characters"),
        (with(order(json!(many))), "5000 fields"),
        (with(order(json!([{ "fieldname": 1, "fieldtype": "Data" }]))), "invalid type"),
        (with(json!({ "name": "N".repeat(62), "module": "", "fields": [], "digest": "" })), "61 characters"),
    ];
    for (text, expected) in cases {
        let message = snapshot_error(&text);
        assert!(message.contains(expected), "expected {expected}: {message}");
    }
}

#[test]
fn a_snapshot_with_strings_of_100_megabytes_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"{\"format\": 1, \"apps\": [{\"name\": \"").unwrap();
    for _ in 0..100 {
        file.write_all(&vec![b'x'; MIB]).unwrap();
    }
    let message = read_all(&[path.display().to_string()]).unwrap_err().to_string();
    assert!(message.contains("large.json") && message.contains("more than"), "{message}");
    assert!(Path::new(&path).exists());
}
