//! Deletes rows of a new child table with their parent, which blue does not know to do.

use crate::doctype::table_name;
use crate::plan::{Effect, Step, Undo, quote};

/// The trigger.
pub(super) fn orphans(parent: &str, child: &str, numeric_names: bool) -> Step {
    let table = table_name(parent);
    let trigger = format!("crossfade_orphans_{}", quote::short_hash(&[parent, child]));
    // `parent` is text: compared with a number its index would not be used.
    let name = if numeric_names { "CAST(OLD.`name` AS CHAR)" } else { "OLD.`name`" };
    let sql = format!(
        "CREATE TRIGGER {} AFTER DELETE ON {} FOR EACH ROW DELETE FROM {} WHERE `parent` = {name} AND `parenttype` = {}",
        quote::identifier(&trigger),
        quote::identifier(&table),
        quote::identifier(&table_name(child)),
        quote::literal(parent),
    );
    let title = format!("delete rows of {child} with their {parent} while blue does not know them");
    Step {
        undo: vec![Undo::drop_trigger(trigger.clone())],
        ..Step::statement(format!("guard-orphans-{table}"), title, sql, Effect::TriggerExists { trigger })
    }
}
