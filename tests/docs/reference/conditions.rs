//! Phases, conditions, reasons and events, with what their constants say of themselves in the code.

use std::fmt::Write;
use std::fs;

use crossfade::api::{Phase, condition};
use regex::Regex;

use crate::page::root;

const PHASES: &str = "src/api/phase.rs";
const CONDITIONS: &str = "src/api/condition.rs";
const NAMES: &str = "src/api/names.rs";

/// The page.
pub(super) fn page() -> String {
    let mut page = "# Conditions and reasons\n\n\
        Generated from `src/api`. `status.message` says in a sentence what stands here in a word; what to do about a reason of `Stalled` is in\n\
        [when a release stops](../troubleshooting/stopped-release.md).\n"
        .to_owned();
    let phases = Phase::ALL.map(|phase| (phase.name(), said(PHASES, &format!("    {},", phase.name()))));
    table(&mut page, "Phases", "phase", "", &phases);
    let constant = |file: &str, value: &str| said(file, &format!("= \"{value}\";"));
    let kinds = [condition::READY, condition::RECONCILING, condition::STALLED]
        .into_iter()
        .chain(condition::PHASES.map(|(_, kind)| kind));
    let kinds: Vec<_> = kinds.map(|kind| (kind, constant(CONDITIONS, kind))).collect();
    let about = "Each has `observedGeneration`. `Ready`, `Reconciling` and `Stalled` are as \
        [kstatus](https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md) reads them; the others become true one after the other.\n\n";
    table(&mut page, "Conditions", "condition", about, &kinds);
    let stalled = condition::stalled::ALL.map(|reason| {
        let is_event = [condition::stalled::APPROVAL, condition::stalled::PROMOTION].contains(&reason);
        (reason, constant(if is_event { NAMES } else { CONDITIONS }, reason))
    });
    table(&mut page, "Reasons of Stalled", "reason", "", &stalled);
    let text = fs::read_to_string(root().join(NAMES)).unwrap();
    let module = text.split("pub mod reason {").nth(1).unwrap().split("\n}").next().unwrap();
    let value = Regex::new(r#"= "(\w+)";"#).unwrap();
    let events: Vec<&str> = value.captures_iter(module).map(|found| found.get(1).unwrap().as_str()).collect();
    let events: Vec<_> = events.into_iter().map(|event| (event, constant(NAMES, event))).collect();
    table(&mut page, "Reasons of events", "reason", "", &events);
    page
}

fn table(page: &mut String, title: &str, head: &str, about: &str, rows: &[(&str, String)]) {
    write!(page, "\n## {title}\n\n{about}| {head} | |\n|---|---|\n").unwrap();
    for (name, said) in rows {
        writeln!(page, "| `{name}` | {said} |").unwrap();
    }
}

/// The comment above the first line of a file that ends so.
fn said(file: &str, end: &str) -> String {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.ends_with(end))
        .unwrap_or_else(|| panic!("{file} has no line that ends in {end}"));
    let above = lines[..at].iter().rev().map_while(|line| line.trim().strip_prefix("/// "));
    let mut comment: Vec<&str> = above.collect();
    assert!(!comment.is_empty(), "{file}: {end} has no comment");
    comment.reverse();
    comment.join(" ").replace('|', "\\|")
}

/// What to do is written by people: a reason that comes needs its row.
#[test]
fn every_reason_of_stalled_says_what_to_do() {
    let page = fs::read_to_string(root().join("docs/troubleshooting/stopped-release.md")).unwrap();
    let row = Regex::new(r"(?m)^\| `(\w+)` \|").unwrap();
    let mut rows: Vec<&str> = row.captures_iter(&page).map(|found| found.get(1).unwrap().as_str()).collect();
    rows.sort_unstable();
    let mut reasons = condition::stalled::ALL.to_vec();
    reasons.sort_unstable();
    assert_eq!(rows, reasons);
}
