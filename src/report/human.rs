//! A plan for people at a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Report, by_app, cost, hooks, judged, place, printable, remaining, steps, versions, worst};
use crate::plan::{Change, Plan, Verdict};

/// No terminal is narrower than this for us: below, text would be cut into single words.
const LEAST_WIDTH: usize = 40;

/// Writes paragraphs with hanging indents.
struct Page {
    text: String,
    width: Option<usize>,
}

pub(super) fn text(report: &Report<'_>, width: Option<usize>) -> String {
    let plan = report.plan;
    let mut page = Page { text: String::new(), width: width.map(|width| width.max(LEAST_WIDTH)) };
    let site = if plan.site.is_empty() { String::new() } else { format!(" for {}", printable(&plan.site)) };
    page.line(0, &format!("Plan{site}: {}", verdict(plan.verdict)), &plan.summary);
    for (app, changes) in by_app(plan) {
        page.app(plan, app, &changes);
    }
    page.list("Questions", plan.questions.iter().map(|question| question.ask.as_str()));
    page.list("Patches that green's migrate runs", plan.patches.iter().map(String::as_str));
    page.list("Code of apps that it runs beside them", hooks(plan).iter().map(String::as_str));
    page.list(
        "Statements that it sends although they change nothing",
        remaining(plan).iter().map(String::as_str),
    );
    let tables: Vec<&str> = plan.frozen.iter().map(|frozen| frozen.table.as_str()).collect();
    page.list("Blue gets copies of", (!tables.is_empty()).then(|| tables.join(", ")).as_deref());
    let shared: Vec<&str> = plan
        .frozen
        .iter()
        .filter(|frozen| frozen.shared.is_some())
        .map(|frozen| frozen.table.as_str())
        .collect();
    page.list(
        "Users' own documents in both colours",
        (!shared.is_empty()).then(|| shared.join(", ")).as_deref(),
    );
    page.list("Policy", judged(report.judgement).iter().map(String::as_str));
    page.list("Next", report.next().iter().map(String::as_str));
    let _ = writeln!(page.text, "\nPlan {} (statements: --output sql)", plan.hash);
    page.text
}

impl Page {
    /// A styled head that is not wrapped, then text that hangs below its own beginning.
    fn line(&mut self, indent: usize, head: &str, rest: &str) {
        let indent = " ".repeat(indent);
        let hanging = format!("{indent}  ");
        let text = format!("{head}  {}", printable(rest));
        let Some(width) = self.width else {
            let _ = writeln!(self.text, "{indent}{}", text.trim_end());
            return;
        };
        let options = textwrap::Options::new(width).initial_indent(&indent).subsequent_indent(&hanging);
        for line in textwrap::wrap(text.trim_end(), options) {
            let _ = writeln!(self.text, "{line}");
        }
    }

    fn list<'a>(&mut self, title: &str, entries: impl IntoIterator<Item = &'a str>) {
        let mut entries = entries.into_iter().peekable();
        if entries.peek().is_some() {
            let _ = writeln!(self.text, "\n{}", styled(Style::new().bold(), title));
        }
        for entry in entries {
            self.line(2, "-", entry);
        }
    }

    fn app(&mut self, plan: &Plan, app: &str, changes: &[&Change]) {
        let name = styled(Style::new().bold(), &printable(app));
        let versions = printable(&versions(plan, app));
        let word = if changes.is_empty() { "nothing changes".to_owned() } else { verdict(worst(changes)) };
        let known = plan.apps.iter().find(|known| known.app == app).filter(|_| !changes.is_empty());
        let summary = known.map_or("", |known| known.summary.as_str());
        let head = format!("{name}  {versions}  {word}  {}", printable(summary));
        let _ = writeln!(self.text, "\n{}", head.trim_end());
        for change in changes {
            let head = format!("{}  {}  {}", verdict(change.verdict), change.kind, printable(&place(change)));
            self.line(2, &head, "");
            self.line(6, "why:", &change.why);
            if !change.naive.is_empty() {
                self.line(6, "the usual way:", &change.naive);
            }
            for (is_expand, step) in steps(plan, change) {
                let when = if is_expand { "before green:" } else { "after blue:" };
                self.line(6, when, &format!("{} ({})", step.title, cost(step)));
            }
        }
    }
}

fn verdict(verdict: Verdict) -> String {
    let style = match verdict {
        Verdict::Neutral => Style::new().dimmed(),
        Verdict::Additive => AnsiColor::Green.on_default(),
        Verdict::ContractOnly => AnsiColor::Cyan.on_default(),
        Verdict::Synced | Verdict::Mapped => AnsiColor::Yellow.on_default(),
        Verdict::Blocking => AnsiColor::Red.on_default().bold(),
    };
    styled(style, verdict.name())
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
