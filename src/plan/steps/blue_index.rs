//! The indexes of a column that blue alone writes: its queries and its uniqueness go with its values.

use crate::doctype::Index;
use crate::plan::operation::SyncPair;
use crate::plan::quote;

/// The indexes of one pair's column. One of two columns that are both kept in step comes with the first of them.
pub(super) fn of(table: &str, pairs: &[SyncPair], pair: &SyncPair) -> Vec<Index> {
    let name = |parts: &[&str]| format!("crossfade_{}", quote::short_hash(parts));
    let own = pair.blue_index.as_ref().map(|index| Index {
        name: name(&[table, &pair.field]),
        columns: vec![pair.blue.0.clone()],
        unique: index.unique,
    });
    let in_blue = |pair: &SyncPair| -> Vec<(Vec<String>, bool)> {
        let indexes = pair.names.iter().flat_map(|names| &names.indexes);
        indexes.map(|(columns, unique)| (blues(pairs, columns), *unique)).collect()
    };
    let before: Vec<_> =
        pairs.iter().take_while(|other| other.field != pair.field).flat_map(in_blue).collect();
    let new = in_blue(pair).into_iter().filter(|index| !before.contains(index));
    let more = new.map(|(columns, unique)| {
        let parts: Vec<&str> = std::iter::once(table).chain(columns.iter().map(String::as_str)).collect();
        Index { name: name(&parts), columns, unique }
    });
    own.into_iter().chain(more).collect()
}

/// Blue's columns in place of those that are kept in step with them.
fn blues(pairs: &[SyncPair], columns: &[String]) -> Vec<String> {
    let blue = |column: &String| {
        let of = |pair: &&SyncPair| pair.names.is_some() && pair.green.0.eq_ignore_ascii_case(column);
        pairs.iter().find(of).map(|pair| pair.blue.0.clone())
    };
    columns.iter().map(|column| blue(column).unwrap_or_else(|| column.clone())).collect()
}
