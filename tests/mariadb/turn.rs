//! The schedulers of both colours take turns: exactly one runs, whoever is killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::redis_server::{Redis, crossfade};
use super::site::wait_for;

/// Says when it begins and ends; what it is asked to do at the end takes a while, as the last tick of a scheduler.
const SCHEDULER: &str = r#"
    trap 'sleep 0.3; echo "$1 ends" >> "$2"; exit 0' TERM
    echo "$1 begins" >> "$2"
    while :; do sleep 0.05; done"#;

/// One Pod of a colour.
struct Pod(Child);

impl Pod {
    fn start(redis: &Redis, release: &str, name: &str, log: &Path) -> Self {
        let url = redis.url(0);
        let child = Command::new(env!("CARGO_BIN_EXE_crossfade"))
            .args(["schedule", "--redis-queue", &url, "--release", release, "--holder", name, "--"])
            .args(["sh", "-c", SCHEDULER, "sh", name])
            .arg(log)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Told to end; gives its exit code and what it printed.
    fn stop(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let printed = std::io::read_to_string(self.0.stdout.take().unwrap()).unwrap();
        (self.0.wait().unwrap().code(), printed)
    }

    /// The process of the scheduler that it runs; empty if none.
    fn scheduler(&self) -> String {
        let id = self.0.id();
        std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap().trim().to_owned()
    }
}

/// Of a test that failed: it ends its scheduler by itself, also where it was stalled.
impl Drop for Pod {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal("-TERM");
            self.signal("-CONT");
            let _ = self.0.wait();
        }
    }
}

fn lines(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs redis-server"]
fn a_scheduler_begins_when_the_other_one_has_ended_and_not_before() {
    let (redis, directory) = (Redis::start(), tempfile::tempdir().unwrap());
    let log = directory.path().join("log");
    let blue = Pod::start(&redis, "shop/erp", "blue", &log);
    wait_for("blue's scheduler", || lines(&log) == ["blue begins"]);
    let green = Pod::start(&redis, "shop/erp", "green", &log);
    // Another release on the same Redis waits for nobody.
    let elsewhere = directory.path().join("elsewhere");
    let other = Pod::start(&redis, "other/erp", "other", &elsewhere);
    wait_for("the other release's scheduler", || lines(&elsewhere) == ["other begins"]);
    assert_eq!(redis.ask(0, &["GET", "rq:crossfade:scheduler:shop/erp"]), "blue");
    let (code, printed) = blue.stop();
    assert_eq!(code, Some(0), "{printed}");
    wait_for("green's scheduler", || lines(&log).len() == 3);
    assert_eq!(lines(&log), ["blue begins", "blue ends", "green begins"]);
    let (code, printed) = green.stop();
    assert!(code == Some(0) && printed.contains("waiting for the turn: blue has the turn"), "{printed}");
    assert!(!printed.contains("s3cret"), "{printed}");
    assert_eq!(other.stop().0, Some(0));
    assert!(redis.keys(0).is_empty(), "{:?}", redis.keys(0));
}

#[test]
#[ignore = "needs redis-server"]
fn the_turn_of_one_that_is_killed_passes_on_and_one_that_was_away_does_not_go_on() {
    let (redis, directory) = (Redis::start(), tempfile::tempdir().unwrap());
    let log = directory.path().join("log");
    let mut killed = Pod::start(&redis, "shop/erp", "killed", &log);
    wait_for("the first scheduler", || lines(&log) == ["killed begins"]);
    let orphan = killed.scheduler();
    let stalled = Pod::start(&redis, "shop/erp", "stalled", &log);
    killed.signal("-KILL");
    killed.0.wait().unwrap();
    // The end of a container takes all its processes along.
    assert!(Command::new("kill").args(["-KILL", &orphan]).status().unwrap().success());
    wait_for("the turn to pass on", || lines(&log).len() == 2);
    // It renews nothing now, and its scheduler goes on: so does a node that is cut off.
    stalled.signal("-STOP");
    let third = Pod::start(&redis, "shop/erp", "third", &log);
    wait_for("the turn to pass on again", || lines(&log).len() == 3);
    let old = stalled.scheduler();
    stalled.signal("-CONT");
    wait_for("the scheduler without a turn to end", || !Path::new("/proc").join(&old).exists());
    assert_eq!(lines(&log), ["killed begins", "stalled begins", "third begins"]);
    assert_eq!(third.stop().0, Some(0));
    wait_for("the turn to come back", || lines(&log).len() == 5);
    assert_eq!(lines(&log)[3..], ["third ends", "stalled begins"]);
    assert_eq!(stalled.stop().0, Some(0));
}

#[test]
#[ignore = "needs redis-server"]
fn without_redis_nobody_schedules_and_then_one_does() {
    let (mut redis, directory) = (Redis::start(), tempfile::tempdir().unwrap());
    let log = directory.path().join("log");
    let first = Pod::start(&redis, "shop/erp", "first", &log);
    wait_for("the first scheduler", || lines(&log) == ["first begins"]);
    let second = Pod::start(&redis, "shop/erp", "second", &log);
    redis.kill_for(|| {
        wait_for("the first scheduler to be ended", || first.scheduler().is_empty());
        assert!(second.scheduler().is_empty());
    });
    wait_for("one of both to begin", || lines(&log).len() == 2);
    assert_eq!(
        [&first, &second].map(|pod| !pod.scheduler().is_empty()).iter().filter(|runs| **runs).count(),
        1
    );
    assert_eq!((first.stop().0, second.stop().0), (Some(0), Some(0)));
}

#[test]
#[ignore = "needs redis-server"]
fn a_scheduler_that_fails_is_an_error_that_names_it() {
    let redis = Redis::start();
    let url = redis.url(0);
    let schedule = ["schedule", "--redis-queue", &url, "--release", "shop/erp", "--holder", "one", "--"];
    let (code, text) = crossfade(&[&schedule[..], &["sh", "-c", "exit 7"]].concat());
    assert!(code == 1 && text.contains("sh -c exit 7 ended by itself: exit status: 7"), "{text}");
    let (code, text) = crossfade(&[&schedule[..], &["no-such-bench"]].concat());
    assert!(code == 1 && text.contains("failed to start no-such-bench"), "{text}");
    assert!(redis.keys(0).is_empty(), "a turn that nobody uses: {:?}", redis.keys(0));
}
