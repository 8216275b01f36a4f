//! No page says a command that nobody has tried: each line in a block `sh` is typed by a scenario of `e2e/scenarios` on the
//! cluster or by `tests/mariadb/pages.rs` beside a database, or its commands are held to what they are commands of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::commands::commands;
use super::page::{self, files, root};
use super::shell::typed;

/// Commands that cannot be tried here, by how they begin, and why.
const UNTRIED: [(&str, &str); 4] = [
    ("cosign verify", "asks the registry for a version that is published"),
    ("gh attestation verify", "asks GitHub for a version that is published"),
    ("git clone --branch", "needs a version that is published"),
    (
        "packaging/reproducible.sh",
        "builds for half an hour and more, to compare with a version that is published",
    ),
];

/// What the shell needs around other commands.
const SHELL: [&str; 4] = ["cd", "echo", "hostname", "mkdir"];

/// Where a scenario follows a page: the scenario's file, the page, and its part.
#[derive(Debug)]
struct Follow {
    scenario: PathBuf,
    page: String,
    part: String,
}

fn follows() -> Vec<Follow> {
    let call = Regex::new(r#"\.follow\(\s*"([^"\\]+)",\s*"([^"\\]*)",?\s*\)"#).unwrap();
    let mut found = Vec::new();
    let scenarios = files("e2e/scenarios").into_iter().filter(|path| !path.ends_with("reader.rs"));
    for scenario in scenarios.chain([PathBuf::from("tests/mariadb/pages.rs")]) {
        let source = fs::read_to_string(root().join(&scenario)).unwrap();
        let calls: Vec<Follow> = call
            .captures_iter(&source)
            .map(|said| Follow { scenario: scenario.clone(), page: said[1].into(), part: said[2].into() })
            .collect();
        let all = source.matches(".follow(").count();
        assert_eq!(calls.len(), all, "{}: say page and part where it is followed", scenario.display());
        found.extend(calls);
    }
    found
}

/// The lines that the scenarios and the tests beside a database type.
fn typed_for_real() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for Follow { scenario, page, part } in follows() {
        let scenario = scenario.display();
        let text = fs::read_to_string(root().join(&page))
            .unwrap_or_else(|error| panic!("{scenario} follows {page}: {error}"));
        let found = typed(&text, &part);
        assert!(!found.is_empty(), "{scenario} follows {page}, which has no command of '{part}'");
        lines.extend(found.into_iter().map(|line| line.text));
    }
    lines
}

/// Whether a command is one that the tests beside this one hold to what it is a command of.
fn is_held(command: &[String]) -> bool {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words[..] {
        // By clap and by the Makefile, in `commands`.
        [] | ["crossfade" | "make", ..] | ["kubectl", "crossfade", ..] => true,
        ["cargo", "test", ref rest @ ..] => is_test(rest),
        // By `make reproducible`, of what it has built.
        ["sha256sum", ..] => {
            let script = fs::read_to_string(root().join("packaging/reproducible.sh")).unwrap();
            script.lines().any(|line| line.trim() == words.join(" "))
        }
        [first, ..] => SHELL.contains(&first),
    }
}

/// Whether there are such tests: a file of them, with something of each name that is asked for.
fn is_test(words: &[&str]) -> bool {
    let Some(at) = words.iter().position(|word| *word == "--test") else { return false };
    let Some(name) = words.get(at + 1) else { return false };
    let folder = Path::new("tests").join(name);
    let sources = if root().join(&folder).is_dir() {
        files(&folder.display().to_string())
    } else {
        vec![folder.with_extension("rs")]
    };
    let sources: String =
        sources.iter().map(|source| fs::read_to_string(root().join(source)).unwrap_or_default()).collect();
    let mut names = words[at + 2..].iter().filter(|word| !word.starts_with('-'));
    !sources.is_empty() && names.all(|name| name.split("::").all(|part| sources.contains(part)))
}

/// The commands of a line that nobody tries.
fn untried(line: &str, for_real: &BTreeSet<String>) -> Vec<String> {
    if for_real.contains(line) {
        return Vec::new();
    }
    let inner = Regex::new(r"\$\(([^()]*)\)").unwrap();
    let all: Vec<Vec<String>> = std::iter::once(line)
        .chain(inner.captures_iter(line).map(|inner| inner.extract::<1>().1[0]))
        .flat_map(commands)
        .collect();
    if all.is_empty() && !Regex::new(r"^[A-Z]+=\S+$").unwrap().is_match(line) {
        return vec![line.to_owned()];
    }
    let all = all.into_iter().filter(|command| !is_held(command)).map(|command| command.join(" "));
    all.filter(|command| !UNTRIED.iter().any(|(begin, _)| command.starts_with(begin))).collect()
}

#[test]
fn every_command_of_a_page_is_one_that_was_tried() {
    let for_real = typed_for_real();
    let (mut wrong, mut seen, mut here) = (Vec::new(), 0, 0);
    for page in page::all() {
        // As it is, without what it includes: for the lines' numbers.
        let text = fs::read_to_string(root().join(&page.path)).unwrap();
        for line in typed(&text, "") {
            seen += 1;
            here += usize::from(for_real.contains(&line.text));
            let at = format!("{}:{}", page.path.display(), line.line);
            wrong.extend(untried(&line.text, &for_real).iter().map(|text| format!("{at}: {text}")));
        }
    }
    println!("{seen} command lines, {here} of them typed for real");
    assert!(seen > 150 && here > 140, "only {seen} command lines were found, {here} of them typed for real");
    assert!(
        wrong.is_empty(),
        "nobody has tried these: have a scenario type them (`Reader::follow` in e2e/scenarios)\n{}",
        wrong.join("\n")
    );
}

/// What is not tried stays few and known.
#[test]
fn what_is_not_tried_is_on_a_page() {
    let lines: Vec<String> =
        page::all().iter().flat_map(|page| typed(&page.text, "")).map(|line| line.text).collect();
    for (begin, why) in UNTRIED {
        assert!(lines.iter().any(|line| line.contains(begin)), "no page says '{begin}' any more ({why})");
    }
}

/// A block that is called otherwise would not be looked at.
#[test]
fn commands_stand_in_blocks_of_one_name() {
    let mut wrong = Vec::new();
    for page in page::all() {
        for block in page.blocks() {
            if ["bash", "shell", "console", "zsh"].contains(&block.language.as_str()) {
                wrong.push(format!("{}:{}: {}", page.path.display(), block.line, block.language));
            }
        }
    }
    assert!(wrong.is_empty(), "commands stand in blocks `sh`:\n{}", wrong.join("\n"));
}

/// So that the first test is known to see something.
#[test]
fn a_command_that_nobody_tries_is_seen() {
    let for_real = typed_for_real();
    let count = |line: &str| untried(line, &for_real).len();
    assert_eq!(count("kubectl get fr -A -o wide"), 0);
    assert_eq!(count("kubectl get fr -A -o wider"), 1);
    assert_eq!(count("echo $(kubectl get fr -A) > all.txt"), 1);
    assert_eq!(count("echo 'no end"), 1);
    assert_eq!(count("make demo && flux get all > all.txt"), 1);
    assert_eq!(count("helm install crossfade charts/crossfade"), 1);
    assert_eq!(count("cargo test --test mariadb -- --include-ignored kills::"), 0);
    assert_eq!(count("cargo test --test nothing"), 1);
    assert_eq!(count("cargo test --test mariadb -- no_test_is_called_so"), 1);
    assert_eq!(count("sha256sum --check --ignore-missing SHA256SUMS"), 0);
    assert_eq!(count("sha256sum --check SHA256SUMS"), 1);
}
