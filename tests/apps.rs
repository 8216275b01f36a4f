//! Places that apps are read from, broken and hostile ones too, and the commands over them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::io::Write;
use std::path::Path;

use assert_cmd::Command;
use crossfade::doctype::{AppReader, MAX_FILE_BYTES};
use crossfade::manifest::plan_store::from_log;
use crossfade::plan::Verdict;
use crossfade::source::read_all;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tempfile::TempDir;

const ORDER: &str = "shop/shop/doctype/order/order.json";

fn order(fields: &[&str]) -> String {
    let fields: Vec<_> =
        fields.iter().map(|name| json!({ "fieldname": name, "fieldtype": "Data" })).collect();
    json!({ "doctype": "DocType", "name": "Order", "module": "Shop", "fields": fields }).to_string()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn bench(fields: &[&str], patches: &str) -> TempDir {
    let bench = TempDir::new().unwrap();
    write(bench.path(), "sites/apps.txt", "frappe\nshop\n");
    write(bench.path(), "apps/frappe/frappe/__init__.py", "__version__ = \"15.41.0\"\n");
    write(bench.path(), "apps/frappe/frappe/modules.txt", "Core\n");
    write(bench.path(), "apps/shop/shop/__init__.py", "__version__ = '1.2.3'\n");
    write(bench.path(), "apps/shop/shop/modules.txt", "Shop\n");
    write(bench.path(), "apps/shop/shop/patches.txt", patches);
    write(bench.path(), &format!("apps/shop/{ORDER}"), &order(fields));
    write(bench.path(), "apps/shop/shop/shop/doctype/order/order.py", "");
    bench
}

fn archive(entries: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = std::fs::File::create(folder.path().join("shop.tar.gz")).unwrap();
    let mut gzip = GzEncoder::new(file, Compression::fast());
    for (path, text) in entries {
        let mut header = tar::Header::new_gnu();
        // Written by hand: the library refuses to write the paths that it must refuse to read.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        gzip.write_all(header.as_bytes()).unwrap();
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.write_all(&vec![0; (512 - text.len() % 512) % 512]).unwrap();
    }
    gzip.write_all(&[0; 1024]).unwrap();
    gzip.finish().unwrap();
    folder
}

fn place(path: &Path) -> Vec<String> {
    vec![path.display().to_string()]
}

fn crossfade() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("crossfade"))
}

#[test]
fn a_bench_is_read_in_the_order_of_its_apps() {
    let bench = bench(&["title"], "shop.patches.one\n");
    let snapshot = read_all(&place(bench.path())).unwrap();
    let names: Vec<_> = snapshot.apps.iter().map(|app| app.name.as_str()).collect();
    assert_eq!(names, ["frappe", "shop"]);
    let shop = &snapshot.apps[1];
    assert_eq!(shop.version.as_deref(), Some("1.2.3"));
    assert!(shop.doctypes["Order"].has_controller);
    assert_eq!(shop.patches.len(), 1);
    assert_eq!(snapshot.frappe_version().unwrap().minor, 41);
}

#[test]
fn the_same_bench_gives_the_same_bytes() {
    let bytes = || {
        let bench = bench(&["title", "b", "a"], "");
        let out = bench.path().join("snapshot.json");
        crossfade()
            .arg("snapshot")
            .arg("--bench")
            .arg(bench.path())
            .arg("--out")
            .arg(&out)
            .assert()
            .success();
        std::fs::read(out).unwrap()
    };
    let first = bytes();
    assert_eq!(first, bytes());
    assert!(first.starts_with(b"{\"format\":1,\"apps\":["));
}

#[test]
fn exit_codes_say_what_a_release_needs() {
    let base = bench(&["title"], "");
    let run = |green: &TempDir| {
        let mut command = crossfade();
        command.arg("plan").arg("--blue").arg(base.path()).arg("--green").arg(green.path());
        command
    };
    run(&base).assert().code(0);
    run(&bench(&["title", "channel"], "")).assert().code(0);
    run(&bench(&["channel"], "")).assert().code(0);
    let patched = bench(&["title"], "shop.patches.rewrite");
    run(&patched).assert().code(3);
    run(&patched).args(["--accept-patch", "shop.patches.rewrite"]).assert().code(0);
    let empty = TempDir::new().unwrap();
    let output = run(&empty).assert().code(1);
    let message = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(message.contains("failed to find an app in") && message.contains("--green"), "{message}");
}

#[test]
fn a_framed_plan_can_be_found_in_a_log() {
    // A plan that blocks: the operator stores it, so the command has not failed.
    let (blue, green) = (bench(&["title"], ""), bench(&["title", "channel"], "shop.patches.rewrite"));
    let output = crossfade()
        .args(["--output", "json", "plan", "--frame", "--site", "shop.test", "--blue"])
        .arg(blue.path())
        .arg("--green")
        .arg(green.path())
        .assert()
        .code(0);
    let log = format!("noise\n{}\nnoise", String::from_utf8_lossy(&output.get_output().stdout));
    let plan = from_log(&log, "shop.test").unwrap().plan;
    assert_eq!((plan.verdict, plan.expand.len()), (Verdict::Blocking, 1));
}

#[test]
fn broken_files_are_errors_that_name_them() {
    let read = |text: &str| AppReader::new("shop").add(ORDER, text.as_bytes()).unwrap_err().to_string();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases = [
        ("{", "EOF"),
        ("[]", "not an object"),
        ("{\"doctype\": \"Page\"}", "\"doctype\""),
        ("{\"doctype\": \"DocType\"}", "no \"name\""),
        ("{\"doctype\": \"DocType\", \"name\": \"X\", \"fields\": 1}", "not a list"),
        ("{\"doctype\": \"DocType\", \"name\": \"X\", \"fields\": [1]}", "\"fields\"[0]"),
        ("{\"doctype\": \"DocType\", \"name\": \"X\\u0000\"}", "control"),
        ("{\"doctype\": \"DocType\", \"name\": \"X\", \"engine\": \"InnoDB; DROP\"}", "storage engine"),
        (deep.as_str(), "not an object"),
    ];
    for (text, expected) in cases {
        let message = read(text);
        assert!(message.contains(ORDER) && message.contains(expected), "{message}");
    }
    let long = json!({ "doctype": "DocType", "name": "X".repeat(62) }).to_string();
    assert!(read(&long).contains("61 characters"));
    let wide =
        json!({ "doctype": "DocType", "name": "X", "fields": [{ "fieldname": "x".repeat(65) }] }).to_string();
    assert!(read(&wide).contains("64"));
    let huge = " ".repeat(MAX_FILE_BYTES + 1);
    assert!(read(&huge).contains("more than the"));
    let not_text = AppReader::new("shop").add("shop/patches.txt", &[0xff, 0xfe]).unwrap_err().to_string();
    assert!(not_text.contains("shop/patches.txt") && not_text.contains("UTF-8"), "{not_text}");
}

#[test]
fn an_archive_is_read_without_unpacking_it() {
    let text = order(&["title"]);
    let good = archive(&[("shop/patches.txt", "shop.patches.one"), (ORDER_IN_ARCHIVE, &text)]);
    let snapshot = read_all(&place(&good.path().join("shop.tar.gz"))).unwrap();
    assert_eq!(snapshot.apps[0].name, "shop");
    assert!(snapshot.apps[0].doctypes.contains_key("Order"));
}

/// The same path: an archive holds the checkout.
const ORDER_IN_ARCHIVE: &str = ORDER;

#[test]
fn an_archive_that_wants_out_is_refused() {
    for path in ["../../etc/patches.txt", "/etc/patches.txt", "shop/../../x/patches.txt"] {
        let hostile = archive(&[(path, "x")]);
        let message = read_all(&place(&hostile.path().join("shop.tar.gz"))).unwrap_err().to_string();
        assert!(message.contains("leaves the archive"), "{path}: {message}");
    }
    let folder = TempDir::new().unwrap();
    write(folder.path(), "shop.tar.gz", "this is no gzip");
    assert!(read_all(&place(&folder.path().join("shop.tar.gz"))).is_err());
}

#[test]
fn apps_txt_cannot_point_outside_of_the_bench() {
    let bench = bench(&["title"], "");
    write(bench.path(), "sites/apps.txt", "../../etc\n");
    let message = read_all(&place(bench.path())).unwrap_err().to_string();
    assert!(message.contains("no name of an app"), "{message}");
    write(bench.path(), "sites/apps.txt", "shop\nabsent\n");
    assert!(read_all(&place(bench.path())).unwrap_err().to_string().contains("absent"));
}
