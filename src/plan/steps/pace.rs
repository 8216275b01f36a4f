//! How long work on so many rows takes, in classes: rates measured on MariaDB 10.11 on two cores, with a margin.

use crate::plan::Pace;

/// Rows a second that a rebuild or an index gets through.
const REBUILD: u64 = 100_000;
/// Rows a second that a backfill beside traffic gets through.
const BACKFILL: u64 = 20_000;

/// An index, or a copy of the table.
pub(super) fn of_rebuild(rows: Option<u64>) -> Pace {
    of(rows, REBUILD)
}

/// A backfill in chunks.
pub(super) fn of_backfill(rows: Option<u64>) -> Pace {
    of(rows, BACKFILL)
}

fn of(rows: Option<u64>, rate: u64) -> Pace {
    match rows.map(|rows| rows / rate) {
        None => Pace::Unknown,
        Some(..60) => Pace::Seconds,
        Some(60..3600) => Pace::Minutes,
        Some(3600..) => Pace::Hours,
    }
}
