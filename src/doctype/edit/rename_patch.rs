//! The patch that goes with a rename: without it Frappe makes an empty column beside the old one.
//!
//! A field is renamed by `rename_field` after the DocTypes were synced (it copies the old column, which stays), a DocType by
//! `rename_doc` before (or the sync makes an empty table of the new name).

use std::fmt::Write as _;

use super::scrub;
use crate::doctype::{PatchSection, parse_patches};

/// What is renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchRename {
    /// A field keeps its values.
    Field {
        /// Name of the DocType after the release.
        doctype: String,
        /// Module of the DocType.
        module: String,
        /// Name before.
        from: String,
        /// Name after.
        to: String,
    },
    /// A DocType keeps its table and rows.
    DocType {
        /// Name before.
        from: String,
        /// Name after.
        to: String,
    },
}

/// A patch to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamePatch {
    /// Its line of `patches.txt`.
    pub line: String,
    /// When it runs.
    pub section: PatchSection,
    /// Its file within the app's checkout.
    pub path: String,
    /// Packages (folders) that hold it, outermost first: each needs an `__init__.py`.
    pub packages: Vec<String>,
    /// What the file says.
    pub code: String,
}

/// The patch for a rename in the conventions of an app: in the package where its last patches are, in the section that fits,
/// under a name that `is_taken` does not know.
pub fn rename_patch(
    app: &str,
    patches_txt: &str,
    rename: &PatchRename,
    is_taken: impl Fn(&str) -> bool,
) -> RenamePatch {
    let section = match rename {
        PatchRename::Field { .. } if has_sections(patches_txt) => PatchSection::PostModelSync,
        PatchRename::Field { .. } | PatchRename::DocType { .. } => PatchSection::PreModelSync,
    };
    let package = package(app, patches_txt, section);
    let wanted = match rename {
        PatchRename::Field { doctype, from, to, .. } => format!("rename_{}_{from}_to_{to}", scrub(doctype)),
        PatchRename::DocType { from, to } => format!("rename_{}_to_{}", scrub(from), scrub(to)),
    };
    let wanted = module_name(&wanted);
    let path = |name: &str| format!("{}/{name}.py", package.replace('.', "/"));
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    let mut names = std::iter::once(wanted.clone()).chain(numbered);
    let name = names.find(|name| !is_taken(&path(name))).unwrap_or(wanted);
    let parts: Vec<&str> = package.split('.').collect();
    RenamePatch {
        line: format!("{package}.{name}"),
        section,
        path: path(&name),
        packages: (2..=parts.len()).map(|end| parts[..end].join("/")).collect(),
        code: code(rename, section),
    }
}

/// What a module may be called, whatever the names in it are.
fn module_name(wanted: &str) -> String {
    let letters =
        wanted.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    letters.take(120).collect()
}

fn has_sections(patches_txt: &str) -> bool {
    patches_txt.lines().any(|line| line.trim() == "[post_model_sync]")
}

/// The package of the section's last patch, of the last patch at all, or `app.patches`.
fn package(app: &str, patches_txt: &str, section: PatchSection) -> String {
    let own = format!("{app}.patches");
    let patches = parse_patches(patches_txt);
    let package_of = |line: &str| {
        let (package, _) = line.split_whitespace().next()?.rsplit_once('.')?;
        let is_own = package == own || package.starts_with(&format!("{own}."));
        // It becomes a path, so each part has to be a name.
        let is_name =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_own && package.split('.').all(is_name)).then(|| package.to_owned())
    };
    let last = |in_section: bool| {
        let lines = patches.iter().rev().filter(|patch| !in_section || patch.section == section);
        lines.into_iter().find_map(|patch| package_of(&patch.line))
    };
    last(true).or_else(|| last(false)).unwrap_or(own)
}

fn code(rename: &PatchRename, section: PatchSection) -> String {
    let mut code = String::new();
    match rename {
        PatchRename::Field { doctype, module, from, to } => {
            let is_before = section == PatchSection::PreModelSync;
            if is_before {
                code.push_str("import frappe\n");
            }
            code.push_str("from frappe.model.utils.rename_field import rename_field\n\n\ndef execute():\n");
            if is_before {
                let (module, file) = (literal(&scrub(module)), literal(&scrub(doctype)));
                let _ = writeln!(code, "\tfrappe.reload_doc({module}, \"doctype\", {file})");
            }
            let _ =
                writeln!(code, "\trename_field({}, {}, {})", literal(doctype), literal(from), literal(to));
        }
        PatchRename::DocType { from, to } => {
            let (from, to) = (literal(from), literal(to));
            let _ = write!(
                code,
                "import frappe\n\n\ndef execute():\n\tif frappe.db.exists(\"DocType\", {from}):\n\
                 \t\tfrappe.rename_doc(\"DocType\", {from}, {to}, force=True)\n"
            );
        }
    }
    code
}

/// A Python string: nothing in a name ends it.
fn literal(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// `patches.txt` with a line at the end of a section; everything else stays as it is.
pub fn insert_line(patches_txt: &str, section: PatchSection, line: &str) -> String {
    let newline = if patches_txt.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<&str> = patches_txt.lines().collect();
    let header = match section {
        PatchSection::PreModelSync => "[pre_model_sync]",
        PatchSection::PostModelSync => "[post_model_sync]",
    };
    let is_header = |line: &&str| matches!(line.trim(), "[pre_model_sync]" | "[post_model_sync]");
    let begin = lines.iter().position(|line| line.trim() == header);
    if begin.is_none() && section == PatchSection::PostModelSync {
        lines.extend(["", header]);
    }
    let begin = match (begin, section) {
        (Some(at), _) => at + 1,
        (None, PatchSection::PostModelSync) => lines.len(),
        // A file without sections is one of patches before the sync.
        (None, PatchSection::PreModelSync) => 0,
    };
    let end = lines[begin..].iter().position(is_header).map_or(lines.len(), |at| begin + at);
    let last = lines[begin..end].iter().rposition(|line| !line.trim().is_empty());
    lines.insert(last.map_or(begin, |at| begin + at + 1), line);
    let mut text = lines.join(newline);
    text.push_str(newline);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field() -> PatchRename {
        PatchRename::Field {
            doctype: "Acme Order".to_owned(),
            module: "Acme".to_owned(),
            from: "note".to_owned(),
            to: "remark".to_owned(),
        }
    }

    const SECTIONS: &str = "[pre_model_sync]\nacme.patches.v1_0.a\n\n[post_model_sync]\n# c\nacme.patches.v2_0.b #2024\nexecute:frappe.x()\n";

    #[test]
    fn a_field_is_renamed_where_the_last_patches_are() {
        let patch = rename_patch("acme", SECTIONS, &field(), |path| path.ends_with("to_remark.py"));
        assert_eq!(patch.line, "acme.patches.v2_0.rename_acme_order_note_to_remark_2");
        assert_eq!(patch.path, "acme/patches/v2_0/rename_acme_order_note_to_remark_2.py");
        assert_eq!(patch.packages, ["acme/patches", "acme/patches/v2_0"]);
        assert_eq!(patch.section, PatchSection::PostModelSync);
        assert_eq!(
            patch.code,
            "from frappe.model.utils.rename_field import rename_field\n\n\ndef execute():\n\trename_field(\"Acme Order\", \"note\", \"remark\")\n"
        );
        assert_eq!(
            insert_line(SECTIONS, patch.section, "acme.patches.new"),
            format!("{SECTIONS}acme.patches.new\n")
        );
    }

    #[test]
    fn before_the_sync_the_new_field_is_loaded_first() {
        let patch = rename_patch("acme", "acme.patches.v1_0.a\r\n", &field(), |_| false);
        assert_eq!(patch.section, PatchSection::PreModelSync);
        assert!(
            patch
                .code
                .contains("\tfrappe.reload_doc(\"acme\", \"doctype\", \"acme_order\")\n\trename_field(")
        );
        assert_eq!(insert_line("a.b\r\n", patch.section, "c.d"), "a.b\r\nc.d\r\n");
    }

    #[test]
    fn a_doctype_is_renamed_before_the_sync() {
        let rename = PatchRename::DocType { from: "Tag".to_owned(), to: "Label".to_owned() };
        let patch = rename_patch("acme", SECTIONS, &rename, |_| false);
        assert_eq!(patch.line, "acme.patches.v1_0.rename_tag_to_label");
        let text = insert_line(SECTIONS, patch.section, "acme.patches.x");
        assert!(
            text.starts_with("[pre_model_sync]\nacme.patches.v1_0.a\nacme.patches.x\n\n[post_model_sync]"),
            "{text}"
        );
        assert_eq!(
            insert_line("[pre_model_sync]\n\n[post_model_sync]\n", patch.section, "x"),
            "[pre_model_sync]\nx\n\n[post_model_sync]\n"
        );
        assert_eq!(insert_line("", PatchSection::PostModelSync, "x"), "\n[post_model_sync]\nx\n");
    }

    #[test]
    fn hostile_names_stay_in_their_string_and_their_folder() {
        let rename = PatchRename::DocType {
            from: "a\"); import os #\\".to_owned(),
            to: "../../\u{1f600}\n".to_owned(),
        };
        let patch =
            rename_patch("acme", "acme.patches...evil.x\nacme.patches.v1/../x.y\n", &rename, |_| false);
        assert!(patch.path.starts_with("acme/patches/rename_a____import_os"), "{}", patch.path);
        assert!(!patch.path.contains(".."), "{}", patch.path);
        assert!(
            patch.code.contains(r#""a\"); import os #\\""#)
                && patch.code.contains(r#""../../\U0001f600\U0000000a""#),
            "{}",
            patch.code
        );
    }
}
