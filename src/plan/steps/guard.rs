//! What blue does to a document reaches the rows of a child table that blue does not know: it deletes, renames, submits
//! and cancels documents, and Frappe does the same to the rows of those children alone that its own metadata names
//! (`frappe/model/delete_doc.py`, `rename_child_doctypes` in `frappe/model/rename_doc.py`, `set_docstatus` in
//! `frappe/model/document.py`).

use crate::doctype::table_name;
use crate::plan::{Effect, Step, Undo, quote};

/// The triggers on the parent's table.
pub(super) fn children(parent: &str, child: &str, numeric_names: bool) -> [Step; 2] {
    [orphans(parent, child, numeric_names), follow(parent, child, numeric_names)]
}

fn orphans(parent: &str, child: &str, numeric_names: bool) -> Step {
    let body = format!(
        "DELETE FROM {} WHERE {}",
        quote::identifier(&table_name(child)),
        of_document(parent, numeric_names)
    );
    let title = format!("delete rows of {child} with their {parent} while blue does not know them");
    trigger([parent, child], "orphans", "DELETE", &body, title)
}

/// A row is written only if the document's name or status changes, so other writes touch no row of the child.
fn follow(parent: &str, child: &str, numeric_names: bool) -> Step {
    let body = format!(
        "IF NOT (BINARY NEW.`name` = BINARY OLD.`name` AND NEW.`docstatus` = OLD.`docstatus`) THEN \
         UPDATE {} SET `parent` = NEW.`name`, `docstatus` = NEW.`docstatus` WHERE {}; END IF",
        quote::identifier(&table_name(child)),
        of_document(parent, numeric_names)
    );
    let title = format!("rows of {child} follow their {parent} while blue does not know them");
    trigger([parent, child], "follow", "UPDATE", &body, title)
}

/// `parent` is text: compared with a number its index would not be used. A number as text would have the collation of the
/// connection that made the trigger.
fn of_document(parent: &str, numeric_names: bool) -> String {
    let name = if numeric_names { quote::comparable("OLD.`name`") } else { "OLD.`name`".to_owned() };
    format!("`parent` = {name} AND `parenttype` = {}", quote::literal(parent))
}

fn trigger([parent, child]: [&str; 2], kind: &str, event: &str, body: &str, title: String) -> Step {
    let table = table_name(parent);
    let trigger = format!("crossfade_{kind}_{}", quote::short_hash(&[parent, child]));
    let sql = format!(
        "CREATE TRIGGER {} AFTER {event} ON {} FOR EACH ROW {body}",
        quote::identifier(&trigger),
        quote::identifier(&table),
    );
    Step {
        undo: vec![Undo::drop_trigger(trigger.clone())],
        ..Step::statement(format!("guard-{kind}-{table}"), title, sql, Effect::TriggerExists { trigger })
    }
}
