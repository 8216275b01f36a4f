//! Every command is killed (SIGKILL) at random moments and started again: it goes on, and the end is the same.

use std::time::{Duration, Instant};

use rand::Rng;

use super::plans;
use super::site::Site;
use super::traffic::Client;

/// Starts a command and kills it after a random part of the time that it takes; gives whether it was killed. A run that
/// comes through sooner than `longest` says how long it takes here: on a machine that was busy while that was measured, most
/// moments would else lie behind the end, and kill nothing.
pub(crate) fn kill_once(site: &Site, command: &str, more: &[&str], longest: &mut Duration) -> bool {
    let mut child = site.start(command, more);
    // Not the whole of it: a run that comes through leaves nothing to kill.
    let moment = longest.mul_f64(rand::rng().random_range(0.02..0.9));
    let begun = Instant::now();
    while begun.elapsed() < moment && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let is_at_work = child.try_wait().unwrap().is_none();
    if is_at_work {
        child.kill().unwrap();
    } else {
        *longest = begun.elapsed().min(*longest);
    }
    child.wait().unwrap();
    is_at_work
}

/// Kills a command so many times, then runs it to its end; gives how often it was at work when it was killed.
pub(crate) fn kill_and_finish(
    site: &Site,
    command: &str,
    more: &[&str],
    times: u32,
    mut longest: Duration,
) -> u32 {
    let killed = (0..times).map(|_| u32::from(kill_once(site, command, more, &mut longest))).sum();
    site.run(command, more).ok();
    killed
}

fn measure(site: &Site, command: &str, more: &[&str]) -> Duration {
    let begun = Instant::now();
    site.run(command, more).ok();
    begun.elapsed()
}

#[test]
#[ignore = "needs mariadbd"]
fn a_release_that_is_killed_again_and_again_ends_like_one_that_is_not() {
    // The same release without kills tells how it should end, and how long each command takes.
    let calm = Site::small("kill_calm");
    calm.plan(plans::additive());
    let isolate = measure(&calm, "isolate", &[]);
    let expand = measure(&calm, "expand", &[]);
    let contract = measure(&calm, "contract", &[]);
    println!("without kills: isolate {isolate:.0?}, expand {expand:.0?}, contract {contract:.0?}");
    let site = Site::small("kill_much");
    site.plan(plans::additive());
    let url = site.url(&site.name, "base", &site.name);
    let client = Client::start(vec![url], |number| {
        vec![
            format!("UPDATE tabWorkspace SET idx = {number} WHERE name = 'Home'"),
            format!("UPDATE tabSingles SET value = '{number}' WHERE doctype = 'Settings' AND field = 'logo'"),
        ]
    });
    let mut killed = kill_and_finish(&site, "isolate", &[], 30, isolate);
    let seen = client.end();
    assert!(seen.errors.is_empty(), "{:?}", seen.errors);
    let row =
        "SELECT idx FROM tabWorkspace WHERE name = 'Home'; SELECT value FROM tabSingles WHERE field = 'logo'";
    assert_eq!(site.blue(row), site.base(row), "the copies must follow through every kill");
    killed += kill_and_finish(&site, "expand", &[], 20, expand);
    site.run("verify", &[]).ok();
    site.blue("UPDATE tabSingles SET value = 'last' WHERE doctype = 'Settings' AND field = 'logo'");
    killed += kill_and_finish(&site, "contract", &[], 10, contract);
    println!("{killed} kills");
    assert!(killed >= 20, "only {killed} commands were killed before they ended");
    let traces = |site: &Site| {
        site.traces().replace(&site.name.replace('_', "\\\\_"), "SITE").replace(&site.name, "SITE")
    };
    assert_eq!(traces(&site), traces(&calm));
    assert_eq!(site.base("SELECT value FROM tabSingles WHERE field = 'logo'"), "last");
    for table in ["tabOrder", "tabDocType", "tabDocField", "`tabOrder Item`", "tabLine"] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        assert_eq!(site.base(&count), calm.base(&count), "{table}");
    }
}

#[test]
#[ignore = "needs mariadbd"]
fn a_rollback_that_is_killed_again_and_again_ends_like_one_that_is_not() {
    let sites = ["killrb_calm", "killrb_much"].map(|name| {
        let site = Site::small(name);
        site.plan(plans::additive());
        site.expanded();
        site.base(
            "DELETE FROM tabDocType; DELETE FROM tabWorkspace; ALTER TABLE tabDocField ADD COLUMN x int",
        );
        site
    });
    let [calm, site] = &sites;
    let tables = measure(calm, "rollback", &["--stage", "tables"]);
    let finish = measure(calm, "rollback", &["--stage", "finish"]);
    let mut killed = kill_and_finish(site, "rollback", &["--stage", "tables"], 20, tables);
    assert_eq!(site.blue("SELECT COUNT(*) FROM tabDocType"), "3");
    killed += kill_and_finish(site, "rollback", &["--stage", "finish"], 10, finish);
    println!("{killed} kills, tables {tables:.0?}, finish {finish:.0?}");
    assert!(killed >= 10, "only {killed} commands were killed before they ended");
    let traces = |site: &Site| {
        site.traces().replace(&site.name.replace('_', "\\\\_"), "SITE").replace(&site.name, "SITE")
    };
    assert_eq!(traces(site), traces(calm));
    for site in &sites {
        assert_eq!(
            site.base("SELECT * FROM tabDocField ORDER BY name"),
            "f1\tOrder\ttitle\nf2\tOrder\tamount\nf3\tOrder Item\tqty"
        );
        assert_eq!(site.base("SELECT COUNT(*) FROM tabDocType; SELECT COUNT(*) FROM tabWorkspace"), "3\n2");
    }
}
