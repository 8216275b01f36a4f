//! A plan as statements for the `mariadb` client.

use std::fmt::Write as _;

use super::{Report, cost, judged, printable};
use crate::plan::{BLUE, Step, Undo};

/// Words that end a statement, for those that have semicolons of their own.
const DELIMITERS: [&str; 4] = ["//", "$$", "@@", "%%"];

/// Which statements are there to run; the others are comments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// What runs before green.
    #[default]
    Expand,
    /// What takes that back.
    Undo,
    /// What runs once blue is gone.
    Contract,
}

pub(super) fn text(report: &Report<'_>, part: Part) -> String {
    let plan = report.plan;
    let mut text = String::new();
    let site = if plan.site.is_empty() { "any site".to_owned() } else { printable(&plan.site) };
    let _ = writeln!(text, "-- Plan {} for {site}", printable(&plan.hash));
    let _ = writeln!(text, "-- {}: {}", plan.verdict.name(), printable(&plan.summary));
    for line in judged(report.judgement).iter().chain(&report.next()) {
        let _ = writeln!(text, "-- {}", printable(line));
    }
    text.push_str(
        "-- Run it in the site's database. The first error ends it, and it can be run again from there: a statement\n\
         -- that finds its table in use gives up after a second, so that nobody has to wait behind it.\n\n\
         SET NAMES utf8mb4;\n\
         SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION',\n\
         lock_wait_timeout = 1;\n",
    );
    if plan.expand.iter().any(|step| step.sql.contains(BLUE)) {
        let _ = write!(
            text,
            "\n-- {BLUE} is blue's schema and blue's user, made by `crossfade isolate`: put their name in its place.\n"
        );
    }
    let mut section = |title: &str, is_run: bool, body: String| {
        if body.is_empty() {
            return;
        }
        let note = if is_run { "" } else { " (comments: see --part)" };
        let body = if is_run { body } else { commented(&body) };
        let _ = write!(text, "\n-- ==== {title}{note} ====\n{body}");
    };
    section("before green", part == Part::Expand, plan.expand.iter().map(step).collect());
    let back = plan.expand.iter().rev().flat_map(|step| step.undo.iter().map(move |undo| (step, undo)));
    section("back", part == Part::Undo, back.map(|(step, entry)| undo(step, entry)).collect());
    section("once blue is gone", part == Part::Contract, plan.contract.iter().map(step).collect());
    text
}

fn step(step: &Step) -> String {
    format!("\n-- {}\n-- {}\n{}", printable(&step.title), cost(step), statement(&step.sql))
}

fn undo(step: &Step, undo: &Undo) -> String {
    let statement = statement(&undo.sql);
    let title = printable(&step.title);
    if undo.optional {
        return format!(
            "\n-- not needed, blue is served as well without it: takes back: {title}\n{}",
            commented(&statement)
        );
    }
    format!("\n-- takes back: {title}\n{statement}")
}

/// A statement with its end. The client splits at semicolons, so one that has some gets another end.
fn statement(sql: &str) -> String {
    let sql = sql.trim_end_matches(|character: char| character == ';' || character.is_whitespace());
    if !sql.contains(';') {
        return format!("{sql};\n");
    }
    match DELIMITERS.iter().find(|delimiter| !sql.contains(**delimiter)) {
        Some(delimiter) => format!("DELIMITER {delimiter}\n{sql} {delimiter}\nDELIMITER ;\n"),
        // Then they are in texts, where the client does not look for them.
        None => format!("{sql};\n"),
    }
}

fn commented(body: &str) -> String {
    body.lines().fold(String::new(), |mut text, line| {
        // Every line, whatever it begins with: a text of several lines may have one that looks like a comment.
        let _ = writeln!(text, "{}{line}", if line.is_empty() { "" } else { "-- " });
        text
    })
}
