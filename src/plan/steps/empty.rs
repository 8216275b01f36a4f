//! In a unique field an empty text is nothing: Frappe saves NULL in its place (`get_valid_dict` in
//! `frappe/model/base_document.py`), where its own metadata says unique. Blue's does not say so yet: it writes '', of which
//! the index would take one and refuse the next.

use std::collections::BTreeSet;

use crate::plan::operation::null_for_empty;
use crate::plan::{Assignment, Effect, Lock, Step, Undo, Work, quote};

use super::{dropping, pace};

/// Part of the ids of these steps.
pub(crate) const ID: &str = "empty-is-null";

/// What runs before the index is built, and what runs once blue is gone.
pub(super) fn steps(table: &str, fields: &BTreeSet<String>, rows: Option<u64>) -> (Vec<Step>, Vec<Step>) {
    let (mut expand, mut contract) = (Vec::new(), Vec::new());
    for event in ["INSERT", "UPDATE"] {
        let step = trigger(table, fields, event);
        contract.extend(step.undo.iter().map(|undo| {
            let title = format!("blue is gone: green writes NULL itself at {event} of {table}");
            dropping(format!("drop-{ID}-{table}"), title, undo)
        }));
        expand.push(step);
    }
    expand.push(backfill(table, fields, rows));
    (expand, contract)
}

fn trigger(table: &str, fields: &BTreeSet<String>, event: &str) -> Step {
    let trigger = format!("crossfade_empty_{}_{}", event.to_lowercase(), quote::short_hash(&[table]));
    let set: Vec<String> = fields
        .iter()
        .map(|field| format!("NEW.{} = {}", quote::identifier(field), null_for_empty(field, "NEW.")))
        .collect();
    let sql = format!(
        "CREATE TRIGGER {} BEFORE {event} ON {} FOR EACH ROW SET {}",
        quote::identifier(&trigger),
        quote::identifier(table),
        set.join(", "),
    );
    let id = format!("{ID}-{}-{table}", event.to_lowercase());
    let title = format!("an empty {} is NULL at {event} of {table}", names(fields));
    Step {
        undo: vec![Undo::drop_trigger(trigger.clone())],
        ..Step::statement(id, title, sql, Effect::TriggerExists { trigger })
    }
}

/// Not taken back: both versions show NULL as they show ''.
fn backfill(table: &str, fields: &BTreeSet<String>, rows: Option<u64>) -> Step {
    let set = |field: &String| Assignment { column: field.clone(), value: null_for_empty(field, "") };
    let columns: Vec<Assignment> = fields.iter().map(set).collect();
    let empty: Vec<String> =
        fields.iter().map(|field| format!("{} = ''", quote::identifier(field))).collect();
    let (table, condition) = (table.to_owned(), empty.join(" OR "));
    let sql =
        format!("UPDATE {} SET {} WHERE {condition}", quote::identifier(&table), Assignment::list(&columns));
    let title = format!("an empty {} is NULL in the rows of {table}", names(fields));
    let effect = Effect::NoRows { table: table.clone(), condition: condition.clone() };
    Step {
        lock: Lock::Rows,
        pace: pace::of_backfill(rows),
        rows,
        work: Work::Backfill { table: table.clone(), columns, condition },
        ..Step::statement(format!("{ID}-{table}"), title, sql, effect)
    }
}

/// Green, to which the field is not unique, has written empty texts: NULL again before blue's index is back.
pub(super) fn again(table: &str, fields: &[String], rows: Option<u64>) -> Undo {
    let fields = fields.iter().cloned().collect();
    let Step { sql, effect, work, .. } = backfill(table, &fields, rows);
    Undo { optional: false, sql, effect, work }
}

fn names(fields: &BTreeSet<String>) -> String {
    fields.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
