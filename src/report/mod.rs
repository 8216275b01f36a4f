//! Plans as text (pure): for a terminal, as JSON, as Markdown for a pull request, as SQL for the `mariadb` client.
//!
//! Names and defaults come from files of others: no format lets them become markup, an escape sequence or a statement.

mod human;
mod json;
mod markdown;
mod sql;

pub use json::schema;
pub use sql::Part;

use crate::plan::policy::Judgement;
use crate::plan::{Change, Lock, Pace, Plan, Step, Verdict};

/// A plan and what it is worth to those who asked.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What policy and `--fail-on` make of it.
    pub judgement: &'a Judgement,
}

impl Report<'_> {
    /// Text for people, with colours as escape sequences; wrapped to `width` columns, if it is given.
    pub fn human(&self, width: Option<usize>) -> String {
        human::text(self, width)
    }

    /// The plan as one JSON document, as `docs/reference/plan.schema.json` describes it.
    ///
    /// # Errors
    /// Fails only if the plan cannot be written as JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        json::text(self)
    }

    /// GitHub's Markdown, for the comment of a pull request.
    pub fn markdown(&self) -> String {
        markdown::text(self)
    }

    /// Statements for the `mariadb` client: those of `part`, the others as comments.
    pub fn sql(&self, part: Part) -> String {
        sql::text(self, part)
    }

    /// Each change with its place and its statements, the worst of each app first.
    pub fn changes(&self) -> Vec<Detail<'_>> {
        let changes = by_app(self.plan).into_iter().flat_map(|(_, changes)| changes);
        changes.map(|change| Detail::of(self.plan, change)).collect()
    }

    /// What to do with this plan, a sentence each.
    pub fn next(&self) -> Vec<String> {
        let mut advice = Vec::new();
        let has = |verdict| self.plan.changes.iter().any(|change| change.verdict == verdict);
        if has(Verdict::Blocking) {
            advice.push(
                "Blocking: both versions cannot serve from one database. Read why at each of these changes; accept what \
                 you have read, leave the change to a later release, or plan a maintenance window."
                    .to_owned(),
            );
        } else if has(Verdict::Synced) || has(Verdict::Mapped) {
            advice.push(
                "Both versions can serve from one database while triggers and views keep them in step: set spec.image of \
                 the FrappeRelease, or run isolate, expand, green's migrate and contract with this plan."
                    .to_owned(),
            );
        } else {
            advice.push(
                "The release can run beside traffic: set spec.image of the FrappeRelease, or run the statements of \
                 --output sql before green's migrate."
                    .to_owned(),
            );
        }
        if !self.plan.questions.is_empty() {
            advice.push("Answer the questions first: a rename that is not declared loses values.".to_owned());
        }
        advice
    }
}

/// One change as all formats show it.
#[derive(Debug)]
pub struct Detail<'a> {
    /// The change.
    pub change: &'a Change,
    /// `DocType.field`, or the line of a patch.
    pub place: String,
    /// Its statements before green, each with what it costs.
    pub expand: Vec<(&'a Step, String)>,
    /// Its statements once blue is gone.
    pub contract: Vec<(&'a Step, String)>,
}

impl<'a> Detail<'a> {
    fn of(plan: &'a Plan, change: &'a Change) -> Self {
        let (mut expand, mut contract) = (Vec::new(), Vec::new());
        for (is_expand, step) in steps(plan, change) {
            let into = if is_expand { &mut expand } else { &mut contract };
            into.push((step, cost(step)));
        }
        Self { change, place: place(change), expand, contract }
    }
}

/// What a terminal, a log or a page must not obey: control characters and those that turn the direction of text.
fn printable(text: &str) -> String {
    let is_hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|character| if is_hidden(character) { '\u{fffd}' } else { character }).collect()
}

/// Where a change is: DocType and field, or the line of a patch.
fn place(change: &Change) -> String {
    let patch =
        change.new.as_ref().and_then(serde_json::Value::as_str).filter(|_| change.kind == "patch_added");
    match (change.field.as_deref().or(patch), patch) {
        (Some(line), Some(_)) => line.to_owned(),
        (Some(field), None) => format!("{}.{field}", change.doctype),
        (None, _) => change.doctype.clone(),
    }
}

/// What a step costs, in a few words.
fn cost(step: &Step) -> String {
    let lock = match step.lock {
        Lock::None => "no lock",
        Lock::Rows => "locks a few rows at a time",
        Lock::Writes => "writes wait",
    };
    let pace = match step.pace {
        Pace::Instant => "instant",
        Pace::Seconds => "seconds",
        Pace::Minutes => "minutes",
        Pace::Hours => "hours",
        Pace::Unknown => "time grows with the rows",
    };
    match step.rows {
        Some(rows) => format!("{lock}, {pace}, about {rows} rows"),
        None => format!("{lock}, {pace}"),
    }
}

/// Code that green's migrate runs beside its patches, a line each.
fn hooks(plan: &Plan) -> Vec<String> {
    let hooks = plan.hooks.iter().map(|hook| {
        let new = if hook.is_new { " (new: read what it does)" } else { "" };
        format!("{} {}: {}{new}", hook.app, hook.hook, hook.function)
    });
    hooks.collect()
}

/// Statements of green's migrate that change nothing, a line for each table and reason.
fn remaining(plan: &Plan) -> Vec<String> {
    let entries = plan.remaining.iter();
    entries.map(|entry| format!("{}: {} ({})", entry.table, entry.columns.join(", "), entry.why)).collect()
}

/// The steps that serve a change, each with whether it runs before green (or once blue is gone).
fn steps<'a>(plan: &'a Plan, change: &'a Change) -> impl Iterator<Item = (bool, &'a Step)> {
    let all =
        plan.expand.iter().map(|step| (true, step)).chain(plan.contract.iter().map(|step| (false, step)));
    all.filter(|(_, step)| change.steps.contains(&step.id))
}

/// The changes of each app, in the plan's order, the worst first.
fn by_app(plan: &Plan) -> Vec<(&str, Vec<&Change>)> {
    let mut apps: Vec<(&str, Vec<&Change>)> =
        plan.apps.iter().map(|app| (app.app.as_str(), Vec::new())).collect();
    for change in &plan.changes {
        match apps.iter_mut().find(|(app, _)| *app == change.app) {
            Some((_, changes)) => changes.push(change),
            None => apps.push((&change.app, vec![change])),
        }
    }
    for (_, changes) in &mut apps {
        changes.sort_by_key(|change| std::cmp::Reverse(change.verdict));
    }
    apps
}

/// Both versions of an app, as far as they are known.
fn versions(plan: &Plan, app: &str) -> String {
    let side = |version: &Option<String>| version.clone().unwrap_or_else(|| "not there".to_owned());
    let found = plan.apps.iter().find(|entry| entry.app == app);
    found.map_or_else(String::new, |entry| format!("{} -> {}", side(&entry.blue), side(&entry.green)))
}

/// The worst verdict of these changes.
fn worst(changes: &[&Change]) -> Verdict {
    changes.iter().map(|change| change.verdict).max().unwrap_or(Verdict::Neutral)
}

/// Findings as lines: what was judged otherwise, and by whom.
fn judged(judgement: &Judgement) -> Vec<String> {
    use crate::plan::policy::{Severity, Source};
    let lines = judgement
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Ignore || finding.source == Source::Exception);
    let lines = lines.map(|finding| {
        let word = match (finding.source, finding.severity) {
            (Source::Exception, _) => "exception",
            (_, Severity::Error) => "error",
            (_, Severity::Warn | Severity::Ignore) => "warning",
        };
        let field = finding.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
        let reason = if finding.reason.is_empty() { "by a rule of the policy" } else { &finding.reason };
        format!("{word}: {} {}{field}: {reason}", finding.kind, finding.doctype)
    });
    lines.chain(judgement.unused.iter().map(|entry| format!("warning: {entry}"))).collect()
}

#[cfg(test)]
mod tests;
