//! Reading Frappe apps (pure: bytes in, typed values out).
//!
//! [`AppReader`] takes the files of one app and gives an [`App`]; a [`Snapshot`] holds the apps of a bench.
//! [`Table`] is the table that Frappe's schema sync makes of a DocType. Nothing here opens a file.

mod column;
mod customisation;
pub(crate) mod digest;
pub mod edit;
mod effect;
mod error;
mod field;
mod file;
mod hooks;
mod json;
mod model;
mod patch;
pub(crate) mod python;
mod read;
mod table;
mod version;

pub use column::{ColumnShape, DefaultValue};
pub use customisation::PropertySetter;
pub use effect::{Action, Effect, Rows, Verb, When};
pub use error::ReadError;
pub use field::{DocField, TARGET_TYPES};
pub use hooks::Hook;
pub use model::{App, CustomField, DocType, Snapshot, Storage};
pub use patch::{PatchLine, PatchSection, parse_patches};
pub use read::{AppReader, MAX_FILE_BYTES, read_doctype_file};
pub use table::{Index, Table, sequence_name, table_name};
pub use version::FrappeVersion;
