//! The cache relay between two colours, against a redis-server of the test's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::Commands;

use super::plans;
use super::redis_server::{Redis, crossfade};
use super::server::free_port;
use super::site::{Site, wait_for};

/// Blue's logical database and prefix, then green's.
const BLUE: (u8, &str) = (1, "site__r2|");
const GREEN: (u8, &str) = (0, "site|");

/// `crossfade relay`, ended with the test.
struct Relay {
    child: Child,
    port: u16,
}

impl Relay {
    fn start(redis: &Redis) -> Self {
        Self::start_by(&redis.url(BLUE.0), &redis.url(GREEN.0), None)
    }

    fn start_by(blue: &str, green: &str, certificate: Option<&std::path::Path>) -> Self {
        let port = free_port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossfade"));
        command.args(["relay", "--site", "site=site__r2", "--site", "other=other__r2"]);
        command.args(["--blue-redis-cache", blue, "--green-redis-cache", green]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        if let Some(certificate) = certificate {
            command.env("SSL_CERT_FILE", certificate);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let relay = Self { child, port };
        wait_for("the relay", || relay.is_ready());
        relay
    }

    fn get(&self, path: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return String::new() };
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        if stream.write_all(request.as_bytes()).is_err() || stream.read_to_end(&mut answer).is_err() {
            return String::new();
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn is_ready(&self) -> bool {
        self.get("/readyz").starts_with("HTTP/1.1 200")
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics");
        let line = text.lines().find(|line| line.starts_with(name)).expect(name);
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a key or field is gone; gives how long that took.
#[track_caller]
fn gone(connection: &mut redis::Connection, key: &[u8], field: Option<&[u8]>) -> Duration {
    let begun = Instant::now();
    loop {
        let there: bool = match field {
            Some(field) => connection.hexists(key, field).unwrap(),
            None => connection.exists(key).unwrap(),
        };
        if !there {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{} stays", String::from_utf8_lossy(key));
    }
}

#[test]
#[ignore = "needs redis-server"]
fn what_one_colour_deletes_the_other_forgets_and_nothing_else() {
    let redis = Redis::start();
    let _relay = Relay::start(&redis);
    for ((here, there), (other, theirs)) in [(BLUE, GREEN), (GREEN, BLUE)] {
        let (mut from, mut to) = (redis.connect(here), redis.connect(other));
        let at = |name: &str| format!("{theirs}{name}");
        for name in
            ["time_zone", "document_cache::User::a@b", "document_cache::User::c", "user:a@b:lang", "rl:x"]
        {
            let _: () = to.set(at(name), "1").unwrap();
        }
        let _: () = to.rpush(at("insert_queue_for_Access Log"), "row").unwrap();
        for hash in ["roles", "defaults", "session", "doctype_meta"] {
            let _: () = to.hset_multiple(at(hash), &[("a@b", "1"), ("sid", "1"), ("kept", "1")]).unwrap();
        }
        let _: () = to.set("elsewhere|time_zone", "1").unwrap();
        // A value, a field, a logout, a login's token, and documents that this colour has never cached.
        let _: () = from.del(format!("{there}time_zone")).unwrap();
        gone(&mut to, at("time_zone").as_bytes(), None);
        let _: () = from.hdel(format!("{there}roles"), "a@b").unwrap();
        gone(&mut to, at("roles").as_bytes(), Some(b"a@b"));
        let _: () = from.hdel(format!("{there}session"), "sid").unwrap();
        gone(&mut to, at("session").as_bytes(), Some(b"sid"));
        let _: () = from.hset(format!("{there}session"), "a@b", "token").unwrap();
        gone(&mut to, at("session").as_bytes(), Some(b"a@b"));
        let found: Vec<String> = from.keys(format!("{there}document_cache::User::*")).unwrap();
        assert!(found.is_empty());
        gone(&mut to, at("document_cache::User::a@b").as_bytes(), None);
        gone(&mut to, at("document_cache::User::c").as_bytes(), None);
        let _: () = from.del(format!("{there}insert_queue_for_Access Log")).unwrap();
        let _: () = from.del(&[format!("{there}rl:x"), format!("{there}user:a@b:lang")]).unwrap();
        gone(&mut to, at("user:a@b:lang").as_bytes(), None);
        for (key, kept) in
            [("roles", "kept"), ("session", "kept"), ("doctype_meta", "a@b"), ("defaults", "a@b")]
        {
            assert!(to.hexists::<_, _, bool>(at(key), kept).unwrap(), "{key}");
        }
        let kept: Vec<bool> =
            [at("rl:x"), at("insert_queue_for_Access Log"), "elsewhere|time_zone".to_owned()]
                .iter()
                .map(|key| to.exists(key).unwrap())
                .collect();
        assert_eq!(kept, [true, true, true]);
        // frappe.clear_cache(), then what a human does.
        let _: Vec<String> = from.keys(format!("{there}*")).unwrap();
        gone(&mut to, at("doctype_meta").as_bytes(), None);
        let _: () = to.set(at("lang"), "1").unwrap();
        redis.ask(here, &["FLUSHDB"]);
        gone(&mut to, at("lang").as_bytes(), None);
        assert_eq!(redis.keys(other).len(), 3, "{:?}", redis.keys(other));
        // What is flushed here is cleared there: the next round begins when that is over.
        let _: () = from.set(format!("{there}lang"), "1").unwrap();
        redis.ask(other, &["FLUSHDB"]);
        gone(&mut from, format!("{there}lang").as_bytes(), None);
    }
}

#[test]
#[ignore = "needs redis-server"]
fn before_the_hand_over_and_after_a_rollback_blue_is_told_under_the_tables_own_prefix() {
    let redis = Redis::start();
    let _relay = Relay::start(&redis);
    let (mut blue, mut green) = (redis.connect(BLUE.0), redis.connect(GREEN.0));
    let _: () = blue.hset("site|roles", "a@b", "1").unwrap();
    let _: () = green.hdel("site|roles", "a@b").unwrap();
    gone(&mut blue, b"site|roles", Some(b"a@b"));
    // Part of blue has its new configuration already.
    let _: () = blue.hset("site|roles", "a@b", "1").unwrap();
    let _: () = blue.hdel("site__r2|roles", "a@b").unwrap();
    gone(&mut blue, b"site|roles", Some(b"a@b"));
}

#[test]
#[ignore = "needs mariadbd and redis-server"]
fn a_prefix_that_is_cleared_at_the_end_of_a_release_is_not_cleared_in_the_cache_that_goes_on() {
    let redis = Redis::start();
    let site = Site::small("site").next();
    site.plan(plans::neutral());
    site.expanded();
    let _relay = Relay::start(&redis);
    let (mut blue, mut green) = (redis.connect(BLUE.0), redis.connect(GREEN.0));
    let mut clear = |clear: &dyn Fn()| {
        for key in ["site__r2|doctype_meta", "site|doctype_meta"] {
            let _: () = blue.set(key, "of blue").unwrap();
        }
        let _: () = green.mset(&[("site|doctype_meta", "of green"), ("site|last", "1")]).unwrap();
        clear();
        assert!(!blue.exists::<_, bool>("site__r2|doctype_meta").unwrap());
        // What was said before it has been carried on when this has.
        let _: () = blue.del("site__r2|last").unwrap();
        gone(&mut green, b"site|last", None);
        assert!(green.exists::<_, bool>("site|doctype_meta").unwrap());
    };
    let (blue_url, green_url) = (redis.url(BLUE.0), redis.url(GREEN.0));
    clear(&|| {
        let (code, text) = crossfade(&["cache-clear", "--redis-cache", &blue_url, "--prefix", "site__r2"]);
        assert_eq!(code, 0, "{text}");
    });
    clear(&|| {
        let caches = ["--redis-cache", &blue_url, "--live-redis-cache", &green_url];
        site.run("contract", &caches).ok();
    });
    assert_eq!(redis.keys(BLUE.0), [""; 0]);
}

#[test]
#[ignore = "needs redis-server"]
fn keys_and_fields_of_any_bytes_are_decoded_exactly() {
    let redis = Redis::start();
    let _relay = Relay::start(&redis);
    let (mut blue, mut green) = (redis.connect(BLUE.0), redis.connect(GREEN.0));
    let hostile: [&[u8]; 8] = [
        b"quote\" \" \"DEL\" \"site|other",
        b"back\\slash\\",
        b"line\r\nbreak",
        b"\x00\x01\x07\x08\x1b\x7f\x80\xff",
        "ünï\u{2028}côde".as_bytes(),
        b"] \"1700000000.0 [0 x] \"FLUSHALL\"",
        b"pattern*?[a-z]\\",
        b"",
    ];
    for name in hostile {
        let key = [GREEN.1.as_bytes(), name].concat();
        let _: () = green.set(&key, "1").unwrap();
        let _: () = green.hset("site|hash", name, "1").unwrap();
    }
    // Near misses: what a wrong decoding would hit.
    let near: [&[u8]; 4] = [b"site|other", b"site|back\\slash", b"site|line", b"site|pattern-other"];
    for key in near {
        let _: () = green.set(key, "1").unwrap();
    }
    for name in hostile {
        let _: () = blue.del([BLUE.1.as_bytes(), name].concat()).unwrap();
        gone(&mut green, &[GREEN.1.as_bytes(), name].concat(), None);
        let _: () = blue.hdel("site__r2|hash", name).unwrap();
        gone(&mut green, b"site|hash", Some(name));
    }
    assert_eq!(redis.keys(GREEN.0).len(), near.len(), "{:?}", redis.keys(GREEN.0));
}

#[test]
#[ignore = "needs redis-server"]
fn the_operator_is_told_of_the_lag_and_of_each_queue_of_both_colours() {
    let redis = Redis::start();
    let folder = tempfile::tempdir().unwrap();
    let config = |colour: &str, cache: u8| {
        let path = folder.path().join(colour);
        let text = serde_json::json!({"redis_cache": redis.url(cache), "redis_queue": redis.url(3), "bench_id": colour});
        std::fs::write(&path, text.to_string()).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let mut queue = redis.connect(3);
    let _: () = queue.rpush("rq:queue:blue:short", &["a", "b"]).unwrap();
    let _: () = queue.zadd("rq:scheduled:blue:own", "c", 1).unwrap();
    let _: () = queue.rpush("rq:queue:green:short", "d").unwrap();
    let _: () = queue.rpush("rq:queue:other:short", "e").unwrap();
    let port = free_port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_crossfade"))
        .args(["relay", "--output", "json", "--site", "site=site__r2"])
        .args(["--blue-common-config", &config("blue", BLUE.0), "--blue-queues", "short,own"])
        .args(["--green-common-config", &config("green", GREEN.0), "--green-queues", "short"])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.map_while(Result::ok).find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        let relay = line["relay"].clone();
        relay["blue"]["lagMilliseconds"].as_u64().map(|_| relay)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let told = told.unwrap();
    let queue = |queued, scheduled| serde_json::json!({"queued": queued, "running": 0, "scheduled": scheduled, "deferred": 0});
    assert_eq!(
        told["blue"]["queues"],
        serde_json::json!({"short": queue(2, 0), "own": queue(0, 1)}),
        "{told}"
    );
    assert_eq!(told["green"]["queues"], serde_json::json!({"short": queue(1, 0)}), "{told}");
    assert!(told["green"]["lagMilliseconds"].as_u64().unwrap() < 1000, "{told}");
}

#[test]
#[ignore = "needs redis-server"]
fn two_relays_at_once_do_not_answer_each_other() {
    let redis = Redis::start();
    let relays = [Relay::start(&redis), Relay::start(&redis)];
    let (mut blue, mut green) = (redis.connect(BLUE.0), redis.connect(GREEN.0));
    let said = || {
        let stats = redis.ask(0, &["INFO", "commandstats"]);
        let line = stats.lines().find(|line| line.starts_with("cmdstat_hdel:calls="));
        line.map_or(0, |line| {
            line["cmdstat_hdel:calls=".len()..].split(',').next().unwrap().parse::<u64>().unwrap()
        })
    };
    let _: () = green.hset("site|roles", "last", "1").unwrap();
    for number in 0..500 {
        let _: () = blue.hdel("site__r2|roles", number).unwrap();
        let _: () = green.hdel("site|roles", number).unwrap();
    }
    let _: () = blue.hdel("site__r2|roles", "last").unwrap();
    gone(&mut green, b"site|roles", Some(b"last"));
    // A loop would go on for ever: the count stands still when the last one has been said.
    let mut count = said();
    let mut still = Instant::now();
    wait_for("silence", || {
        let now = said();
        if now != count {
            (count, still) = (now, Instant::now());
        }
        still.elapsed() > Duration::from_millis(700)
    });
    // Each of the 1,001 is said by each relay in two other places at most.
    assert!(count <= 1001 * 5, "{count} HDEL");
    assert!(relays.iter().all(Relay::is_ready));
}

#[test]
#[ignore = "needs redis-server"]
fn a_redis_that_is_killed_is_found_again_and_both_prefixes_are_cleared() {
    let (mut for_blue, for_green) = (Redis::start(), Redis::start());
    let relay = Relay::start_by(&for_blue.url(1), &for_green.url(0), None);
    let mut green = for_green.connect(0);
    for key in ["site|roles", "site|time_zone", "other|lang", "stranger|lang", "site|rl:x"] {
        let _: () = green.set(key, "1").unwrap();
    }
    let _: () = green.rpush("site|insert_queue_for_Access Log", "row").unwrap();
    for_blue.kill_and_start();
    for key in ["site|roles", "site|time_zone", "other|lang"] {
        gone(&mut green, key.as_bytes(), None);
    }
    wait_for("the relay", || relay.is_ready());
    assert_eq!(for_green.keys(0), ["site|insert_queue_for_Access Log", "site|rl:x", "stranger|lang"]);
    assert!(relay.metric("crossfade_relay_connections_lost_total") >= 1.0);
    let _: () = green.hset("site|roles", "a@b", "1").unwrap();
    let _: () = for_blue.connect(1).hdel("site__r2|roles", "a@b").unwrap();
    gone(&mut green, b"site|roles", Some(b"a@b"));
}

#[test]
#[ignore = "needs redis-server"]
fn roles_defaults_and_documents_are_coherent_within_100_ms_under_load() {
    let redis = Redis::start();
    let relay = Relay::start(&redis);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut lags = Vec::new();
    std::thread::scope(|scope| {
        // What benches do all the time: reads, large values, deletes, searches; both colours.
        for (database, prefix) in [BLUE, GREEN, BLUE, GREEN] {
            let (mut connection, stop) = (redis.connect(database), &stop);
            scope.spawn(move || {
                let large = vec![0x80_u8; 60_000];
                let mut number = 0_u64;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    number += 1;
                    let _: Option<Vec<u8>> =
                        connection.get(format!("{prefix}bootinfo{}", number % 50)).unwrap();
                    let _: () = connection
                        .hset(format!("{prefix}doctype_meta"), number % 300, &large[..2_000])
                        .unwrap();
                    let _: () =
                        connection.hdel(format!("{prefix}defaults"), format!("user{number}")).unwrap();
                    if number.is_multiple_of(20) {
                        let _: () =
                            connection.set(format!("{prefix}bootinfo{}", number % 50), &large).unwrap();
                        let _: Vec<String> =
                            connection.keys(format!("{prefix}document_cache::ToDo::{number}*")).unwrap();
                    }
                    // A bench thinks between its commands; without a pause Redis itself is what is measured.
                    std::thread::sleep(Duration::from_micros(500));
                }
            });
        }
        for round in 0..150 {
            let ((here, there), (other, theirs)) = if round % 2 == 0 { (BLUE, GREEN) } else { (GREEN, BLUE) };
            let (mut from, mut to) = (redis.connect(here), redis.connect(other));
            let (user, at) = ("someone@example.com", |name: &str| format!("{theirs}{name}"));
            let _: () = to.hset(at("roles"), user, "old").unwrap();
            let _: () = to.hset(at("defaults"), user, "old").unwrap();
            let _: () = to.set(at("document_cache::User::someone"), "old").unwrap();
            let begun = Instant::now();
            let _: () = from.hdel(format!("{there}roles"), user).unwrap();
            let _: () = from.hdel(format!("{there}defaults"), user).unwrap();
            let _: Vec<String> = from.keys(format!("{there}document_cache::User::*")).unwrap();
            gone(&mut to, at("roles").as_bytes(), Some(user.as_bytes()));
            gone(&mut to, at("defaults").as_bytes(), Some(user.as_bytes()));
            gone(&mut to, at("document_cache::User::someone").as_bytes(), None);
            lags.push(begun.elapsed());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    lags.sort();
    let (half, most) = (lags[lags.len() / 2], lags[lags.len() - 1]);
    let lines = relay.metric("crossfade_relay_lines_total");
    println!(
        "{lines} commands; three invalidations arrived after {half:.1?} (half of them), {most:.1?} (all)"
    );
    let late = lags.iter().filter(|lag| **lag > Duration::from_millis(100)).count();
    // On a machine that does other things as well a thread may wait longer for its turn than the relay takes.
    assert!(half < Duration::from_millis(100) && late < lags.len() / 4, "{late} of {}: {lags:?}", lags.len());
    assert!(relay.metric("crossfade_relay_lag_seconds{from=\"blue\"}") < 1.0);
}

#[test]
#[ignore = "needs redis-server"]
fn a_flood_of_deletes_is_carried_over_and_ends() {
    let redis = Redis::start();
    let relay = Relay::start(&redis);
    let (mut blue, mut green) = (redis.connect(BLUE.0), redis.connect(GREEN.0));
    let _: () = green.set("site|first", "1").unwrap();
    let _: () = green.set("site|last", "1").unwrap();
    let begun = Instant::now();
    let mut pipe = redis::pipe();
    pipe.del("site__r2|first").ignore();
    for number in 0..60_000 {
        pipe.del(format!("site__r2|key{number}")).ignore();
    }
    pipe.del("site__r2|last").ignore();
    let _: () = pipe.query(&mut blue).unwrap();
    let sent = begun.elapsed();
    gone(&mut green, b"site|last", None);
    println!("60,000 deletes sent in {sent:.1?}, the last one was there after {:.1?}", begun.elapsed());
    assert!(!green.exists::<_, bool>("site|first").unwrap());
    // A flood may cost the relay its connection: then it has cleared everything and goes on.
    wait_for("the relay to be ready", || relay.is_ready());
}

#[test]
#[ignore = "needs redis-server and openssl"]
fn it_runs_over_tls_by_an_acl_user_with_few_rights() {
    let redis = Redis::start_with_tls();
    redis.ask(
        0,
        &[
            "ACL", "SETUSER", "few", "on", ">pw", "~*", "-@all", "+monitor", "+unlink", "+hdel", "+scan",
            "+select",
        ],
    );
    let url = |database| format!("rediss://few:pw@localhost:{}/{database}", redis.port);
    let mut relay = Relay::start_by(&url(BLUE.0), &url(GREEN.0), Some(&redis.certificate()));
    redis.ask(GREEN.0, &["HSET", "site|roles", "a", "1"]);
    redis.ask(BLUE.0, &["HDEL", "site__r2|roles", "a"]);
    wait_for("the field", || redis.ask(GREEN.0, &["HEXISTS", "site|roles", "a"]) == "0");
    // SIGTERM ends it with 0.
    let stopped = Command::new("kill").args(["-TERM", &relay.child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(relay.child.wait().unwrap().code(), Some(0));
}

#[test]
#[ignore = "needs redis-server"]
fn a_user_that_may_not_look_is_refused_with_what_to_do() {
    let redis = Redis::start();
    redis.ask(0, &["ACL", "SETUSER", "blind", "on", ">pw", "~*", "+@all", "-monitor"]);
    let url = format!("redis://blind:pw@127.0.0.1:{}/0", redis.port);
    let listen = format!("127.0.0.1:{}", free_port());
    let (code, text) = crossfade(&[
        "relay",
        "--site",
        "a=b",
        "--blue-redis-cache",
        &url,
        "--green-redis-cache",
        &url,
        "--listen",
        &listen,
    ]);
    assert_eq!((code, text.contains("may not run MONITOR")), (3, true), "{text}");
    assert!(!text.contains("pw@"), "{text}");
}
