//! Every figure, for programs: a record per scenario and way.

use serde_json::{Map, Value, json};

use super::group::{Group, MEASURES, Spread};
use crate::experiment::record::{Run, Size};

/// The summary of all groups.
pub fn json(size: &Size, groups: &[Group<'_>]) -> Value {
    json!({ "size": size, "records": groups.iter().map(record).collect::<Vec<_>>() })
}

fn record(group: &Group<'_>) -> Value {
    let figures: Map<String, Value> =
        MEASURES.iter().map(|(name, _)| ((*name).to_owned(), spread(group.spread(name)))).collect();
    let phases: Map<String, Value> =
        group.phases().into_iter().map(|(name, seconds)| (name.to_owned(), spread(seconds))).collect();
    let backfills: Map<String, Value> =
        group.backfills().into_iter().map(|(name, rate)| (name.to_owned(), spread(rate))).collect();
    json!({
        "scenario": group.scenario.name,
        "way": group.way,
        "repetitions": group.runs.len(),
        "figures": figures,
        "phase_seconds": phases,
        "backfill_rows_per_second": backfills,
        "failures": group.kinds().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "runs": group.runs.iter().map(|run| self::run(run)).collect::<Vec<_>>(),
    })
}

fn run(run: &Run) -> Value {
    json!({ "figures": run.figures, "record": run.record })
}

fn spread(spread: Spread) -> Value {
    json!({ "median": spread.median, "least": spread.least, "most": spread.most })
}
