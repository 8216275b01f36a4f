//! Queues and keys, against a redis-server of the test's own.

use redis::Commands;

use super::holder::Holder;
use super::plans;
use super::redis_server::{Redis, crossfade};
use super::site::{Site, wait_for};
use super::started::Started;

/// `{}` as Frappe keeps it, by Python's pickle.
const NO_SETTINGS: &[u8] = b"\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00\x8c\x02{}\x94.";

#[test]
#[ignore = "needs redis-server"]
fn a_drain_waits_for_queued_and_running_jobs_of_its_own_bench() {
    let redis = Redis::start();
    redis.ask(0, &["RPUSH", "rq:queue:blue:short", "job1"]);
    redis.ask(0, &["ZADD", "rq:wip:blue:long", "99999999999", "job2"]);
    redis.ask(0, &["ZADD", "rq:wip:blue:default", "1000", "lost-long-ago"]);
    redis.ask(0, &["RPUSH", "rq:queue:green:short", "not-ours"]);
    let url = redis.url(0);
    let drain = ["drain", "--redis-queue", &url, "--bench-id", "blue"];
    let (code, text) = crossfade(&[&drain[..], &["--wait", "1"]].concat());
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("2 jobs are left after 1 s: short: 1 queued")
            && text.contains("long: 0 queued, 1 running"),
        "{text}"
    );
    assert!(!text.contains("s3cret"), "{text}");
    let drained = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| crossfade(&drain));
        redis.ask(0, &["LPOP", "rq:queue:blue:short"]);
        redis.ask(0, &["ZREM", "rq:wip:blue:long", "job2"]);
        waiting.join().unwrap()
    });
    assert_eq!(drained.0, 0, "{}", drained.1);
    assert_eq!(redis.ask(0, &["LLEN", "rq:queue:green:short"]), "1");
}

#[test]
#[ignore = "needs redis-server"]
fn clearing_a_prefix_takes_nothing_else_and_no_waiting_rows() {
    let redis = Redis::start();
    for key in ["site|a", "site|b", "site2|a", "xsite|a", "s*te|a", "assets_json"] {
        redis.ask(1, &["SET", key, "1"]);
    }
    redis.ask(1, &["RPUSH", "site|insert_queue_for_Access Log", "row"]);
    redis.ask(0, &["SET", "site|a", "other logical database"]);
    let (code, text) = crossfade(&["cache-clear", "--redis-cache", &redis.url(1), "--prefix", "site"]);
    assert_eq!((code, text.contains("2 keys of site deleted")), (0, true), "{text}");
    assert_eq!(
        redis.keys(1),
        ["assets_json", "s*te|a", "site2|a", "site|insert_queue_for_Access Log", "xsite|a"]
    );
    let (code, _) = crossfade(&["cache-clear", "--redis-cache", &redis.url(1), "--prefix", "s*te"]);
    assert_eq!(code, 0);
    assert_eq!(redis.keys(1), ["assets_json", "site2|a", "site|insert_queue_for_Access Log", "xsite|a"]);
    assert_eq!(redis.keys(0), ["site|a"]);
}

#[test]
#[ignore = "needs mariadbd and redis-server"]
fn a_contract_clears_blues_redis_and_hands_its_waiting_rows_to_green() {
    let redis = Redis::start();
    let site = Site::small("redis_contract");
    site.plan(plans::additive());
    site.expanded();
    for key in ["redis_contract__r1|doctype_meta", "redis_contract|doctype_meta", "other|key"] {
        redis.ask(1, &["SET", key, "1"]);
    }
    redis.ask(2, &["SET", "redis_contract|doctype_meta", "green's"]);
    redis.ask(1, &["RPUSH", "redis_contract__r1|insert_queue_for_Access Log", "1", "2", "3"]);
    redis.ask(1, &["RPUSH", "redis_contract|insert_queue_for_Access Log", "from before the hand-over"]);
    redis.ask(2, &["RPUSH", "redis_contract|insert_queue_for_Access Log", "0"]);
    // Users' settings that are not in the table yet: green knows newer ones, has found none, has not looked.
    let settings = "redis_contract|_user_settings";
    redis.ask(1, &["HSET", "redis_contract__r1|_user_settings", "a", "blue's", "b", "blue's", "c", "blue's"]);
    redis.ask(2, &["HSET", settings, "a", "green's"]);
    let _: i64 = redis.connect(2).hset(settings, "b", NO_SETTINGS).unwrap();
    site.run("contract", &["--redis-cache", &redis.url(1), "--live-redis-cache", &redis.url(2)]).ok();
    assert_eq!(redis.keys(1), ["other|key"], "what waited before the hand-over would be run by nobody");
    let left = ["redis_contract|_user_settings", "redis_contract|doctype_meta"];
    assert_eq!(redis.keys(2), [&left[..], &["redis_contract|insert_queue_for_Access Log"]].concat());
    assert_eq!(
        ["a", "b", "c"].map(|user| redis.ask(2, &["HGET", settings, user])),
        ["green's", "blue's", "blue's"]
    );
    assert_eq!(
        redis.ask(2, &["LRANGE", "redis_contract|insert_queue_for_Access Log", "0", "-1"]),
        "0\n1\n2\n3\nfrom before the hand-over"
    );
}

#[test]
#[ignore = "needs mariadbd and redis-server"]
fn a_rollback_clears_the_bases_keys_first_and_blues_at_the_end() {
    let redis = Redis::start();
    let site = Site::small("redis_rollback");
    site.plan(plans::additive());
    site.expanded();
    for database in [1, 2] {
        redis.ask(database, &["SET", "redis_rollback|doctype_meta", "green's or stale"]);
        redis.ask(database, &["SET", "redis_rollback__r1|doctype_meta", "blue's"]);
    }
    // Settings of users: from before the hand-over, then of both colours.
    for (database, key, user, value) in [
        (2, "redis_rollback|_user_settings", "a", "old"),
        (2, "redis_rollback|_user_settings", "b", "old"),
        (2, "redis_rollback|_user_settings", "c", "old"),
        (2, "redis_rollback__r1|_user_settings", "a", "of blue"),
        (1, "redis_rollback|_user_settings", "b", "of green"),
    ] {
        redis.ask(database, &["HSET", key, &format!("Order::{user}"), value]);
    }
    // One that green only looked for: the table did not have it yet.
    redis.ask(2, &["HSET", "redis_rollback__r1|_user_settings", "Order::d", "of blue"]);
    let _: i64 = redis.connect(1).hset("redis_rollback|_user_settings", "Order::d", NO_SETTINGS).unwrap();
    // Blue's is the one that is named first: here the one with the higher number.
    redis.ask(1, &["RPUSH", "redis_rollback|insert_queue_for_Access Log", "green's"]);
    let urls = [redis.url(2), redis.url(1)];
    let both = ["--redis-cache", &urls[0], "--redis-cache", &urls[1]];
    site.run("rollback", &[&["--stage", "tables"][..], &both].concat()).ok();
    assert_eq!(redis.ask(2, &["LPOP", "redis_rollback|insert_queue_for_Access Log"]), "green's");
    let settings = || {
        ["a", "b", "c", "d"]
            .map(|user| redis.ask(2, &["HGET", "redis_rollback|_user_settings", &format!("Order::{user}")]))
    };
    assert_eq!(settings(), ["of blue", "of green", "old", "of blue"]);
    let of_blue = ["redis_rollback__r1|_user_settings", "redis_rollback__r1|doctype_meta"];
    assert_eq!(redis.keys(2), [&of_blue[..], &["redis_rollback|_user_settings"]].concat());
    assert_eq!(redis.keys(1), of_blue[1..]);
    // A Pod that is back already caches what one that is not takes away under its own prefix alone.
    redis.ask(2, &["HSET", "redis_rollback|roles", "a", "System Manager"]);
    redis.ask(2, &["RPUSH", "redis_rollback|insert_queue_for_Access Log", "blue's again"]);
    redis.ask(2, &["HDEL", "redis_rollback__r1|roles", "a"]);
    redis.ask(1, &["SET", "redis_rollback|not blue's", "1"]);
    site.run("rollback", &[&["--stage", "finish"][..], &both].concat()).ok();
    assert_eq!(settings(), ["of blue", "of green", "old", "of blue"]);
    assert_eq!(redis.keys(1), ["redis_rollback|not blue's"]);
    let alone = ["redis_rollback|_user_settings", "redis_rollback|insert_queue_for_Access Log"];
    assert_eq!(redis.keys(2), alone);
}

#[test]
#[ignore = "needs mariadbd and redis-server"]
fn what_was_cached_while_blue_moved_is_forgotten_when_all_of_it_has() {
    let redis = Redis::start();
    let site = Site::small("redis_moved");
    // A Pod that has moved caches a role; one that has not takes it away, and deletes under its own prefix.
    for (key, user) in [("redis_moved__r1|roles", "a"), ("redis_moved|roles", "b")] {
        redis.ask(1, &["HSET", key, user, "System Manager"]);
    }
    redis.ask(1, &["HDEL", "redis_moved|roles", "a"]);
    redis.ask(1, &["RPUSH", "redis_moved__r1|insert_queue_for_Access Log", "row"]);
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), serde_json::json!({"redis_cache": redis.url(1)}).to_string()).unwrap();
    let file = config.path().to_str().unwrap();
    let late = Holder::new(site.server, ["redis_moved", "base", "redis_moved"], "DO SLEEP(600)");
    let own = ["--schema", "redis_moved__r1", "--common-config", file, "--quiet-seconds"];
    let early = site.run("handover", &[&own[..], &["0", "--wait", "0"]].concat());
    assert_eq!((early.code, redis.keys(1).len()), (1, 3), "{}", early.output);
    let handover = Started::new(&site, "handover", &[&own[..], &["1"]].concat());
    wait_for("the Pod to be seen", || handover.said("still connected as redis_moved"));
    late.leave();
    let done = handover.end().ok();
    assert!(done.contains("1 keys of redis_moved__r1 deleted"), "{done}");
    assert_eq!(redis.keys(1), ["redis_moved__r1|insert_queue_for_Access Log", "redis_moved|roles"]);
    let nowhere = site.run("handover", &["--quiet-seconds", "0", "--schema", "redis_moved__r1"]);
    assert!(nowhere.output.contains("give --redis-cache or --common-config"), "{}", nowhere.output);
}
