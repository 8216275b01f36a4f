//! `patches.txt`: which patches an app has, and which of them are known to do no harm.

use serde::{Deserialize, Serialize};

use super::Effect;

/// When migrate runs a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchSection {
    /// Before the DocTypes are synced (all patches of a file without sections).
    PreModelSync,
    /// After the DocTypes were synced.
    PostModelSync,
}

/// One line of `patches.txt`. Frappe's Patch Log keys on the whole line: an edited comment runs the patch again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchLine {
    /// When it runs.
    pub section: PatchSection,
    /// The whole line.
    pub line: String,
    /// Its line in `patches.txt`, from 1; 0 if it is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub at: u32,
    /// What it does, as far as its code says; `None` if its code was not there to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Vec<Effect>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl PatchLine {
    /// A line whose code was not read.
    pub fn new(section: PatchSection, line: &str) -> Self {
        Self { section, line: line.to_owned(), at: 0, effects: None }
    }

    /// The file that holds the patch, e.g. `crm/patches/v1_0/add_index.py`; `None` for `execute:` lines.
    pub fn file(&self) -> Option<String> {
        let line = self.line.strip_prefix("finally:").unwrap_or(&self.line);
        let name = line.split_whitespace().next()?;
        if name.starts_with("execute:") { None } else { Some(format!("{}.py", name.replace('.', "/"))) }
    }

    /// Whether it only loads a DocType or document from its file, which migrate's sync does anyhow.
    ///
    /// Only one call with literal arguments counts: anything else could do anything.
    pub fn is_reload(&self) -> bool {
        let Some(code) = self.line.strip_prefix("execute:") else { return false };
        let Some((function, rest)) = code.trim().split_once('(') else { return false };
        let is_reload = matches!(
            function.trim(),
            "frappe.reload_doc"
                | "frappe.reload_doctype"
                | "frappe.modules.reload_doc"
                | "frappe.clear_cache"
        );
        is_reload && is_literal_call_tail(rest)
    }
}

/// Whether the text after the opening parenthesis is literals, then `)`, then nothing or a comment.
fn is_literal_call_tail(rest: &str) -> bool {
    let mut quote = None;
    for (at, character) in rest.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, ')') => {
                let tail = rest[at + 1..].trim();
                return tail.is_empty() || tail.starts_with('#');
            }
            (Some(_), '\\') | (None, '(' | ';' | '[' | '{' | '.' | '+') => return false,
            (Some(_) | None, _) => {}
        }
    }
    false
}

/// Reads the text of a `patches.txt`. Comment lines and blank lines are left out, a line that is there twice counts once.
pub fn parse_patches(text: &str) -> Vec<PatchLine> {
    let mut section = PatchSection::PreModelSync;
    let mut patches: Vec<PatchLine> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (at, line) in (1..).zip(text.lines().map(str::trim)) {
        match line {
            "[pre_model_sync]" => section = PatchSection::PreModelSync,
            "[post_model_sync]" => section = PatchSection::PostModelSync,
            _ if line.is_empty() || line.starts_with('#') || line.starts_with(';') => {}
            _ if !seen.insert(line.to_owned()) => {}
            _ => patches.push(PatchLine { at, ..PatchLine::new(section, line) }),
        }
    }
    patches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> PatchLine {
        PatchLine::new(PatchSection::PreModelSync, text)
    }

    #[test]
    fn sections_and_comments_are_understood() {
        let patches =
            parse_patches("# c\n[pre_model_sync]\na.b.c\n\n[post_model_sync]\nd.e #2024-01-01\na.b.c\n");
        assert_eq!(patches.len(), 2);
        assert_eq!(patches[0].section, PatchSection::PreModelSync);
        assert_eq!(
            patches[1],
            PatchLine { at: 6, ..PatchLine::new(PatchSection::PostModelSync, "d.e #2024-01-01") }
        );
        assert_eq!(patches[1].file().as_deref(), Some("d/e.py"));
        assert_eq!(parse_patches("x.y\n")[0].section, PatchSection::PreModelSync);
    }

    #[test]
    fn only_a_lone_reload_with_literals_is_harmless() {
        assert!(
            line("execute:frappe.reload_doc('core', 'doctype', 'docfield', force=True) #2018-02-20")
                .is_reload()
        );
        assert!(line("execute:frappe.reload_doctype(\"User\")").is_reload());
        assert!(!line("execute:frappe.reload_doc('a', 'b', 'c'); frappe.db.sql('x')").is_reload());
        assert!(!line("execute:frappe.reload_doc(frappe.db.sql('x'))").is_reload());
        assert!(!line("execute:frappe.delete_doc('Page', 'x')").is_reload());
        assert!(!line("frappe.reload_doc('a')").is_reload());
    }
}
