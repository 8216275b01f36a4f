//! A patch that is not to run: green's Patch Log says that it has.

use sha2::{Digest, Sha256};

use crate::plan::operation::Operation;
use crate::plan::{Effect, Lock, Step, Undo, quote};

/// Table of the patches that have run.
pub(crate) const TABLE: &str = "tabPatch Log";

/// The step that enters a line of `patches.txt`. Frappe looks for the whole line (`frappe/modules/patch_handler.py`); of
/// the columns only those are named that every version of Frappe has.
pub(super) fn enter(line: &str) -> Operation {
    // Frappe notes patches that run at the end without this mark.
    let patch = line.strip_prefix("finally:").unwrap_or(line);
    let name = format!("crossfade-{}", &format!("{:x}", Sha256::digest(line.as_bytes()))[..12]);
    let (name, patch) = (quote::literal(&name), quote::literal(patch));
    let condition = format!("`patch` = {patch}");
    let sql = format!(
        "INSERT INTO `{TABLE}` (`name`, `creation`, `modified`, `modified_by`, `owner`, `docstatus`, `idx`, `patch`) \
         SELECT {name}, NOW(6), NOW(6), 'Administrator', 'Administrator', 0, 0, {patch} FROM DUAL \
         WHERE NOT EXISTS (SELECT 1 FROM `{TABLE}` WHERE {condition})"
    );
    let own = format!("`name` = {name}");
    let undo = Undo::statement(
        format!("DELETE FROM `{TABLE}` WHERE {own}"),
        Effect::NoRows { table: TABLE.to_owned(), condition: own },
    );
    let step = Step {
        lock: Lock::Rows,
        undo: vec![undo],
        ..Step::statement(
            format!("enter-in-{TABLE}"),
            format!("green's migrate does not run {patch}"),
            sql,
            Effect::RowExists { table: TABLE.to_owned(), condition },
        )
    };
    Operation::Metadata {
        table: TABLE.to_owned(),
        field: Some(line.to_owned()),
        step: Box::new(step),
        contract: false,
    }
}
