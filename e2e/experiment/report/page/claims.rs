//! What the experiment has to show, held against the figures.

use std::fmt::Write as _;

use crate::experiment::report::group::Group;
use crate::experiment::scenario::{self, Scenario};
use crate::experiment::way::Way;

/// How much slower than before a request may be in a release.
const SLOWER: f64 = 1.5;

/// Something that must be true of every run of a way.
struct Claim {
    words: &'static str,
    way: Way,
    /// What is wrong with a group, if it does not hold.
    broken: fn(&Group<'_>) -> Option<String>,
}

const CLAIMS: [Claim; 7] = [
    Claim {
        words: "Crossfade: every release is made",
        way: Way::Crossfade,
        broken: |group| not_released(group),
    },
    Claim {
        words: "Crossfade: no hard failure",
        way: Way::Crossfade,
        broken: |group| above_0(group, &["hard"]),
    },
    Claim {
        words: "Crossfade: nothing lost silently",
        way: Way::Crossfade,
        broken: |group| above_0(group, &["silent"]),
    },
    Claim {
        words: "Crossfade: no second without service",
        way: Way::Crossfade,
        broken: |group| above_0(group, &["seconds_without_service"]),
    },
    Claim {
        words: "Crossfade: no job lost or doubled",
        way: Way::Crossfade,
        broken: |group| above_0(group, &["jobs_lost", "jobs_doubled", "ticks_missed", "ticks_doubled"]),
    },
    Claim {
        words: "Crossfade: p99 during at most 1.5 times that before",
        way: Way::Crossfade,
        broken: |group| slower(group),
    },
    Claim {
        words: "naive: something fails, but where a field is added",
        way: Way::Naive,
        broken: |group| too_kind(group),
    },
];

/// The section with all claims.
pub(super) fn section(groups: &[Group<'_>]) -> String {
    let mut text = "## What it has to show\n\n| | holds in | not in |\n|---|---|---|\n".to_owned();
    for claim in CLAIMS {
        let of: Vec<&Group<'_>> = groups.iter().filter(|group| group.way == claim.way).collect();
        let broken: Vec<String> = of
            .iter()
            .filter_map(|group| Some(format!("{} ({})", group.scenario.name, (claim.broken)(group)?)))
            .collect();
        let holds = of.len() - broken.len();
        let _ = writeln!(text, "| {} | {holds} of {} | {} |", claim.words, of.len(), broken.join(", "));
    }
    let missing: Vec<String> =
        scenario::ALL.into_iter().filter_map(|scenario| missing(scenario, groups)).collect();
    if !missing.is_empty() {
        let _ = write!(text, "\nNot run yet: {}.\n", missing.join(", "));
    }
    text.push('\n');
    text
}

/// A scenario with the ways by which it was not run.
fn missing(scenario: Scenario, groups: &[Group<'_>]) -> Option<String> {
    let is_there = |way: Way| groups.iter().any(|group| group.scenario == scenario && group.way == way);
    let ways: Vec<&str> = Way::ALL.into_iter().filter(|way| !is_there(*way)).map(Way::name).collect();
    match ways.len() {
        0 => None,
        count if count == Way::ALL.len() => Some(scenario.name.to_owned()),
        _ => Some(format!("{} ({})", scenario.name, ways.join(", "))),
    }
}

/// The greatest of a figure's repetitions counts, not the median.
fn above_0(group: &Group<'_>, names: &[&str]) -> Option<String> {
    let found = names.iter().map(|name| (name, group.spread(name).most)).filter(|(_, most)| *most > 0.0);
    let found: Vec<String> =
        found.map(|(name, most)| format!("{} {most:.0}", name.replace('_', " "))).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

fn not_released(group: &Group<'_>) -> Option<String> {
    let failed = group.runs.iter().filter(|run| run.record.released.failure.is_some()).count();
    (failed > 0).then(|| format!("{failed} of {}", group.runs.len()))
}

fn slower(group: &Group<'_>) -> Option<String> {
    let times = group.spread("during_p99_ms").median / group.spread("before_p99_ms").median.max(1.0);
    (times > SLOWER).then(|| format!("{times:.1} times"))
}

fn too_kind(group: &Group<'_>) -> Option<String> {
    let is_clean = group.runs.iter().all(|run| {
        run.figures.is_clean()
            && run.record.released.migrations.iter().all(|migration| migration.failure.is_none())
    });
    (is_clean && group.scenario.name != "field-added").then(|| "nothing failed".to_owned())
}
