//! What a long command tells while it works; the edge decides how it looks.

use crate::api::figures::Figures;

/// Where progress goes.
pub trait Progress: Send + Sync {
    /// `done` of `total` parts of `step` are behind us; `total` 0 where it is not known.
    fn report(&self, step: &str, done: u64, total: u64, message: &str);

    /// Something was counted; it is told with the next line.
    fn count(&self, _figures: &Figures) {}

    /// Columns are being filled; some seconds after the last time.
    fn fill(&self, filled: &Filled) {
        self.report("backfill", filled.done, filled.total, &filled.to_string());
    }
}

/// How far the fill of a table's columns is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Table name.
    pub table: String,
    /// Columns that are filled, parted by commas.
    pub columns: String,
    /// Rows looked at.
    pub done: u64,
    /// Rows of the table, as the server guesses.
    pub total: u64,
    /// Rows a second since it began.
    pub rows_per_second: u64,
    /// Seconds left at that rate.
    pub seconds_left: Option<u64>,
    /// Ranges with rows that somebody held; they are done at the end.
    pub ranges_left: u64,
}

impl std::fmt::Display for Filled {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, columns, done, total, rows_per_second, seconds_left, ranges_left } = self;
        write!(formatter, "{columns} of {table}: {done} of about {total} rows, {rows_per_second} rows/s")?;
        if let Some(seconds) = seconds_left {
            write!(formatter, ", {seconds} s left")?;
        }
        if *ranges_left > 0 {
            write!(formatter, ", {ranges_left} ranges with locked rows wait")?;
        }
        Ok(())
    }
}

impl Filled {
    /// What it counts.
    pub fn figures(&self) -> Figures {
        let left = self.total.saturating_sub(self.done);
        Figures { rows_done: Some(self.done), rows_left: Some(left), ..Figures::default() }
    }
}

/// Says nothing; for tests and for callers that want the result alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _step: &str, _done: u64, _total: u64, _message: &str) {}
}
