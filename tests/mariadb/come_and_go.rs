//! A colour whose requests have a connection each, as Frappe's: it serves, and at most moments nobody is connected.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::plans;
use super::site::{Ran, Site};

/// Runs a command beside requests that follow each other, each by a connection of its own; gives what it said, after no request has failed.
#[track_caller]
fn beside(
    site: &Site,
    command: &str,
    more: &[&str],
    request: impl Fn() -> Result<String, String> + Sync,
) -> Ran {
    let is_over = AtomicBool::new(false);
    let (ran, failed) = std::thread::scope(|scope| {
        let requests = scope.spawn(|| {
            let mut answers = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                answers.push(request());
                std::thread::sleep(Duration::from_millis(50));
            }
            answers.push(request());
            answers
        });
        let ran = site.run(command, more);
        is_over.store(true, Ordering::Relaxed);
        let answers = requests.join().unwrap();
        // A command that refuses does so at the first that it sees; then there is one more.
        assert!(answers.len() > 1, "no request beside the command");
        (ran, answers.into_iter().filter_map(Result::err).collect::<Vec<_>>())
    });
    assert!(failed.is_empty(), "{failed:?}");
    ran
}

fn site(name: &str) -> Site {
    let site = Site::small(name);
    site.plan(plans::additive());
    site.expanded();
    site
}

#[test]
#[ignore = "needs mariadbd"]
fn a_contract_refuses_while_blue_comes_and_goes() {
    let site = site("come_contract");
    let read = || site.try_blue("SELECT COUNT(*) FROM tabOrder");
    let ran = beside(&site, "contract", &["--quiet-seconds", "6"], read);
    // "blue still serves" as a rule; where its first look meets a request, it is connected.
    let says = ran.output.contains("stop its web, workers and scheduler first");
    assert!(ran.code == 3 && says, "{}", ran.output);
    assert!(site.traces().contains("come_contract__r1"), "{}", site.traces());
    site.run("contract", &["--quiet-seconds", "1"]).ok();
}

#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_takes_nothing_back_while_green_comes_and_goes() {
    let site = site("come_rollback");
    let write = || site.try_base("INSERT INTO `tabOrder Tax` (name, parent) VALUES (UUID(), 'O1')");
    let options = ["--stage", "tables", "--quiet-seconds", "6", "--connection-wait", "1"];
    let ran = beside(&site, "rollback", &options, write);
    assert!(ran.code == 1 && ran.output.contains("waited 7 s"), "{}", ran.output);
    let guard = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'come_rollback' AND TRIGGER_NAME = '__crossfade_orphans_order'";
    assert_eq!(site.server.root(guard), "1");
    site.run("rollback", &["--stage", "tables", "--quiet-seconds", "1"]).ok();
    assert_eq!(site.server.root(guard), "0");
}
