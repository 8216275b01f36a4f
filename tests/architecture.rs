//! The dependency rule of `src/lib.rs`, held: which folder may use which, and what pure folders may not touch.
//!
//! The table is read from the documentation of `src/lib.rs`, so the page and the test cannot differ.

#![allow(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders without a client, a socket, a file, a clock or an environment.
const PURE: [&str; 8] = ["api", "doctype", "patch", "plan", "report", "release", "traffic", "manifest"];

/// What gives a pure folder away, and what to do instead.
const IMPURE: [(&str, &str); 13] = [
    ("kube::Client", "give the objects as arguments; clients live in controller/"),
    ("kube::Api", "give the objects as arguments; clients live in controller/"),
    ("kube::api::", "give the objects as arguments; clients live in controller/"),
    ("sqlx::", "return the SQL as data; schema/ runs it"),
    ("redis::", "return what to do as data; schema/ does it"),
    ("tokio::", "pure code has nothing to wait for"),
    ("std::fs", "take the content as an argument"),
    ("std::env", "take the value as an argument"),
    ("std::net", "pure code opens no socket"),
    ("std::process", "pure code starts nothing"),
    ("SystemTime", "take the time as an argument"),
    ("Instant::now", "take the time as an argument"),
    ("Timestamp::now", "take the time as an argument"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The table of `src/lib.rs`: each folder with those that it may use.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(source().join("lib.rs")).unwrap();
    let mut table = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("//! | [`")) {
        let cells: Vec<&str> = line.trim_start_matches("//! ").split('|').map(str::trim).collect();
        let name = cells[1].trim_matches(['[', ']', '`']).to_owned();
        table.insert(name, cells[3].to_owned());
    }
    let all: BTreeSet<String> = table.keys().cloned().collect();
    let edges = BTreeSet::from(["cli".to_owned(), "web".to_owned()]);
    let pure = PURE.map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
    let read = |cell: &str| match cell {
        "nothing" => BTreeSet::new(),
        "everything" => all.clone(),
        "all pure ones" => pure.clone(),
        list => list.split(',').map(|name| name.trim().trim_matches('`').to_owned()).collect(),
    };
    let table: BTreeMap<_, BTreeSet<String>> =
        table.into_iter().map(|(name, cell)| (name, read(&cell))).collect();
    for (name, uses) in table.iter().filter(|(name, _)| !edges.contains(*name)) {
        assert!(uses.is_disjoint(&edges), "src/lib.rs lets {name} use an edge: nothing may use cli or web");
        for used in uses {
            assert!(all.contains(used), "src/lib.rs lets {name} use {used}, which is no module");
        }
    }
    table
}

/// Every source file of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file: no comments, and not what only its tests use.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let (code, _tests) = text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&text, ""));
    let lines = code.lines().map(|line| {
        let is_comment = line.trim_start().starts_with("//");
        if is_comment { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a file holds tests alone: `mod x;` behind `#[cfg(test)]` in the file above it.
fn is_test_file(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let parent = path.parent().unwrap();
    let above = [parent.join("mod.rs"), parent.with_extension("rs")];
    let declared = format!("#[cfg(test)]\nmod {stem};");
    above.iter().any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains(&declared)))
}

/// The modules of this crate that a piece of code names: `crate::x`, and `x` of `use crate::{x, y::Z}`.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let is_whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let rest = &code[at + "crate::".len()..];
        if !is_whole {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(list) => names.extend(first_names(list)),
            None => names.extend(identifier(rest)),
        }
    }
    names
}

/// The modules that a file reaches by climbing to the root: as many `super::` as it is deep.
fn climbed(path: &Path, code: &str) -> BTreeSet<String> {
    let below = path.strip_prefix(source()).unwrap().components().count();
    let is_folder = path.file_name().is_some_and(|name| name == "mod.rs");
    let root = "super::".repeat(if is_folder { below - 1 } else { below });
    let rewritten = code.replace(&root, "crate::");
    used(&rewritten).difference(&used(code)).cloned().collect()
}

/// The first name of each item of a `use` list, up to its closing brace.
fn first_names(list: &str) -> Vec<String> {
    let (mut names, mut depth, mut begins) = (Vec::new(), 0_u32, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                names.extend(identifier(&list[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).display().to_string()
}

#[test]
fn every_folder_uses_only_what_the_table_allows() {
    let table = allowed();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (folder, allowed) in &table {
        // Tests of a folder may use what they need.
        for path in files(&source().join(folder)).into_iter().filter(|path| !is_test_file(path)) {
            let code = code(&path);
            let named: BTreeSet<String> = used(&code).union(&climbed(&path, &code)).cloned().collect();
            seen += named.len();
            for other in named.iter().filter(|name| table.contains_key(*name) && *name != folder) {
                if !allowed.contains(other) {
                    wrong.push(format!(
                        "{}: {folder}/ must not use {other}/ (docs/explanation/architecture.md, the rule)",
                        shown(&path)
                    ));
                }
            }
        }
    }
    assert!(seen > 10, "only {seen} uses of crate:: were found: the test reads the wrong files");
    assert!(wrong.is_empty(), "the dependency rule is broken:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_names_every_folder() {
    let folders: BTreeSet<String> = fs::read_dir(source())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !files(path).is_empty())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let named: BTreeSet<String> = allowed().into_keys().collect();
    let missing: Vec<_> = folders.difference(&named).collect();
    assert!(missing.is_empty(), "the table in src/lib.rs does not say what these may use: {missing:?}");
    for pure in PURE {
        assert!(named.contains(pure), "{pure}/ is held to be pure and is not in the table of src/lib.rs");
    }
}

#[test]
fn pure_folders_touch_nothing_outside() {
    let mut wrong = Vec::new();
    for folder in PURE {
        for path in files(&source().join(folder)).iter().filter(|path| !is_test_file(path)) {
            let code = code(path);
            for (sign, instead) in IMPURE.iter().filter(|(sign, _)| code.contains(sign)) {
                wrong.push(format!("{}: {folder}/ is pure and must not use {sign}: {instead}", shown(path)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "a pure folder does IO (docs/explanation/architecture.md, the rule):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn schema_and_controller_never_see_each_other() {
    let table = allowed();
    assert!(
        !table["schema"].contains("controller"),
        "schema/ and controller/ meet in the Job manifest alone"
    );
    assert!(
        !table["controller"].contains("schema"),
        "schema/ and controller/ meet in the Job manifest alone"
    );
}

#[test]
fn a_use_list_is_read_as_a_whole() {
    let code =
        "use crate::{\n    api::{names, Phase},\n    plan::Step,\n};\nfn f() -> crate::traffic::Route;";
    let found: Vec<String> = used(code).into_iter().collect();
    assert_eq!(found, ["api", "plan", "traffic"]);
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let mut long = Vec::new();
    for path in files(&source()) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > 500 {
            long.push(format!("{}: {lines} lines", shown(&path)));
        }
    }
    assert!(long.is_empty(), "a file stops at 500 lines, split it by what it does:\n{}", long.join("\n"));
}
