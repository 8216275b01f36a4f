//! Sections of the page: how it was measured, what is noise, and one for each scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{PICTURES, number};
use crate::experiment::machine::Machine;
use crate::experiment::record::Size;
use crate::experiment::report::group::{Group, Spread, whole};
use crate::experiment::scenario::Scenario;

/// Commands, machine, versions and definitions.
pub(super) fn method(size: &Size, groups: &[Group<'_>]) -> String {
    let rows = f64::from(u32::try_from(size.rows).unwrap_or(u32::MAX));
    let mut text = format!(
        "## How it was measured\n\n\
        ```sh\n\
        make bench                                              # what is not measured yet, then this page\n\
        make bench SCENARIOS=field-renamed WAYS=naive,crossfade # a part of it\n\
        make bench MINUTES=120                                  # begins no run after two hours; the next call goes on\n\
        make bench-report                                       # this page, from what is there\n\
        ```\n\n\
        A run: a bench at v1 in a namespace of its own ([sample bench](https://github.com/crossfade-dev/crossfade/tree/main/e2e/sample-bench), which has\n\
        Frappe's data rules and is not Frappe), {} rows in the table that changes, {} users who come ten a second, {} s of load, the release, {} s of load.\n\
        Users list, read, create, update (all fields), delete, write two documents in one request, and enqueue jobs. Each write is read back at once, and\n\
        while Crossfade moves the traffic by a colour that is drawn: old and new code read what the other has written. A job runs each second.\n\n",
        whole(rows),
        size.users,
        size.seconds,
        size.seconds
    );
    text += "| word | meaning |\n|---|---|\n\
        | hard failure | a status of 400 or more where there should be none, or no answer |\n\
        | no failure, by any way | what was filled in on a page of the old version, and is refused by the new one because it asks for a field that the page did not have: it is filled in anew |\n\
        | lost silently | a good status, but a value that was written is missing or different, or a document is not in the list |\n\
        | seconds without service | whole seconds between the first and the last request in which not one request ended well |\n\
        | before, during, after | until the release is asked for; until it is over (Crossfade: `Ready`); from then on |\n\
        | jobs lost, doubled | of those that a user was told are enqueued: not run two minutes after the last user went home; run more than once |\n\
        | ticks missed, doubled | of the job of every second, from the begin of the release on: seconds without a run in pauses longer than 2.5 s; runs beyond 13 in ten seconds |\n\
        | deadlocks | hard failures with MariaDB's 1213 |\n\n";
    let mut machines: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for run in groups.iter().flat_map(|group| &group.runs) {
        let machine = &run.record.machine;
        machines.entry(words(machine)).or_default().insert(&machine.commit);
    }
    for (machine, commits) in machines {
        let commits: Vec<&str> = commits.into_iter().collect();
        let _ = writeln!(text, "- {machine}; of Crossfade {}.", commits.join(", "));
    }
    text += "- Database, bench, gateway, operator and users share the machine.\n";
    let fill = Spread::of(groups.iter().flat_map(|group| &group.runs).map(|run| run.record.fill_seconds));
    if let Some(fill) = fill {
        let _ = writeln!(text, "- The rows were made in {} s, before anybody came.", fill.words());
    }
    text.push('\n');
    text
}

fn words(machine: &Machine) -> String {
    let Machine { processor, memory, kernel, commit: _, kubernetes, mariadb, locust, profile } = machine;
    format!(
        "{processor}, {memory} GiB, Linux {kernel}; Kubernetes {kubernetes}, MariaDB {mariadb}, Locust {locust}; operator built with the profile {profile}"
    )
}

/// How far apart runs are that do not differ in anything.
pub(super) fn noise(groups: &[Group<'_>]) -> String {
    let over_all =
        |name: &str| Spread::of(groups.iter().flat_map(|g| [g.spread(name).least, g.spread(name).most]));
    let (Some(p50), Some(p99), Some(ticks)) =
        (over_all("before_p50_ms"), over_all("before_p99_ms"), over_all("ticks_missed_before"))
    else {
        return String::new();
    };
    let repetitions = groups.iter().map(|group| group.runs.len());
    format!(
        "## What is noise\n\n\
        Before a release all runs do the same, so what they differ in there is the machine: a median of {:.0} to {:.0} ms, a 99th percentile of {:.0} to {:.0} ms, \
        up to {:.0} ticks missed. A difference of latency that is smaller says nothing. Counts of failures in the naive and the locked way follow from how long the\n\
        release takes and how many ask meanwhile: their order of magnitude is a result, their last digits are not. Zero is no statistic: a failure in one repetition is a failure.\n\
        Repetitions so far: {} to {}.\n\n",
        p50.least,
        p50.most,
        p99.least,
        p99.most,
        ticks.most,
        repetitions.clone().min().unwrap_or(0),
        repetitions.max().unwrap_or(0)
    )
}

/// One scenario by all its ways.
pub(super) fn scenario(scenario: Scenario, groups: &[&Group<'_>]) -> String {
    let mut text = format!("## {}\n\nWhat happens: {}.\n\n", scenario.name, scenario.title);
    text += "| way | ms before, p50/p95/p99 | during | after | phases, s | rows/s of backfill |\n|---|---|---|---|---|---|\n";
    for group in groups {
        let latency = ["before", "during", "after"].map(|window| latency(group, window));
        let phases: Vec<String> =
            group.phases().iter().map(|(name, seconds)| format!("{name} {}", seconds.seconds())).collect();
        let filled: Vec<String> =
            group.backfills().iter().map(|(what, rate)| format!("`{what}` {}", rate.words())).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            group.way,
            latency.join(" | "),
            phases.join(", "),
            filled.join(", ")
        );
    }
    text.push('\n');
    for group in groups {
        text += &failures(group);
    }
    for group in groups {
        let _ = writeln!(
            text,
            "![{}, {}: requests, failures and latency over time]({PICTURES}/{})\n",
            scenario.name,
            group.way,
            group.picture()
        );
    }
    text
}

fn latency(group: &Group<'_>, window: &str) -> String {
    let part = |name: &str| whole(group.spread(&format!("{window}_{name}_ms")).median);
    [part("p50"), part("p95"), part("p99")].join(" / ")
}

/// What failed, of all repetitions together.
fn failures(group: &Group<'_>) -> String {
    let mut text = String::new();
    let kinds: Vec<String> =
        group.kinds().iter().map(|(kind, count)| format!("{kind}: {}", number(*count))).collect();
    if !kinds.is_empty() {
        let _ = write!(text, "{}, failures of all repetitions: {}.\n\n", group.way, kinds.join(", "));
    }
    let failed = group.runs.iter().filter_map(|run| run.record.released.failure.as_deref());
    let failed: BTreeSet<&str> = failed.collect();
    for words in failed {
        let _ = write!(text, "{}, not released: `{}`\n\n", group.way, words.replace('`', "'"));
    }
    text
}
