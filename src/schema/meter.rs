//! How far a fill is, said from time to time.

use std::time::{Duration, Instant};

use super::backfill::Fill;
use super::progress::Filled;
use super::{Error, Session};
use crate::plan::Assignment;

/// How often a long fill says how far it is, and looks whether it still has the site's lock.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// How far a fill is.
pub(super) struct Meter {
    filled: Filled,
    begun: Instant,
    said: Instant,
}

impl Meter {
    pub(super) fn start(fill: &Fill<'_>, rows: u64) -> Self {
        let filled = Filled {
            table: fill.table.to_owned(),
            columns: Assignment::names(fill.columns),
            done: 0,
            total: rows,
            rows_per_second: 0,
            seconds_left: None,
            ranges_left: 0,
        };
        Self { filled, begun: Instant::now(), said: Instant::now() }
    }

    pub(super) fn looked_at(&mut self, rows: u64) {
        self.filled.done += rows;
    }

    /// Says it from time to time, and looks whether the site is still locked for this command.
    pub(super) async fn say(&mut self, session: &mut Session<'_>, left: usize) -> Result<(), Error> {
        if self.said.elapsed() < SAY_EVERY {
            return Ok(());
        }
        self.said = Instant::now();
        session.check_lock().await?;
        let milliseconds = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let filled = &mut self.filled;
        // The server's own number of rows is a guess.
        filled.total = filled.total.max(filled.done);
        filled.rows_per_second = filled.done.saturating_mul(1000) / milliseconds;
        filled.seconds_left = (filled.total - filled.done).checked_div(filled.rows_per_second);
        filled.ranges_left = left as u64;
        session.progress.fill(filled);
        Ok(())
    }

    /// A fill that was never heard of in between says nothing at its end either: the step does.
    pub(super) fn end(&mut self, progress: &dyn super::progress::Progress) {
        let filled = &mut self.filled;
        filled.total = filled.done;
        filled.seconds_left = Some(0);
        filled.ranges_left = 0;
        progress.count(&filled.figures());
        if self.begun.elapsed() >= SAY_EVERY {
            progress.fill(filled);
        }
    }
}
