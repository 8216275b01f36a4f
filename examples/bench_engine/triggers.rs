//! What the triggers cost a save: as many updates as four connections can send, with and without them in turn.

use std::time::{Duration, Instant};

use crossfade::plan::{Effect, Step};
use rand::Rng;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::contender::Change;
use super::table::{self, BASE, Site};
use super::{Options, probe};

const CONNECTIONS: usize = 4;
const PAIRS: u32 = 4;

/// Updates a second with the triggers and without; the column that they fill is there in both cases.
pub(crate) async fn updates_per_second(site: &Site<'_>, options: &Options) -> (f64, f64) {
    let plan = table::plan_of(Change::Rename);
    let mut connection = site.root(BASE).await;
    let is_trigger = |step: &&Step| matches!(step.effect, Effect::TriggerSays { .. });
    for step in plan.expand.iter().filter(|step| !is_trigger(step)) {
        table::send(&mut connection, &step.sql).await;
    }
    let triggers: Vec<&Step> = plan.expand.iter().filter(is_trigger).collect();
    let seconds = Duration::from_secs(options.idle_seconds.clamp(1, 3));
    let (mut with, mut without) = (0.0, 0.0);
    for _ in 0..PAIRS {
        for step in &triggers {
            table::send(&mut connection, &step.sql).await;
        }
        with += measure(site, seconds).await / f64::from(PAIRS);
        for undo in triggers.iter().flat_map(|step| &step.undo) {
            table::send(&mut connection, &undo.sql).await;
        }
        without += measure(site, seconds).await / f64::from(PAIRS);
    }
    (with, without)
}

async fn measure(site: &Site<'_>, how_long: Duration) -> f64 {
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (url, rows) = (site.url_of_old(), site.rows());
            tokio::spawn(async move {
                let mut connection = MySqlConnection::connect(&url).await.unwrap();
                let (begun, mut count) = (Instant::now(), 0_u32);
                while begun.elapsed() < how_long {
                    let (row, number) =
                        (rand::rng().random_range(1..=rows), rand::rng().random_range(0..1_000_000));
                    let sql = probe::update(&table::name(row), number);
                    let sent = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
                    // Two of them may have met on one row.
                    count += u32::from(sent.is_ok());
                }
                f64::from(count) / begun.elapsed().as_secs_f64()
            })
        })
        .collect();
    let mut sum = 0.0;
    for worker in workers {
        sum += worker.await.unwrap();
    }
    sum
}
