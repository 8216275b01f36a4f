//! The list of all kinds of change: the first sentence of each one's page.

use std::fmt::Write;
use std::path::PathBuf;

use crossfade::plan::KINDS;

use crate::page::Page;

/// The page.
pub(super) fn page() -> String {
    let mut page = "# Every kind of change\n\n\
        Generated from the pages of `explanation/changes`. Each says what Frappe does, what Crossfade does, and what can go wrong; the kind is the word that\n\
        a plan, `--fail-on` and a policy use.\n\n| kind | |\n|---|---|\n"
        .to_owned();
    let mut kinds = KINDS.to_vec();
    kinds.sort_unstable();
    for kind in kinds {
        let text = Page::read(PathBuf::from(format!("docs/explanation/changes/{kind}.md"))).text;
        let first = text.split("\n\n").nth(1).unwrap().replace('\n', " ");
        writeln!(page, "| [{kind}](changes/{kind}.md) | {} |", first.replace('|', "\\|")).unwrap();
    }
    page
}
