//! Plans as text for people.

use std::fmt::Write as _;

use crate::plan::{Plan, Step};

/// A plan: the verdict, a table of changes, what is frozen, the statements.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    let site = if plan.site.is_empty() { String::new() } else { format!(" for {}", plan.site) };
    let _ = writeln!(text, "Verdict{site}: {:?} - {}", plan.verdict, plan.summary);
    for app in &plan.apps {
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "not there".to_owned());
        let _ = writeln!(text, "  {}: {} -> {}", app.app, version(&app.blue), version(&app.green));
    }
    if !plan.changes.is_empty() {
        let _ = writeln!(text, "\nChanges:");
        changes(plan, &mut text);
    }
    steps("Before green starts", &plan.expand, &mut text);
    steps("After blue is gone", &plan.contract, &mut text);
    if !plan.patches.is_empty() {
        let _ = writeln!(text, "\nPatches that green's migrate runs:");
        for patch in &plan.patches {
            let _ = writeln!(text, "  {patch}");
        }
    }
    let tables: Vec<&str> = plan.frozen.iter().map(|frozen| frozen.table.as_str()).collect();
    let _ = writeln!(text, "\nBlue gets copies of: {}", tables.join(", "));
    let _ = writeln!(text, "Plan {}", plan.hash);
    text
}

fn changes(plan: &Plan, text: &mut String) {
    let rows: Vec<[String; 3]> = plan
        .changes
        .iter()
        .map(|change| {
            let place = change
                .field
                .as_ref()
                .map_or(change.doctype.clone(), |field| format!("{}.{field}", change.doctype));
            [format!("{:?}", change.verdict), change.kind.clone(), printable(&place)]
        })
        .collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0).min(60);
    let (verdicts, kinds, places) = (width(0), width(1), width(2));
    for (row, change) in rows.iter().zip(&plan.changes) {
        let [verdict, kind, place] = row;
        let _ = writeln!(
            text,
            "  {verdict:verdicts$}  {kind:kinds$}  {place:places$}  {}",
            printable(&change.why)
        );
    }
}

fn steps(title: &str, steps: &[Step], text: &mut String) {
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for step in steps {
        let _ = writeln!(text, "  {}\n    {};", printable(&step.title), printable(&step.sql));
    }
}

/// Names come from files of others: a terminal must not obey them.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}
