//! How long a fill may come no further because others hold its rows.

use std::time::{Duration, Instant};

use rand::Rng;

use super::backfill::Fill;
use super::blocker::{self, Asks, Refused};
use super::{Error, Session};

/// How long it has come no further, within the budget for locks.
#[derive(Debug, Default)]
pub(super) struct Patience {
    since: Option<Instant>,
    tries: u32,
}

impl Patience {
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Nothing could be done: ends who may be ended, gives up at the end of the budget, else pauses.
    pub(super) async fn refused(
        &mut self,
        session: &mut Session<'_>,
        fill: &Fill<'_>,
        reason: String,
    ) -> Result<(), Error> {
        self.tries += 1;
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        let (base, schema) = (session.base.clone(), session.schema.clone());
        let refused = Refused { databases: [base.as_str(), schema.as_str()], asks: Asks::Fill(fill.table) };
        if let Some(after) = session.settings.kill_after.filter(|after| waited >= *after)
            && blocker::end_oldest(&mut session.connection, refused, after, fill.table, session.progress)
                .await?
        {
            session.waited.killed += 1;
        }
        if waited > session.settings.ddl_budget {
            let blockers = blocker::find(&mut session.connection, refused).await?;
            return Err(Error::Busy {
                act: fill.to_string(),
                seconds: waited.as_secs(),
                tries: self.tries,
                blockers: format!("{reason}. {}", blocker::describe(&blockers)),
            });
        }
        let pause = rand::rng().random_range(20..=100);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(())
    }
}
