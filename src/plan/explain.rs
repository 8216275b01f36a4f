//! Which steps of a plan are of which change, and what users would see of it without them.

use std::collections::{HashMap, HashSet};

use crate::doctype::{Storage, table_name};

use super::change::Idle;
use super::steps::{Serves, Serving, Steps, empty};
use super::{Change, Effect, Step, naive};

/// An index that a step makes, or has used: its table, its columns, whether it is unique.
type MadeIndex = (String, Vec<String>, bool);

/// An entry for what the steps of each change serve.
pub(super) fn asked_about(changes: &[Change]) -> Serving {
    changes.iter().map(|change| (served(change), Vec::new())).collect()
}

/// Adds to each change its own steps, and what users would see of it without them. Several changes of one field share
/// its steps, but for the index that one of them asks for (with what goes before it), and those that need none.
pub(super) fn explain(changes: &mut [Change], steps: &Steps, idle: &Idle) {
    let made = steps.expand.iter().map(|step| (step.id.as_str(), indexes(step)));
    let made: HashMap<&str, Vec<MadeIndex>> = made.filter(|(_, made)| !made.is_empty()).collect();
    let asked: HashSet<MadeIndex> = changes.iter().filter_map(asked_index).collect();
    for change in changes {
        let own = asked_index(change);
        let is_own = |id: &&String| match (&own, made.get(id.as_str())) {
            (Some(own), None) => own.2 && id.contains(empty::ID),
            (Some(own), Some(made)) => made.contains(own),
            (None, None) if id.contains(empty::ID) => false,
            (None, Some(made)) => made.iter().any(|one| !asked.contains(one)),
            (None, None) => true,
        };
        let is_idle = own.is_none() && idle.contains(&place(change));
        let ids = steps.serving.get(&served(change)).filter(|_| !is_idle);
        change.steps = ids.into_iter().flatten().filter(is_own).cloned().collect();
        naive::naive(&change.kind, change.storage == Storage::Table.as_str()).clone_into(&mut change.naive);
    }
}

/// How [`Idle`] calls a change.
pub(super) fn place(change: &Change) -> (String, Option<String>, String) {
    (change.doctype.clone(), change.field.clone(), change.kind.clone())
}

/// What the steps of a change serve.
fn served(change: &Change) -> Serves {
    let field = match change.kind.as_str() {
        // Of a patch the step is known by its line.
        "patch_added" => change.new.as_ref().and_then(|new| new.as_str()).map(str::to_owned),
        // Columns of Frappe's own, of which no field speaks.
        "track_seen_on" => Some("_seen".to_owned()),
        "sort_index_added" => Some("creation".to_owned()),
        _ => None,
    };
    (table_name(&change.doctype), field.or_else(|| change.field.clone()))
}

/// The index that a change asks for; that of a patch names its columns.
fn asked_index(change: &Change) -> Option<MadeIndex> {
    let unique = match change.kind.as_str() {
        "unique_added" => true,
        "index_added" | "sort_index_added" => false,
        _ => return None,
    };
    let (table, field) = served(change);
    let named = change.new.as_ref().and_then(|new| new.as_array());
    let named = named.map(|all| all.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect());
    Some((table, named.unwrap_or_else(|| field.into_iter().collect()), unique))
}

fn indexes(step: &Step) -> Vec<MadeIndex> {
    let made = step.effect.parts().iter().filter_map(|effect| {
        let (Effect::IndexExists { table, columns, unique }
        | Effect::IndexUsed { table, columns, unique, .. }) = effect
        else {
            return None;
        };
        Some((table.clone(), columns.clone(), *unique))
    });
    made.collect()
}
