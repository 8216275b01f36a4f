//! Editing the file of a DocType (pure): what Frappe would write, what it would refuse, what a rename meets.
//!
//! | file | what it does |
//! |---|---|
//! | `export` | a document as Frappe's export writes it, byte for byte |
//! | `settle` | what was edited + the file as it is -> the document to write, so that the Git diff holds only the change |
//! | `problem` | what Frappe's own validation would refuse |
//! | `reference` | everything that names a field or a `DocType` |
//! | `rename_patch` | the patch that goes with a rename, and its line of `patches.txt` |

mod export;
mod problem;
mod reference;
mod rename_patch;
mod settle;
mod value;

pub use export::export;
pub use problem::{Known, Problem, Severity, problems};
pub use reference::{Reference, Target, linked_from, references};
pub use rename_patch::{PatchRename, RenamePatch, insert_line, rename_patch};
pub use settle::{FieldRenames, Settled, in_form_order, settle};
pub use value::{Document, field_names, fields, scrub, text};
