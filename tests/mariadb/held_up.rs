//! What holds a fill up: a file, rows that others hold, a replica that gives no answer. It stops there, says why, and goes on.

use std::process::Command;

use sqlx::{Connection, Executor, MySqlConnection};

use super::replication::{leaked, replica_of};
use super::server::server;
use super::site::{Ran, Site, wait_for};
use super::started::Paused;
use super::versions::{WRONG, fill_usual, usual};

/// A process that stands still as long as this lives.
struct Stopped<'a>(&'a str);

impl<'a> Stopped<'a> {
    fn new(pid: &'a str) -> Self {
        signal("-STOP", pid);
        Self(pid)
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        signal("-CONT", self.0);
    }
}

fn signal(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

fn ready(site: Site, rows: u32) -> Site {
    fill_usual(&site, rows);
    site.handed_over();
    site
}

const FILLED: &str = "SELECT COUNT(*) FROM tabDeal WHERE count__blue IS NOT NULL";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mariadbd"]
async fn rows_that_are_held_are_left_for_the_end_and_who_holds_them_is_named() {
    let site = ready(usual().site(server(), "held_rows"), 3_000);
    let expand = Paused::before_the_first_row(&site, "expand", &["--ddl-budget", "2"]);
    let mut holder = MySqlConnection::connect(&site.url("root", "", "held_rows")).await.unwrap();
    holder.execute("START TRANSACTION").await.unwrap();
    let rows = "SELECT name FROM tabDeal WHERE name IN ('D000007', 'D001500') FOR UPDATE";
    holder.execute(rows).await.unwrap();
    expand.go_on();
    let Ran { code, output: text } = expand.end();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("rows of it are locked"), "{text}");
    assert!(text.contains("of user root has a transaction open for"), "{text}");
    let left = site.admin("SELECT name FROM tabDeal WHERE count__blue IS NULL ORDER BY name LIMIT 9");
    assert_eq!(left, "D000007\nD001500");
    holder.execute("ROLLBACK").await.unwrap();
    site.run("expand", &[]).ok();
    assert_eq!(site.base(WRONG), "0");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_pause_file_that_comes_in_the_middle_of_a_fill_stops_it_there() {
    const ROWS: u32 = 20_000;
    let site = ready(usual().site(server(), "held_middle"), ROWS);
    let filled = || site.admin(FILLED).parse::<u32>().unwrap();
    let begun = || !site.admin("SHOW COLUMNS FROM tabDeal LIKE 'count__blue'").is_empty() && filled() > 0;
    let mut expand = Paused::start(&site, "expand", &[]);
    wait_for("the first rows", begun);
    expand.stop();
    wait_for("the pause", || expand.said("paused: "));
    let stopped = filled();
    assert!((1..ROWS).contains(&stopped), "{stopped}");
    // The heartbeat says that it is not dead.
    let beat = || site.admin("SELECT ended FROM __crossfade_ledger WHERE state = 'running'");
    for _ in 0..5 {
        let before = beat();
        wait_for("a heartbeat", || beat() != before);
    }
    assert_eq!(filled(), stopped);
    assert!(expand.is_at_work());
    expand.go_on();
    expand.end().ok();
    assert_eq!(site.base(WRONG), "0");
}

#[test]
#[ignore = "needs mariadbd"]
fn a_server_that_has_enough_to_do_slows_a_fill_down_and_it_says_why() {
    let limits = [
        ("held_threads", "--max-threads-running", "threads of the server are at work, the limit is 0"),
        ("held_latency", "--max-latency", "a small write takes "),
    ];
    for (name, limit, reason) in limits {
        let site = ready(usual().site(server(), name), 20_000);
        let text = site.run("expand", &[limit, "0"]).ok();
        assert!(text.contains("at its slowest: ") && text.contains(reason), "{text}");
        assert_eq!(site.base(WRONG), "0");
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn a_replica_that_hangs_holds_a_fill_up_until_it_answers_again() {
    let primary = leaked(&[]);
    let replica = replica_of(primary);
    let site = ready(usual().site(primary, "held_replica"), 3_000);
    let address = format!("127.0.0.1:{}", replica.port);
    let pid = std::fs::read_to_string(replica.directory.join("pid")).unwrap().trim().to_owned();
    let mut expand = Paused::before_the_first_row(&site, "expand", &["--replica", &address]);
    let stopped = Stopped::new(&pid);
    // It is noticed while the file still holds the fill, or no row would be left for the replica to hold up: it is asked after
    // every fifth heartbeat.
    let beat = || site.admin("SELECT ended FROM __crossfade_ledger WHERE state = 'running'");
    for _ in 0..7 {
        let before = beat();
        wait_for("a heartbeat", || beat() != before);
    }
    expand.go_on();
    let silent = format!("the replica {address} gives no answer");
    wait_for("the replica", || expand.said(&silent) || !expand.is_at_work());
    let filled = site.admin(FILLED);
    drop(stopped);
    let text = expand.end().ok();
    assert!(text.contains(&silent) && filled == "0", "{filled} rows: {text}");
    assert_eq!(site.base(WRONG), "0");
}
