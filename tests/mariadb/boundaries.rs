//! Every command is killed at every statement that it sends: started again it goes on, and the end is byte for byte that
//! of a release that nobody disturbed. In `make kills` at each statement; in `make mariadb` at some.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng;

use super::carried::before_release;
use super::plans;
use super::server::{Server, Special};
use super::site::Site;

/// Whether the long form was asked for.
fn is_long() -> bool {
    std::env::var_os("CROSSFADE_LONG").is_some()
}

/// Stands between a command and the server and counts the statements; at one of them it lets go of the command.
struct Gate {
    port: u16,
    seen: Arc<AtomicU64>,
    is_shut: Arc<AtomicBool>,
}

impl Gate {
    /// Shuts at the statement `last`: half of the times the server still gets that one, and nobody hears its answer.
    fn before(server: u16, last: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            is_shut: Arc::default(),
        };
        let (seen, is_shut) = (Arc::clone(&gate.seen), Arc::clone(&gate.is_shut));
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { return };
                client.set_nodelay(true).unwrap();
                upstream.set_nodelay(true).unwrap();
                let (mut answers, mut back) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut answers, &mut back);
                    let _ = back.shutdown(Shutdown::Both);
                });
                let (seen, is_shut) = (Arc::clone(&seen), Arc::clone(&is_shut));
                std::thread::spawn(move || {
                    let _ = statements(client, upstream, last, &seen, &is_shut);
                });
            }
        });
        gate
    }
}

/// Carries packets to the server. The first packet of a command has the number 0 (the server's own protocol).
fn statements(
    mut client: TcpStream,
    mut server: TcpStream,
    last: u64,
    seen: &AtomicU64,
    is_shut: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let mut head = [0; 4];
        if client.read_exact(&mut head).is_err() {
            return server.shutdown(Shutdown::Both);
        }
        let mut body = vec![0; usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16];
        client.read_exact(&mut body)?;
        // Behind a shut gate nothing is heard until the command is gone; then the server hears that it is.
        if is_shut.load(Ordering::SeqCst) {
            continue;
        }
        let is_last = head[3] == 0 && seen.fetch_add(1, Ordering::SeqCst) + 1 == last;
        if !is_last || last.is_multiple_of(2) {
            server.write_all(&[&head[..], &body].concat())?;
        }
        if is_last {
            is_shut.store(true, Ordering::SeqCst);
        }
    }
}

/// The command, by way of the gate.
fn start(site: &Site, gate: &Gate, command: &str, more: &[&str]) -> Child {
    let address = format!("127.0.0.1:{}/", site.server.port);
    let command = site.command(command, more);
    let arguments = command.get_args().map(|text| {
        let text = text.to_str().unwrap();
        if text.contains(&address) {
            // What is encrypted cannot be counted.
            text.replace(&address, &format!("127.0.0.1:{}/", gate.port)) + "?ssl-mode=disabled"
        } else {
            text.to_owned()
        }
    });
    Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the command at one of its statements; gives how it ended if it came to its end before.
fn kill_at(site: &Site, command: &str, more: &[&str], last: u64) -> Option<ExitStatus> {
    let gate = Gate::before(site.server.port, last);
    let mut child = start(site, &gate, command, more);
    loop {
        if gate.is_shut.load(Ordering::SeqCst) {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Kills the command at one statement after the other until one run comes to its end; gives the number of kills.
fn kill_at_each(site: &Site, command: &str, more: &[&str]) -> u64 {
    // A prime: in the short form as well the statements differ from run to run.
    kill_at_some(site, command, more, 23)
}

/// The same in the short form at one of so many. In the long form at each statement behind each state of the ledger: what a
/// run has reached is kept, and the next one passes it by other statements.
pub(crate) fn kill_at_some(site: &Site, command: &str, more: &[&str], stride: u64) -> u64 {
    let stride = if is_long() { 1 } else { stride };
    let (mut last, mut kills) = (1, 0);
    let mut reached = BTreeSet::new();
    loop {
        match kill_at(site, command, more, last) {
            None => kills += 1,
            Some(status) => {
                assert!(
                    status.success(),
                    "{command} failed after {kills} kills: {}",
                    site.run(command, more).output
                );
                return kills;
            }
        }
        let is_new = is_long() && reached.insert(site.try_base(LEDGER).unwrap_or_default());
        last = if is_new { 1 } else { last + stride };
    }
}

/// A site before its release; of some rows it is not known when they were changed.
fn site(server: &'static Server, name: &str) -> Site {
    let site = Site::small_on(server, name);
    site.admin("UPDATE tabOrder SET modified = NULL");
    before_release(site, 2000)
}

/// How far the ledger is, without the number of tries.
const LEDGER: &str = "SELECT part, step, state FROM __crossfade_ledger ORDER BY id";
/// What green's migrate does to the metadata.
const MIGRATE: &str = "DELETE FROM tabDocType WHERE name = 'Settings'; ALTER TABLE tabDocField ADD COLUMN x int; \
                       UPDATE tabWorkspace SET title = 'green'; \
                       UPDATE tabDeal SET count = 77, code = 'no number', day = '2025-01-01' WHERE name = 'D000007'";
const TABLES: [&str; 2] = ["--stage", "tables"];
const FINISH: [&str; 2] = ["--stage", "finish"];

#[test]
#[ignore = "needs mariadbd"]
fn killed_at_its_statements_a_release_ends_as_one_that_is_not() {
    let server = super::server::server();
    let ends = [false, true].map(|is_killed| {
        let site = site(server, if is_killed { "bound_much" } else { "bound_calm" });
        let mut kills = 0;
        let mut run = |command: &str, more: &[&str]| {
            if is_killed {
                kills += kill_at_each(&site, command, more);
            } else {
                site.run(command, more).ok();
            }
        };
        run("isolate", &[]);
        run("expand", &[]);
        run("verify", &[]);
        site.base(MIGRATE);
        let file = server.directory.join(format!("{}.gz", site.name));
        run("contract", &["--backup", file.to_str().unwrap()]);
        println!("{}: {kills} kills", site.name);
        assert!(!is_killed || !is_long() || kills >= 500, "{kills} kills");
        everything(&site)
    });
    same(&ends);
}

#[test]
#[ignore = "needs mariadbd"]
fn killed_at_its_statements_a_rollback_ends_as_one_that_is_not() {
    let server = super::server::server();
    let ends = [false, true].map(|is_killed| {
        let site = site(server, if is_killed { "boundrb_much" } else { "boundrb_calm" });
        site.expanded();
        site.base(MIGRATE);
        let mut kills = 0;
        for stage in [&TABLES, &FINISH] {
            if is_killed {
                kills += kill_at_each(&site, "rollback", stage);
            } else {
                site.run("rollback", stage).ok();
            }
        }
        println!("{}: {kills} kills", site.name);
        everything(&site)
    });
    same(&ends);
}

#[test]
#[ignore = "needs mariadbd"]
fn an_expand_that_is_killed_anywhere_can_be_taken_back_with_what_blue_has_written_since() {
    let server = super::server::server();
    let stride = if is_long() { 1 } else { 5 };
    let mut last = rand::rng().random_range(1..=stride);
    let mut kills = 0;
    loop {
        let site = Site::small_on(server, &format!("bound_back_{last}"));
        site.plan(plans::additive());
        site.run("isolate", &[]).ok();
        let end = kill_at(&site, "expand", &[], last);
        site.blue("UPDATE tabWorkspace SET title = 'of blue' WHERE name = 'Home'");
        site.blue("UPDATE tabSingles SET value = 'of blue' WHERE doctype = 'Settings' AND field = 'logo'");
        // Every other one goes on first.
        if kills % 2 == 1 {
            site.run("expand", &[]).ok();
        }
        for stage in [&TABLES, &FINISH] {
            site.run("rollback", stage).ok();
        }
        let kept = site.base(
            "SELECT title FROM tabWorkspace WHERE name = 'Home'; SELECT value FROM tabSingles WHERE field = 'logo'",
        );
        assert_eq!(kept, "of blue\nof blue", "killed at statement {last}");
        server.root(&format!("DROP DATABASE {}", site.name));
        if let Some(status) = end {
            assert!(status.success());
            break;
        }
        kills += 1;
        last += stride;
    }
    println!("{kills} kills");
    assert!(kills > 0);
}

/// Everything of a site and of what a release leaves on the server, without the site's name.
fn everything(site: &Site) -> String {
    let text = format!("{}\n{}", site.fingerprint(), site.traces());
    text.replace(&site.name.replace('_', "\\\\_"), "SITE").replace(&site.name, "SITE")
}

/// Says which lines differ: the whole of two sites is too much to read.
#[track_caller]
fn same(ends: &[String; 2]) {
    let [calm, killed] = ends;
    let only = |one: &str, other: &str| {
        let lines: Vec<String> =
            one.lines().filter(|line| !other.contains(*line)).map(str::to_owned).collect();
        lines.join("\n")
    };
    assert!(calm == killed, "undisturbed:\n{}\nkilled:\n{}", only(calm, killed), only(killed, calm));
}

/// Runs a command while the server is killed at random; gives how often it was while the command was at work. One that came
/// through before is not counted, and there is nothing more to kill then.
fn kill_the_server(site: &Site, command: &str, more: &[&str], times: u32) -> u32 {
    let mut kills = 0;
    for _ in 0..times {
        let mut child = site.start(command, more);
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(5..900)));
        site.server.kill_and_serve();
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
    }
    site.run(command, more).ok();
    kills
}

/// A release to its end and one that is taken back, as `run` makes each of their commands; gives what they leave.
fn both_ways(server: &'static Server, name: &str, mut run: impl FnMut(&Site, &str, &[&str])) -> String {
    let ends = [false, true].map(|way_back| {
        let site = site(server, &format!("crash_{name}_{}", u8::from(way_back)));
        run(&site, "isolate", &[]);
        run(&site, "expand", &[]);
        site.base(MIGRATE);
        if way_back {
            run(&site, "rollback", &TABLES);
            run(&site, "rollback", &FINISH);
        } else {
            run(&site, "contract", &["--without-backup"]);
        }
        site.fingerprint().replace(&site.name, "SITE")
    });
    ends.join("\n")
}

#[test]
#[ignore = "needs mariadbd"]
fn a_server_that_is_killed_under_a_release_and_its_rollback_loses_nothing() {
    let (times, least) = if is_long() { (10, 50) } else { (1, 1) };
    let server: &'static Server = Box::leak(Box::new(Server::start(&Special::default())));
    let calm = both_ways(server, "calm", |site, command, more| {
        site.run(command, more).ok();
    });
    let (mut kills, mut round) = (0, 0);
    while kills < least {
        let killed = both_ways(server, &format!("much_{round}"), |site, command, more| {
            kills += kill_the_server(site, command, more, times);
        });
        same(&[calm.clone(), killed]);
        round += 1;
        println!("{kills} kills of mariadbd under a command at work");
    }
}
