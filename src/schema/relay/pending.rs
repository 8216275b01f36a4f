//! What still has to be said to one place: collected while the last round is under way, so that a flood of the same
//! invalidations is one (pure).

use std::collections::{BTreeMap, BTreeSet};

use super::stale::Stale;

/// Beyond so many names the whole prefix is cleared instead: memory stays bounded however long a server is away.
const MOST_NAMES: usize = 50_000;
/// A pattern costs a walk through all keys; so many are as dear as clearing all.
const MOST_PATTERNS: usize = 32;

/// The invalidations that wait for one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// Everything that can be made again is to be deleted; the rest is empty then but for probes.
    pub(super) everything: bool,
    /// Keys.
    pub(super) keys: BTreeSet<Vec<u8>>,
    /// Fields of hashes.
    pub(super) fields: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    /// Patterns.
    pub(super) patterns: BTreeSet<Vec<u8>>,
    names: usize,
}

impl Pending {
    /// Adds one.
    pub(super) fn add(&mut self, stale: Stale) {
        match stale {
            Stale::Everything => self.become_everything(),
            Stale::Key(name) if name.starts_with(super::stale::PROBE) => {
                self.keys.insert(name);
            }
            Stale::Key(_) | Stale::Fields(..) | Stale::Pattern(_) if self.everything => {}
            Stale::Key(name) => self.names += usize::from(self.keys.insert(name)),
            Stale::Fields(name, fields) => {
                let known = self.fields.entry(name).or_default();
                let before = known.len();
                known.extend(fields);
                self.names += known.len() - before;
            }
            Stale::Pattern(pattern) => {
                self.patterns.insert(pattern);
            }
        }
        if self.names > MOST_NAMES || self.patterns.len() > MOST_PATTERNS {
            self.become_everything();
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.keys.is_empty() && self.fields.is_empty() && self.patterns.is_empty()
    }

    /// Probes keep their place: they measure how long the way is, also when it is a long one.
    fn become_everything(&mut self) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.retain(|key| key.starts_with(super::stale::PROBE));
        *self = Self { everything: true, keys, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_name_is_one() {
        let mut pending = Pending::default();
        for _ in 0..100_000 {
            pending.add(Stale::Key(b"roles".to_vec()));
            pending.add(Stale::Fields(b"session".to_vec(), vec![b"a".to_vec()]));
        }
        assert_eq!((pending.keys.len(), pending.fields.len(), pending.everything), (1, 1, false));
    }

    #[test]
    fn a_flood_of_names_becomes_everything_and_keeps_the_probes() {
        let mut pending = Pending::default();
        pending.add(Stale::Key(b"__crossfade_probe:0:1".to_vec()));
        for number in 0..=MOST_NAMES {
            pending.add(Stale::Key(number.to_string().into_bytes()));
        }
        pending.add(Stale::Key(b"roles".to_vec()));
        assert_eq!((pending.everything, pending.keys.len()), (true, 1));
        let mut pending = Pending::default();
        for number in 0..=MOST_PATTERNS {
            pending.add(Stale::Pattern(number.to_string().into_bytes()));
        }
        assert!(pending.everything && pending.patterns.is_empty());
    }
}
