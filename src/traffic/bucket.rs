//! Buckets: what makes a user stay where he is while weights rise.
//!
//! The first answer gives a user a bucket from 0 to 99 by a cookie, and he keeps it for the whole release. An app with the
//! weight `w` sends the buckets below `w` to green and the others to blue: a higher weight moves some users from blue to
//! green and nobody back, and two requests of one user to one app meet one colour.
//!
//! A gateway cannot draw a number, but it can draw a backend by weight and give each a header of its own. So the buckets
//! that are handed out are those just below the weights that the steps name: for 10, 50 and 100 these are 9, 49 and 99,
//! drawn with 10, 40 and 50 %.

use std::collections::BTreeSet;

use super::signature::signature;
use crate::api::FrappeRelease;

/// A bucket that is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draw {
    /// Its number, 0 to 99.
    pub(super) bucket: u8,
    /// Percent of the users that get it.
    pub(super) share: u8,
}

/// The buckets for these weights, from the one that moves first; the shares add up to 100.
pub(super) fn draws(edges: &BTreeSet<u8>) -> Vec<Draw> {
    let mut last = 0;
    let edges = edges.iter().copied().filter(|edge| (1..100).contains(edge)).chain([100]);
    edges
        .map(|edge| {
            let draw = Draw { bucket: edge - 1, share: edge - last };
            last = edge;
            draw
        })
        .collect()
}

/// Whether a bucket is on green at a weight.
pub(super) const fn is_green(bucket: u8, weight: u8) -> bool {
    bucket < weight
}

/// Characters of a signature: who guesses one has tried a million others, each with a request.
const SIGNED: usize = 6;

/// The buckets of one release as they stand in the cookie: two digits and their signature, so that nobody moves himself to
/// a bucket that he was not given.
pub(super) struct Texts(Vec<String>);

impl Texts {
    /// The texts for the release of this revision.
    pub(super) fn of(release: &FrappeRelease, green: u32) -> Self {
        let text = |bucket: u8| {
            let signature = signature(release, &format!("bucket {bucket} of {green}"));
            format!("{bucket:02}{}", &signature[..SIGNED])
        };
        Self((0..100).map(text).collect())
    }

    /// The text of one bucket, 0 to 99.
    pub(super) fn text(&self, bucket: u8) -> &str {
        self.0.get(usize::from(bucket)).map_or("", String::as_str)
    }

    /// A regular expression for the buckets that are on green at a weight; `None` if none is.
    pub(super) fn green(&self, weight: u8) -> Option<String> {
        self.any(|bucket| is_green(bucket, weight))
    }

    /// A regular expression for the buckets that are on blue at a weight; `None` if none is.
    pub(super) fn blue(&self, weight: u8) -> Option<String> {
        self.any(|bucket| !is_green(bucket, weight))
    }

    fn any(&self, is_meant: impl Fn(u8) -> bool) -> Option<String> {
        let meant: Vec<&str> =
            (0..100).filter(|bucket| is_meant(*bucket)).map(|bucket| self.text(bucket)).collect();
        (!meant.is_empty()).then(|| meant.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::traffic::simulated::release;

    #[test]
    fn every_bucket_has_exactly_one_colour_at_every_weight_and_one_without_its_signature_none() {
        let texts = Texts::of(&release(""), 2);
        for weight in 0..=100 {
            let matcher =
                |pattern: Option<String>| pattern.map(|p| Regex::new(&format!("^(?:{p})$")).unwrap());
            let (green, blue) = (matcher(texts.green(weight)), matcher(texts.blue(weight)));
            let is = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_some_and(|p| p.is_match(text));
            for bucket in 0..100 {
                let text = texts.text(bucket);
                assert_eq!(is(&green, text), is_green(bucket, weight), "{bucket} at {weight}");
                assert_ne!(is(&green, text), is(&blue, text), "{bucket} at {weight}");
                let other = format!("{:02}{}", (bucket + 1) % 100, &text[2..]);
                for forged in [other.as_str(), &text[..2], &text[..text.len() - 1]] {
                    assert!(!is(&green, forged) && !is(&blue, forged), "{forged}");
                }
            }
        }
    }

    #[test]
    fn a_release_knows_no_bucket_of_another() {
        let (one, other) = (Texts::of(&release(""), 2), Texts::of(&release(""), 3));
        assert!((0..100).all(|bucket| one.text(bucket) != other.text(bucket)));
    }

    #[test]
    fn the_shares_of_the_draws_are_the_weights() {
        for edges in [vec![100], vec![10, 50, 100], vec![1, 2, 3, 99], vec![0, 33]] {
            let edges: BTreeSet<u8> = edges.into_iter().collect();
            let draws = draws(&edges);
            assert_eq!(draws.iter().map(|draw| u32::from(draw.share)).sum::<u32>(), 100);
            for edge in edges {
                let on_green = draws.iter().filter(|draw| is_green(draw.bucket, edge));
                assert_eq!(on_green.map(|draw| draw.share).sum::<u8>(), edge);
            }
        }
    }
}
