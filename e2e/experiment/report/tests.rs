//! The report of runs that are made up: what it says is held by snapshots (`INSTA_UPDATE=always cargo test --test e2e report`).

use super::*;
use crate::experiment::jobs::Jobs;
use crate::experiment::machine::Machine;
use crate::experiment::record::Record;
use crate::experiment::way::{Backfill, Migration, Released, Way};
use crate::harness::beats::Tally;
use crate::harness::load::Request;

const SIZE: Size = Size { rows: 1_000_000, users: 100, seconds: 5 };

/// Ten requests a second for 20 s; those from the seventh second to the ninth are as `bad` says.
fn requests(bad: impl Fn(usize) -> Option<(&'static str, u16, &'static str)>) -> Vec<Request> {
    (0..200_u32)
        .map(|number| {
            let time = f64::from(number) / 10.0;
            let failure = if (7.0..9.0).contains(&time) { bad(number as usize) } else { None };
            Request {
                time,
                name: if number % 2 == 0 { "update" } else { "read" }.to_owned(),
                ms: 10.0 + f64::from(number % 7),
                status: failure.map_or(200, |(_, status, _)| status),
                failure: failure.map(|(kind, _, _)| kind.to_owned()),
                words: failure.map(|(_, _, words)| words.to_owned()).unwrap_or_default(),
                version: None,
                token: None,
            }
        })
        .collect()
}

fn run(scenario: &str, way: Way, repetition: usize, requests: &[Request], released: Released) -> Run {
    let machine = Machine {
        processor: "2 cores, some".to_owned(),
        memory: 16,
        kernel: "6.1".to_owned(),
        commit: "0123456789".to_owned(),
        kubernetes: "v1.34.4".to_owned(),
        mariadb: "10.11".to_owned(),
        locust: "2.47".to_owned(),
        profile: "dev".to_owned(),
    };
    let ticks = Tally { runs: 15, missed: if way == Way::Locked { 4.0 } else { 0.0 }, doubled: 0 };
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    let end = 10.0 + repetition as f64;
    let record = Record {
        scenario: scenario.to_owned(),
        way,
        repetition,
        size: SIZE,
        from: 0.0,
        begin: 5.0,
        end,
        until: 20.0,
        released,
        jobs: Jobs { enqueued: 9, lost: 0, doubled: 0, ticks_before: Tally::default(), ticks },
        fill_seconds: 21.4,
        machine,
    };
    Run::of(record, requests)
}

fn released(phases: &[(&str, f64)]) -> Released {
    Released {
        phases: phases.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect(),
        migrations: vec![Migration { seconds: 3.0, failure: None }],
        backfills: Vec::new(),
        failure: None,
    }
}

fn runs() -> Vec<Run> {
    let deadlock = |number: usize| match number % 3 {
        0 => Some(("hard", 500, "frappe.exceptions.QueryDeadlockError: (1213, 'Deadlock found')")),
        1 => Some(("silent", 200, "customer_note: None")),
        _ => None,
    };
    let closed = |_| Some(("hard", 503, "frappe.exceptions.SessionStopped: Session Stopped"));
    let fine = |_| None;
    let naive = released(&[("migrate", 5.0), ("roll", 8.0)]);
    let mut stuck = released(&[("migrate", 5.0)]);
    let words = "pymysql.err.DataError: (1292, \"Truncated incorrect INTEGER value: ''\")";
    stuck.migrations = vec![Migration { seconds: 1.0, failure: Some(words.to_owned()) }; 2];
    stuck.failure = Some(words.to_owned());
    let locked =
        released(&[("maintenance on", 5.0), ("migrate", 6.0), ("roll", 8.0), ("maintenance off", 9.0)]);
    let mut ours = released(&[("Planning", 5.0), ("Isolating", 5.2), ("Expanding", 5.4), ("Migrating", 9.0)]);
    ours.backfills =
        vec![Backfill { what: "order_note of tabSales Order".to_owned(), rows: 9, rows_per_second: 4321 }];
    vec![
        run("field-renamed", Way::Naive, 1, &requests(deadlock), naive.clone()),
        run("field-renamed", Way::Naive, 2, &requests(|n| deadlock(n + 1)), naive),
        run("field-renamed", Way::Locked, 1, &requests(closed), locked),
        run("field-renamed", Way::Crossfade, 1, &requests(fine), ours),
        run("type-changed", Way::Naive, 1, &requests(deadlock), stuck),
    ]
}

#[test]
fn the_page_says_what_the_runs_are() {
    insta::assert_snapshot!("page", Report::of(&SIZE, &runs()).unwrap().page);
}

#[test]
fn the_summary_has_a_record_for_each_scenario_and_way() {
    let summary = Report::of(&SIZE, &runs()).unwrap().summary;
    let records = summary["records"].as_array().unwrap();
    let names: Vec<String> = records.iter().map(|r| format!("{} {}", r["scenario"], r["way"])).collect();
    let wanted = [
        "\"field-renamed\" \"locked\"",
        "\"field-renamed\" \"naive\"",
        "\"field-renamed\" \"crossfade\"",
        "\"type-changed\" \"naive\"",
    ];
    assert_eq!(names, wanted);
    assert_eq!(records[1]["repetitions"], 2);
    assert_eq!(records[1]["figures"]["deadlocks"]["most"], 7.0);
    assert_eq!(records[0]["figures"]["seconds_without_service"]["median"], 2.0);
    assert_eq!(records[2]["backfill_rows_per_second"]["order_note of tabSales Order"]["median"], 4321.0);
}

#[test]
fn a_picture_shows_a_run() {
    let pictures = Report::of(&SIZE, &runs()).unwrap().pictures;
    let names: Vec<&str> = pictures.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = [
        "field-renamed-locked.svg",
        "field-renamed-naive.svg",
        "field-renamed-crossfade.svg",
        "type-changed-naive.svg",
    ];
    assert_eq!(names, wanted);
    insta::assert_snapshot!("picture", pictures[1].1);
}

#[test]
fn a_record_is_read_as_it_was_written() {
    for run in runs() {
        let written = serde_json::to_string(&run.record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&written).unwrap(), run.record);
    }
}
