//! New tables and sequences.

use crate::doctype::Table;
use crate::plan::operation::column;
use crate::plan::{Effect, Site, Step, Undo, quote};

use super::text::{define, index_word, list};

/// The sequence that names of an autoincrement DocType come from.
pub(super) fn sequence(sequence: &str) -> Step {
    let undo = Undo::statement(
        format!("DROP SEQUENCE IF EXISTS {}", quote::identifier(sequence)),
        Effect::SequenceAbsent { sequence: sequence.to_owned() },
    );
    Step {
        undo: vec![Undo { optional: true, ..undo }],
        ..Step::statement(
            format!("create-sequence-{sequence}"),
            format!("create the sequence {sequence}"),
            format!("CREATE SEQUENCE IF NOT EXISTS {} NOCACHE NOCYCLE", quote::identifier(sequence)),
            Effect::SequenceExists { sequence: sequence.to_owned() },
        )
    }
}

/// The table of a new DocType.
pub(super) fn table(table: &Table, is_child: bool, site: Option<&Site>) -> Step {
    let mut parts: Vec<String> =
        table.columns.iter().map(|(name, shape)| define(&column(name, shape))).collect();
    parts.push("PRIMARY KEY (`name`)".to_owned());
    parts.extend(table.indexes.iter().map(|index| {
        format!("{} {} ({})", index_word(index.unique), quote::identifier(&index.name), list(&index.columns))
    }));
    let sql = format!(
        "CREATE TABLE {} ({}) ENGINE={} ROW_FORMAT={} CHARACTER SET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
        quote::identifier(&table.name),
        parts.join(", "),
        table.engine,
        table.row_format,
    );
    Step {
        // Blue does not delete child rows of its documents: a second attempt must not meet them again.
        undo: vec![Undo { optional: !is_child, ..park(&table.name, site) }],
        ..Step::statement(
            format!("create-table-{}", table.name),
            format!("create the table {}", table.name),
            sql,
            Effect::TableExists { table: table.name.clone() },
        )
    }
}

/// Moves a table out of the way under a name that is free, so that no row is lost.
fn park(table: &str, site: Option<&Site>) -> Undo {
    let is_free = |name: &String| site.is_none_or(|site| !site.tables.contains_key(name));
    let base = format!("crossfade_parked_{}", quote::short_hash(&[table]));
    let parked = std::iter::once(base.clone())
        .chain((2..=u32::MAX).map(|attempt| format!("{base}_{attempt}")))
        .find(is_free)
        .unwrap_or(base);
    let sql = format!("RENAME TABLE {} TO {}", quote::identifier(table), quote::identifier(&parked));
    Undo::statement(sql, Effect::TableExists { table: parked })
}
