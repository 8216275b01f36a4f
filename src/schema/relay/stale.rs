//! What a command on one colour's keys makes stale in the others' (pure).
//!
//! | Frappe says | Redis runs | stale elsewhere |
//! |---|---|---|
//! | `delete_value`, `delete_key` | `DEL key ...` | these keys |
//! | `hdel`, `hdel_names` | `HDEL hash field ...` | these fields |
//! | `delete_keys`, `hdel_keys`, `clear_cache` | `KEYS pattern`, then `DEL` of what was found | all that the pattern finds there |
//! | a session that got new data | `HSET session sid` | that field: it is read again from `tabSessions` |
//! | (by hand) | `FLUSHDB`, `FLUSHALL` | everything |
//!
//! The third row is why the pattern crosses and not the `DEL` alone: one colour deletes what it has cached itself, which is
//! nothing if it never read the document, and then no `DEL` is sent at all.

use std::collections::HashMap;

use super::super::cache_key::{self, MARK, lives_in_redis_alone};
use super::line::Line;

/// What a probe's key is called: it takes the way of an invalidation, and its time is the lag.
pub(super) const PROBE: &[u8] = b"__crossfade_probe:";

/// Where keys of one prefix are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// The server, by its position.
    pub(super) server: usize,
    /// Logical database.
    pub(super) database: i64,
    /// `<db_name>|`.
    pub(super) prefix: Vec<u8>,
}

/// What is not true any more under a prefix; names are without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stale {
    /// A key.
    Key(Vec<u8>),
    /// Fields of a hash.
    Fields(Vec<u8>, Vec<Vec<u8>>),
    /// All keys that a pattern finds.
    Pattern(Vec<u8>),
    /// All that can be made again.
    Everything,
}

/// Whose commands are looked at: the places by their position, found by where a key is.
#[derive(Debug, Default)]
pub(super) struct Watched {
    by_prefix: HashMap<Place, usize>,
}

impl Watched {
    /// All places, by their position.
    pub(super) fn new(places: &[Place]) -> Self {
        Self { by_prefix: places.iter().cloned().zip(0..).collect() }
    }

    /// What a line of a server's MONITOR makes stale, with the place where it was said.
    pub(super) fn stale(&self, server: usize, line: &Line<'_>) -> Vec<(usize, Stale)> {
        let mut words = line.words();
        let Some(mut name) = words.next() else { return Vec::new() };
        name.make_ascii_uppercase();
        let place = |key: &[u8]| self.place(server, line.database, key);
        match name.as_slice() {
            b"DEL" | b"UNLINK" | b"GETDEL" => keys(&words.collect::<Vec<_>>(), place),
            b"HDEL" => words
                .next()
                .and_then(|key| place(&key))
                .map_or_else(Vec::new, |at| fields(at, words.collect())),
            b"HSET" | b"HMSET" => {
                words.next().and_then(|key| place(&key)).map_or_else(Vec::new, |at| session(at, words))
            }
            b"KEYS" => words.next().and_then(|pattern| searched(place(&pattern)?)).into_iter().collect(),
            b"FLUSHDB" => self.all(server, Some(line.database)),
            b"FLUSHALL" => self.all(server, None),
            _ => Vec::new(),
        }
    }

    /// The place of a key and its name there.
    fn place(&self, server: usize, database: i64, key: &[u8]) -> Option<(usize, Vec<u8>)> {
        let end = key.iter().position(|byte| *byte == b'|')? + 1;
        let (prefix, name) = key.split_at(end);
        let place = Place { server, database, prefix: prefix.to_vec() };
        self.by_prefix.get(&place).map(|position| (*position, name.to_vec()))
    }

    fn all(&self, server: usize, database: Option<i64>) -> Vec<(usize, Stale)> {
        let is_hit = |place: &Place| place.server == server && database.is_none_or(|at| place.database == at);
        let hit = self.by_prefix.iter().filter(|(place, _)| is_hit(place));
        hit.map(|(_, position)| (*position, Stale::Everything)).collect()
    }
}

fn keys(keys: &[Vec<u8>], place: impl Fn(&[u8]) -> Option<(usize, Vec<u8>)>) -> Vec<(usize, Stale)> {
    if keys.last().is_some_and(|last| last.ends_with(MARK)) {
        return Vec::new();
    }
    let found = keys.iter().filter_map(|key| place(key)).filter(|(_, name)| !lives_in_redis_alone(name));
    found.map(|(position, name)| (position, Stale::Key(name))).collect()
}

fn fields((position, name): (usize, Vec<u8>), fields: Vec<Vec<u8>>) -> Vec<(usize, Stale)> {
    let is_ours = fields.last().is_some_and(|last| last == MARK);
    if is_ours || fields.is_empty() || lives_in_redis_alone(&name) {
        return Vec::new();
    }
    vec![(position, Stale::Fields(name, fields))]
}

/// Frappe writes a session to the database and to the cache of the colour that the user is on. The other one may have
/// cached it before, without the token that forms are sent with.
fn session((position, name): (usize, Vec<u8>), words: impl Iterator<Item = Vec<u8>>) -> Vec<(usize, Stale)> {
    if name != b"session" {
        return Vec::new();
    }
    let fields: Vec<Vec<u8>> = words.step_by(2).collect();
    vec![(position, Stale::Fields(name, fields))]
}

/// A search that is only for what lives in Redis alone (Frappe looks for its deferred inserts) makes nothing stale.
fn searched((position, pattern): (usize, Vec<u8>)) -> Option<(usize, Stale)> {
    match pattern.as_slice() {
        b"*" => Some((position, Stale::Everything)),
        _ if lives_in_redis_alone(&pattern) => None,
        _ => Some((position, Stale::Pattern(pattern))),
    }
}

/// The pattern that finds the same names under another prefix.
pub(super) fn pattern_at(prefix: &[u8], pattern: &[u8]) -> Vec<u8> {
    [&cache_key::escape(prefix), pattern].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Watched {
        let at = |server, database, prefix: &str| Place { server, database, prefix: prefix.into() };
        Watched::new(&[at(0, 1, "site__r2|"), at(0, 0, "site|"), at(0, 1, "site|")])
    }

    fn stale(database: i64, words: &[&str]) -> Vec<(usize, Stale)> {
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let line = format!("1.0 [{database} c:1] {}", quoted.join(" "));
        watched().stale(0, &Line::parse(line.as_bytes()).unwrap())
    }

    fn key(name: &str) -> Stale {
        Stale::Key(name.into())
    }

    #[test]
    fn deleted_keys_and_fields_are_stale_under_the_place_they_were_deleted_in() {
        assert_eq!(
            stale(1, &["del", "site__r2|roles", "other|x", "site|lang", "plain"]),
            [(0, key("roles")), (2, key("lang"))]
        );
        assert_eq!(stale(0, &["UNLINK", "site|roles"]), [(1, key("roles"))]);
        assert_eq!(stale(2, &["UNLINK", "site|roles"]), [], "a database that nobody of ours uses");
        let fields = Stale::Fields("session".into(), vec!["a".into(), "b".into()]);
        assert_eq!(stale(0, &["HDEL", "site|session", "a", "b"]), [(1, fields)]);
    }

    #[test]
    fn a_search_that_comes_before_a_delete_crosses_as_the_pattern_that_it_is() {
        let pattern = Stale::Pattern("document_cache::User::*".into());
        assert_eq!(stale(0, &["KEYS", "site|document_cache::User::*"]), [(1, pattern)]);
        assert_eq!(stale(0, &["KEYS", "site|*"]), [(1, Stale::Everything)]);
        assert_eq!(stale(0, &["KEYS", "site|insert_queue_for_*"]), []);
        assert_eq!(stale(0, &["KEYS", "*"]), []);
    }

    #[test]
    fn a_flush_is_all_places_of_its_database() {
        assert_eq!(stale(0, &["FLUSHDB"]), [(1, Stale::Everything)]);
        assert_eq!(stale(1, &["FLUSHDB", "ASYNC"]).len(), 2);
        assert_eq!(stale(5, &["FLUSHALL"]).len(), 3);
        assert_eq!(stale(5, &["FLUSHDB"]).len(), 0);
    }

    #[test]
    fn a_session_that_is_written_is_read_again_and_other_values_are_not() {
        let sid = Stale::Fields("session".into(), vec!["sid".into()]);
        assert_eq!(stale(0, &["HSET", "site|session", "sid", "data"]), [(1, sid)]);
        assert_eq!(stale(0, &["HSET", "site|doctype_meta", "User", "data"]), []);
        assert_eq!(stale(0, &["SET", "site|session", "data"]), []);
    }

    #[test]
    fn what_a_relay_says_and_what_lives_in_redis_alone_goes_nowhere() {
        assert_eq!(stale(0, &["UNLINK", "site|roles", "site|__crossfade_relay"]), []);
        assert_eq!(stale(0, &["HDEL", "site|session", "a", "__crossfade_relay"]), []);
        for name in
            ["insert_queue_for_Access Log", "_user_settings", "rl:login:1.2.3.4", "global_search_queue"]
        {
            assert_eq!(stale(0, &["DEL", &format!("site|{name}")]), [], "{name}");
        }
        assert_eq!(stale(0, &["HDEL", "site|login_failed_count", "Administrator"]), []);
        assert_eq!(stale(0, &["LPOP", "site|insert_queue_for_Access Log"]), []);
    }

    #[test]
    fn a_prefix_with_characters_of_a_pattern_stays_literal() {
        assert_eq!(pattern_at(b"s*te|", b"user:a*"), b"s\\*te|user:a*");
    }
}
