//! How a release is made: the image is the same from the same binary, and the workflows run what is there, by versions
//! that cannot move. That two builds give the same bytes takes an hour: `make reproducible`.

#![allow(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use regex::Regex;
use serde_yaml::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Makes the operator's image from a file with this content, changed this long ago, under this umask.
fn image(content: &str, age: Duration, umask: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("crossfade");
    fs::write(&binary, content).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    fs::File::options().write(true).open(&binary).unwrap().set_modified(SystemTime::now() - age).unwrap();
    let out = folder.path().join("image.tar");
    let script = format!("umask {umask}; exec {}/packaging/image.sh \"$@\"", root().display());
    let made = Command::new("bash")
        .args(["-c", &script, "image"])
        .arg(&binary)
        .arg("localhost/crossfade:test")
        .arg(&out)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::read(out).unwrap()
}

#[test]
fn the_same_binary_gives_the_same_image() {
    let first = image("a program", Duration::ZERO, "022");
    let second = image("a program", Duration::from_hours(24), "077");
    assert!(first == second, "the image holds a time, a mode or a place of the machine that made it");
    assert!(first != image("another program", Duration::ZERO, "022"));
}

#[test]
fn a_binary_that_needs_a_libc_becomes_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(root().join("packaging/image.sh"))
        .args(["/bin/bash", "localhost/crossfade:test"])
        .arg(folder.path().join("image.tar"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(!made.status.success() && said.contains("linked dynamically"), "{said}");
}

/// What `packaging/check.sh` says of a binary with this content, `None` when it has nothing against it. The page is one file,
/// `assets/index-1.js`; the place of the machine is `/home/builder`.
fn refusal(content: &str, has_page: bool, has_crates: bool) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("dist");
    if has_page {
        fs::create_dir_all(page.join("assets")).unwrap();
        fs::write(page.join("assets/index-1.js"), "").unwrap();
    }
    let content_file = folder.path().join("content");
    fs::write(&content_file, content).unwrap();
    let binary = folder.path().join("crossfade");
    let mut copy = Command::new("objcopy");
    copy.arg("--add-section").arg(format!(".ours={}", content_file.display()));
    if has_crates {
        copy.arg("--add-section").arg(format!(".dep-v0={}", content_file.display()));
    }
    assert!(copy.arg("/bin/true").arg(&binary).status().unwrap().success());
    let checked = Command::new(root().join("packaging/check.sh"))
        .arg(&binary)
        .arg(&page)
        .arg("/home/builder")
        .output()
        .unwrap();
    (!checked.status.success()).then(|| String::from_utf8(checked.stderr).unwrap())
}

#[test]
fn a_binary_that_must_not_be_released_is_refused_with_the_reason() {
    let good = "panicked at /crossfade/src/main.rs; assets/index-1.js";
    assert_eq!(refusal(good, true, true), None);
    for (content, has_page, has_crates, reason) in [
        ("/home/builder/src/main.rs; assets/index-1.js", true, true, "names /home/builder"),
        ("/crossfade/src/main.rs", true, true, "dist/assets/index-1.js"),
        (good, false, true, "has no page for the editor"),
        (good, true, false, "the list of its crates"),
    ] {
        let said = refusal(content, has_page, has_crates).unwrap_or_default();
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

const LIBC: &str = "ldd (Debian GLIBC 2.36-9+deb12u14) 2.36";

/// What goes into a bill of materials; the libc is [`LIBC`].
#[derive(Clone, Copy)]
struct Made<'a> {
    /// The folder in which the source lay, and the one that `packaging/sbom.py` is told.
    source: &'a str,
    told: &'a str,
    crate_name: &'a str,
    /// The list of the editor's page: name, version and licence of each package.
    page: &'a str,
}

const PAGE: &str = r#"[{"name": "@vue/shared", "version": "3.5.45", "license": "MIT"}]"#;
const MADE: Made<'_> =
    Made { source: "/home/builder", told: "/home/builder", crate_name: "serde", page: PAGE };

/// A bill of materials as cargo-cyclonedx writes it, after `packaging/sbom.py`; `None` when it is refused.
fn bill_of_materials(made: Made<'_>) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crossfade.cdx.json");
    let page = folder.path().join("bundled.json");
    let own = format!("path+file://{}#crossfade@0.1.0", made.source);
    let text = format!(
        r#"{{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {{"component": {{"bom-ref": "{own}", "components": [{{"bom-ref": "{own} bin-target-0"}}]}}}},
            "components": [{{"name": "{}"}}], "dependencies": [{{"ref": "{own}", "dependsOn": ["a-crate"]}}]}}"#,
        made.crate_name
    );
    fs::write(&file, text).unwrap();
    fs::write(&page, made.page).unwrap();
    let program = root().join("packaging/sbom.py");
    let run = Command::new(program).arg(&file).arg(made.told).arg(&page).arg(LIBC).output().unwrap();
    run.status.success().then(|| fs::read_to_string(file).unwrap())
}

#[test]
fn the_same_crates_give_the_same_bill_of_materials() {
    let first = bill_of_materials(MADE).unwrap();
    let second = bill_of_materials(Made { source: "/srv/x", told: "/srv/x", ..MADE }).unwrap();
    assert_eq!(first, second, "it names the folder, or was numbered by chance");
    let elsewhere = Made { source: "/srv/x", told: "/srv", ..MADE };
    assert_eq!(bill_of_materials(elsewhere), None, "it names a folder that nobody expects");
    let number = |text: &str| {
        let bill: Value = serde_yaml::from_str(text).unwrap();
        bill["serialNumber"].as_str().unwrap().to_owned()
    };
    let form = Regex::new("^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").unwrap();
    assert!(form.is_match(&number(&first)), "GitHub's attestation refuses one without a number: {first}");
    let other = bill_of_materials(Made { crate_name: "tokio", ..MADE }).unwrap();
    assert_ne!(number(&first), number(&other));
    let other = bill_of_materials(Made { page: "[]", ..MADE }).unwrap();
    assert_ne!(number(&first), number(&other));
}

#[test]
fn the_bill_of_materials_names_what_no_crate_brings() {
    let bill: Value = serde_yaml::from_str(&bill_of_materials(MADE).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let components = bill["components"].as_sequence().unwrap();
    let named: Vec<[String; 4]> = components
        .iter()
        .skip(1)
        .map(|each| {
            assert_eq!(each["purl"], each["bom-ref"]);
            [&each["name"], &each["version"], &each["licenses"][0]["expression"], &each["purl"]].map(text)
        })
        .collect();
    let expected = [
        ["@vue/shared", "3.5.45", "MIT", "pkg:npm/%40vue/shared@3.5.45"],
        [
            "glibc",
            "2.36-9+deb12u14",
            "LGPL-2.1-or-later",
            "pkg:deb/debian/glibc@2.36-9%2Bdeb12u14?arch=source",
        ],
    ];
    assert_eq!(named, expected.map(|each| each.map(str::to_owned)));

    let dependencies = bill["dependencies"].as_sequence().unwrap();
    let needs: Vec<String> = dependencies[0]["dependsOn"].as_sequence().unwrap().iter().map(text).collect();
    assert_eq!(needs, ["a-crate", expected[0][3], expected[1][3]]);
    let refs: Vec<String> = dependencies.iter().skip(1).map(|each| text(&each["ref"])).collect();
    assert_eq!(refs, [expected[0][3], expected[1][3]]);

    let unlicensed = r#"[{"name": "vue", "version": "3.5.45", "license": null}]"#;
    assert_eq!(bill_of_materials(Made { page: unlicensed, ..MADE }), None);
}

#[test]
fn the_page_is_made_from_packages_of_the_npm_registry_alone() {
    let lock = fs::read_to_string(root().join("web/package-lock.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    assert!(packages.len() > 300, "only {} packages were found", packages.len());
    for (place, package) in packages.iter().filter(|(place, _)| !place.is_empty()) {
        // Without an address npm asks its registry.
        let from = package["resolved"].as_str().unwrap_or("https://registry.npmjs.org/");
        let of_registry = from.starts_with("https://registry.npmjs.org/") && package["link"].is_null();
        assert!(of_registry, "{place} is from elsewhere: {package}");
        let checksum = package["integrity"].as_str().unwrap_or_default();
        assert!(checksum.starts_with("sha512-"), "{place} can become another one: {package}");
    }
}

#[test]
fn a_release_build_without_the_page_says_so_and_no_other_build_does() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    let source = root().join("build.rs");
    let mut rustc = Command::new("rustc");
    assert!(rustc.args(["--edition=2024", "-o"]).arg(&script).arg(source).status().unwrap().success());
    let warns = |profile: &str| {
        let run = Command::new(&script).env("PROFILE", profile).current_dir(folder.path()).output().unwrap();
        String::from_utf8(run.stdout).unwrap().contains("cargo::warning=web/dist is missing")
    };
    assert!(warns("release"));
    assert!(!warns("debug"));
    fs::create_dir_all(folder.path().join("web/dist")).unwrap();
    fs::write(folder.path().join("web/dist/index.html"), "").unwrap();
    assert!(!warns("release"));
}

/// Workflows and actions, each with its text.
fn workflows() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(".github")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((
                    path.strip_prefix(root()).unwrap().to_owned(),
                    fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    assert!(found.len() >= 3, "ci, release and their setup");
    found
}

#[test]
fn actions_are_named_by_a_commit() {
    let pinned = Regex::new(r"^(\./\.github/actions/\S+|[\w./-]+@[0-9a-f]{40} # v\d\S+)$").unwrap();
    for (path, text) in workflows() {
        for uses in text.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, uses)| uses) {
            assert!(pinned.is_match(uses), "{}: {uses} can become something else", path.display());
            if let Some(folder) = uses.strip_prefix("./") {
                assert!(root().join(folder).join("action.yml").exists(), "{}: {uses}", path.display());
            }
        }
    }
}

#[test]
fn a_step_in_a_container_fails_when_a_part_of_its_pipe_does() {
    let mut seen = 0;
    for (path, text) in workflows().iter().filter(|(path, _)| path.starts_with(".github/workflows")) {
        let workflow: Value = serde_yaml::from_str(text).unwrap();
        let jobs = workflow["jobs"].as_mapping().unwrap();
        if jobs.values().any(|job| job.get("container").is_some()) {
            seen += 1;
            // GitHub runs it with -eo pipefail when it is named; the default of a container is sh -e.
            assert_eq!(workflow["defaults"]["run"]["shell"], Value::from("bash"), "{}", path.display());
        }
    }
    assert_eq!(seen, 2, "ci and release");
}

#[test]
fn only_the_release_may_write_and_only_what_it_must() {
    for (path, text) in workflows().iter().filter(|(path, _)| path.starts_with(".github/workflows")) {
        let workflow: Value = serde_yaml::from_str(text).unwrap();
        let read: Value = serde_yaml::from_str("contents: read").unwrap();
        assert_eq!(workflow["permissions"], read, "{}", path.display());
        let may_write = text.matches(": write").count();
        let expected = if path.ends_with("release.yml") { 4 } else { 0 };
        assert_eq!(may_write, expected, "{}", path.display());
        assert!(
            !text.contains("pull_request_target"),
            "{}: code of a stranger with our token",
            path.display()
        );
    }
}

#[test]
fn what_workflows_run_is_there() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let rule = Regex::new(r"(?m)^([a-z0-9-]+):").unwrap();
    let targets: BTreeSet<&str> =
        rule.captures_iter(&makefile).map(|found| found.get(1).unwrap().as_str()).collect();
    let make = Regex::new(r"\bmake ([a-z-]+)$").unwrap();
    let script = Regex::new(r"(?:\./)?((?:packaging|\.ci|e2e)/[\w./-]+)").unwrap();
    let mut seen = 0;
    for (path, text) in workflows() {
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            if let Some(target) = make.captures(line).map(|found| found.get(1).unwrap().as_str()) {
                seen += 1;
                assert!(targets.contains(target), "{}: make {target}", path.display());
            }
            for file in script.captures_iter(line).map(|found| found.get(1).unwrap().as_str()) {
                seen += 1;
                assert!(root().join(file).exists(), "{}: {file}", path.display());
            }
        }
    }
    assert!(seen > 6, "only {seen} commands were found");
}

#[test]
fn tools_have_one_version_each() {
    let text = fs::read_to_string(root().join("packaging/tools.txt")).unwrap();
    let exact = Regex::new(r"^[a-z-]+ (v?\d+\.\d+\.\d+) \S+$").unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(exact.is_match(line), "packaging/tools.txt: {line}");
    }
}
