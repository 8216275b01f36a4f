//! Frappe's keys in Redis: `<db_name>|<name>`. Most can be made again from the database at any time; a few cannot.

/// What follows the prefix of Frappe's deferred inserts: lists of rows that are not in the database yet. They are
/// never deleted: whoever works under the prefix they are moved to writes them.
pub(super) const DEFERRED: &[u8] = b"insert_queue_for_";

/// Documents that wait to be entered in the search index: a list like the deferred inserts.
pub(super) const SEARCH_QUEUE: &[u8] = b"global_search_queue";

/// List settings of users, which a job writes to `__UserSettings` once an hour.
pub(super) const USER_SETTINGS: &[u8] = b"_user_settings";

/// Last word of every deletion of ours: no relay, this one or another, carries it on.
pub(super) const MARK: &[u8] = b"__crossfade_relay";

/// Names that begin like this live in Redis alone. The first are Frappe's own `persistent_cache_keys` (hooks.py of
/// 14 to 16), the others what Frappe counts, hands over to a job or gives out once: to delete them loses something.
const NOT_FROM_THE_DATABASE: [&[u8]; 12] = [
    b"changelog-",
    DEFERRED,
    b"recorder-",
    SEARCH_QUEUE,
    b"monitor-transactions",
    USER_SETTINGS,
    b"_link_count",
    b"rate-limit-counter-",
    b"rl:",
    b"login_failed_",
    b"login_token:",
    b"one_time_login_key:",
];

/// Whether what has this name (without the prefix) could not be made again.
pub(super) fn lives_in_redis_alone(name: &[u8]) -> bool {
    NOT_FROM_THE_DATABASE.iter().any(|beginning| name.starts_with(beginning))
}

/// A text as literal part of a pattern of SCAN and KEYS.
pub(super) fn escape(text: &[u8]) -> Vec<u8> {
    let special = |byte: u8| b"*?[]\\^".contains(&byte);
    text.iter().flat_map(|byte| if special(*byte) { vec![b'\\', *byte] } else { vec![*byte] }).collect()
}

/// The prefix of all keys of a database.
pub(super) fn prefix(database: &str) -> Vec<u8> {
    format!("{database}|").into_bytes()
}
