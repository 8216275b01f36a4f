//! A plan as GitHub's Markdown.
//!
//! Names are code spans, which nothing in them can leave; sentences have every sign escaped that begins markup.

use std::fmt::Write as _;

use super::{Report, by_app, cost, hooks, judged, place, printable, remaining, steps, versions, worst};
use crate::plan::{Plan, Step, Verdict};

pub(super) fn text(report: &Report<'_>) -> String {
    let plan = report.plan;
    let mut text = String::new();
    let site = if plan.site.is_empty() { String::new() } else { format!(" for {}", code(&plan.site)) };
    let _ = writeln!(text, "### Plan{site}: {} {}\n", mark(plan.verdict), plan.verdict.name());
    let _ = writeln!(text, "{}\n", sentence(&plan.summary));
    apps(plan, &mut text);
    list("Questions", plan.questions.iter().map(|question| sentence(&question.ask)), &mut text);
    list("Policy", judged(report.judgement).iter().map(|line| sentence(line)), &mut text);
    statements("Before green", &plan.expand, &mut text);
    undo(&plan.expand, &mut text);
    statements("After blue is gone", &plan.contract, &mut text);
    let patches = plan.patches.iter().map(|patch| code(patch));
    details("Patches that green's migrate runs", plan.patches.len(), patches, &mut text);
    let others = hooks(plan);
    details(
        "Code of apps that it runs beside them",
        others.len(),
        others.iter().map(|line| sentence(line)),
        &mut text,
    );
    let noops = remaining(plan);
    let title = "Statements that it sends although they change nothing";
    details(title, noops.len(), noops.iter().map(|line| sentence(line)), &mut text);
    let frozen = plan.frozen.iter().map(|frozen| {
        let shared = if frozen.shared.is_some() { "; users' own documents are in both colours" } else { "" };
        format!("{}: {}{shared}", code(&frozen.table), sentence(&frozen.why))
    });
    details("Tables that blue gets copies of", plan.frozen.len(), frozen, &mut text);
    list("Next", report.next().iter().map(|line| sentence(line)), &mut text);
    let _ = writeln!(text, "Plan {}", code(&plan.hash));
    text
}

fn apps(plan: &Plan, text: &mut String) {
    for (app, changes) in by_app(plan) {
        let verdict = worst(&changes);
        let versions = sentence(&versions(plan, app));
        let _ = writeln!(text, "#### {} {versions}: {} {}\n", code(app), mark(verdict), verdict.name());
        if changes.is_empty() {
            let _ = writeln!(text, "Nothing changes.\n");
            continue;
        }
        if let Some(known) = plan.apps.iter().find(|known| known.app == app && !known.summary.is_empty()) {
            let _ = writeln!(text, "{}\n", sentence(&known.summary));
        }
        text.push_str(
            "| verdict | change | where | why | the usual way | steps |\n|---|---|---|---|---|---|\n",
        );
        for change in changes {
            let verdict = format!("{} {}", mark(change.verdict), change.verdict.name());
            let steps = steps(plan, change).map(|(is_expand, step)| {
                format!("{}: {}", if is_expand { "before" } else { "after" }, sentence(&cost(step)))
            });
            let steps: Vec<String> = steps.collect();
            let _ = writeln!(
                text,
                "| {verdict} | {} | {} | {} | {} | {} |",
                cell(&code(&change.kind)),
                cell(&code(&place(change))),
                cell(&sentence(&change.why)),
                cell(&sentence(&change.naive)),
                cell(&steps.join("; ")),
            );
        }
        text.push('\n');
    }
}

fn list(title: &str, entries: impl Iterator<Item = String>, text: &mut String) {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "#### {title}\n");
    for entry in entries {
        let _ = writeln!(text, "- {entry}");
    }
    text.push('\n');
}

fn details(title: &str, count: usize, entries: impl Iterator<Item = String>, text: &mut String) {
    if count == 0 {
        return;
    }
    let _ = writeln!(text, "<details><summary>{title} ({count})</summary>\n");
    for entry in entries {
        let _ = writeln!(text, "- {entry}");
    }
    text.push_str("\n</details>\n\n");
}

fn statements(title: &str, steps: &[Step], text: &mut String) {
    let lines = steps
        .iter()
        .map(|step| format!("-- {} ({})\n{};\n", printable(&step.title), cost(step), shown(&step.sql)));
    fenced(&format!("{title}: {} statements", steps.len()), &lines.collect::<String>(), text);
}

fn undo(steps: &[Step], text: &mut String) {
    let statements = steps.iter().rev().flat_map(|step| step.undo.iter().filter(|undo| !undo.optional));
    let lines = statements.fold(String::new(), |mut lines, undo| {
        let _ = writeln!(lines, "{};", shown(&undo.sql));
        lines
    });
    fenced("Back, in this order", &lines, text);
}

/// SQL that is read, not run: a line break stays one, whatever else a terminal or page obeys does not.
fn shown(sql: &str) -> String {
    sql.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn fenced(title: &str, sql: &str, text: &mut String) {
    if sql.is_empty() {
        return;
    }
    let fence = "`".repeat(3.max(longest_run(sql) + 1));
    let _ = writeln!(text, "<details><summary>{title}</summary>\n\n{fence}sql\n{sql}{fence}\n\n</details>\n");
}

/// A code span. Its fence is longer than any run of backticks within.
fn code(text: &str) -> String {
    let text = printable(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let is_bare = !text.is_empty() && !text.starts_with([' ', '`']) && !text.ends_with([' ', '`']);
    if is_bare { format!("{fence}{text}{fence}") } else { format!("{fence} {text} {fence}") }
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// A sentence that may have names in it: what begins markup is escaped, a mention reaches nobody.
fn sentence(text: &str) -> String {
    let mut escaped = String::new();
    for character in printable(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '+' | '!' | '|' | '~'
            | '&' | ':' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            // A sentence of a table can begin with it, and `www.` would be made a link.
            '.' if escaped.ends_with("www") || escaped.ends_with("WWW") => escaped.push_str("\\."),
            // An empty comment between the sign and the name: no mention, no address.
            '@' => escaped.push_str("@<!-- -->"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text of a cell: a code span may hold the sign that ends it.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    for character in text.chars() {
        if character == '|' && before != '\\' {
            escaped.push('\\');
        }
        before = character;
        escaped.push(character);
    }
    escaped
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Neutral | Verdict::Additive | Verdict::ContractOnly => ":white_check_mark:",
        Verdict::Synced | Verdict::Mapped => ":warning:",
        Verdict::Blocking => ":no_entry:",
    }
}
