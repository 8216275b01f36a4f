//! Patches as code (pure): what the Python of a patch would do to the database, read and never run.
//!
//! [`read`] parses the file of each line of `patches.txt` with a real Python parser and walks through `execute` as Python
//! would, with values where they are known: literals, assignments, loops over literals, calls of functions of the same
//! module and of other modules of the bench. What it meets of Frappe's own calls becomes an [`Effect`]; what it cannot
//! resolve becomes [`Action::Unknown`] with file and line, and is never passed over.
//!
//! | file | what it does |
//! |---|---|
//! | `module` | a file parsed, within limits |
//! | `value` | what is known of a value |
//! | `statement`, `expression` | walking through code |
//! | `call`, `method`, `document`, `query` | what is called, on what |
//! | `framework`, `customization`, `harmless` | Frappe's calls that write, and those that do not |
//! | `sql` | statements in strings |

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "the trees of two other crates, and values made of them: what is not named is not known, and said to be so"
)]
#![allow(
    clippy::unused_self,
    clippy::only_used_in_recursion,
    reason = "the walk is one reader's, whether or not a node asks it something"
)]

mod arguments;
mod call;
mod customization;
mod document;
mod expression;
mod framework;
mod harmless;
mod method;
mod module;
mod query;
mod reader;
mod sql;
mod statement;
mod value;

#[cfg(test)]
mod tests;

use crate::doctype::{Action, App, Effect, PatchLine, When};

pub use module::MAX_CODE_BYTES;

use reader::Reader;

/// Bytes of stack for walking through code: nesting is bounded, and this is more than the bound needs.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// The files of the apps of a bench, by app and path within its checkout.
pub trait Files: Sync {
    /// The file's bytes; `None` if there is none.
    fn file(&self, app: &str, path: &str) -> Option<Vec<u8>>;
}

/// Puts the effects of each patch into its line. Apps without code (`<app>/__init__.py`) stay as they are: not known.
///
/// Names of `frappe` are known calls. A bench without the app `frappe` has another framework in its place, the first
/// of its apps: its names count as Frappe's.
pub fn read(apps: &mut [App], files: &dyn Files) {
    let names: Vec<String> = apps.iter().map(|app| app.name.clone()).collect();
    let framework = if names.len() < 2 || names.iter().any(|name| name == "frappe") {
        "frappe".to_owned()
    } else {
        names.first().cloned().unwrap_or_default()
    };
    // Read on a thread of its own, because code may be nested deeper than the stack of the caller allows.
    std::thread::scope(|scope| {
        let work = || {
            let mut reader = Reader::new(files, &names, &framework);
            for app in &mut *apps {
                if !reader.has_code(&app.name) {
                    continue;
                }
                for patch in &mut app.patches {
                    patch.effects = Some(reader.patch(&app.name, patch));
                }
            }
        };
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        if let Ok(thread) = thread {
            // A panic of the reader leaves its patches without effects: they block, as those that were not read.
            let _ = thread.join();
        }
    });
}

/// Puts into each DocType the indexes that `on_doctype_update` of its controller asks for. What else it does, and what
/// cannot be resolved of it, runs in every sync of the DocType, in blue's too, and is left out.
pub fn read_controllers(apps: &mut [App], files: &dyn Files) {
    let names: Vec<String> = apps.iter().map(|app| app.name.clone()).collect();
    std::thread::scope(|scope| {
        let work = || {
            let mut reader = Reader::new(files, &names, "frappe");
            for app in &mut *apps {
                // A snapshot has what its controllers ask for already.
                if !reader.has_code(&app.name) {
                    continue;
                }
                let controlled = app.doctypes.values_mut().filter(|doctype| doctype.has_controller);
                for doctype in controlled {
                    doctype.on_update = reader.controller(&app.name, doctype);
                }
            }
        };
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        if let Ok(thread) = thread {
            // Where the reader panics, the site's own indexes are all that is known.
            let _ = thread.join();
        }
    });
}

/// An effect that says why nothing is known of a patch.
fn unreadable(file: &str, line: u32, why: String) -> Vec<Effect> {
    let action = Action::Unknown { text: String::new(), why };
    vec![Effect { file: file.to_owned(), line, when: When::Always, action }]
}

/// The module of a patch's line and the file within the app that holds it; `None` for `execute:` lines.
fn module_of(patch: &PatchLine) -> Option<&str> {
    let line = patch.line.strip_prefix("finally:").unwrap_or(&patch.line).trim();
    if line.starts_with("execute:") { None } else { line.split_whitespace().next() }
}
