//! The table of a renamed DocType: one `RENAME TABLE` over both schemas gives the table its new name and puts a view of it
//! in the place of blue's, so that no request of blue's finds neither. What stands by for that is made by `schema`.

use crate::plan::{BLUE, Effect, Step, Undo, Work, quote};

/// The table gets the name that green knows, blue's view keeps its own.
pub(super) fn table(from: &str, to: &str) -> Step {
    let names = |from: &str, to: &str, view: &str| {
        (
            sql(from, to, view),
            Effect::TableRenamed { from: from.to_owned(), to: to.to_owned(), view: view.to_owned() },
            Work::RenameTable { from: from.to_owned(), to: to.to_owned(), view: view.to_owned() },
        )
    };
    let (sql, effect, work) = names(from, to, from);
    let back = names(to, from, from);
    let title = format!("{from} becomes {to}, and blue's {from} a view of it in the same instant");
    Step {
        work,
        undo: vec![Undo { optional: false, sql: back.0, effect: back.1, work: back.2 }],
        ..Step::statement(format!("rename-table-{to}"), title, sql, effect)
    }
}

/// The statement, with the names that stand by in blue's schema.
fn sql(from: &str, to: &str, view: &str) -> String {
    let blue = |name: &str| format!("{}.{}", quote::identifier(BLUE), quote::identifier(name));
    let hash = quote::short_hash(&[view]);
    format!(
        "RENAME TABLE {} TO {}, {} TO {}, {} TO {}",
        quote::identifier(from),
        quote::identifier(to),
        blue(view),
        blue(&format!("__crossfade_old_{hash}")),
        blue(&format!("__crossfade_new_{hash}")),
        blue(view),
    )
}

/// The sequence that green's names come from; blue has one of its own.
pub(super) fn sequence(from: &str, to: &str) -> Step {
    let rename = |from: &str, to: &str| {
        format!("RENAME TABLE {} TO {}", quote::identifier(from), quote::identifier(to))
    };
    let there = |sequence: &str| Effect::SequenceExists { sequence: sequence.to_owned() };
    let title = format!("the sequence {from} becomes {to}");
    Step {
        undo: vec![Undo::statement(rename(to, from), there(from))],
        ..Step::statement(format!("rename-sequence-{to}"), title, rename(from, to), there(to))
    }
}
