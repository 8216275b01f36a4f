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

/// Two digits: the bucket as it stands in the cookie.
pub(super) fn text(bucket: u8) -> String {
    format!("{:02}", bucket.min(99))
}

/// A regular expression for the buckets that are on green at a weight; `None` if none is.
pub(super) fn green(weight: u8) -> Option<String> {
    let (tens, ones) = (weight.min(100) / 10, weight.min(100) % 10);
    let mut parts = Vec::new();
    if tens > 0 {
        parts.push(format!("{}[0-9]", range(0, tens - 1)));
    }
    if ones > 0 {
        parts.push(format!("{tens}{}", range(0, ones - 1)));
    }
    (!parts.is_empty()).then(|| parts.join("|"))
}

/// A regular expression for the buckets that are on blue at a weight; `None` if none is.
pub(super) fn blue(weight: u8) -> Option<String> {
    let (tens, ones) = (weight.min(100) / 10, weight.min(100) % 10);
    let mut parts = Vec::new();
    if tens < 10 && ones > 0 {
        parts.push(format!("{tens}{}", range(ones, 9)));
    }
    let first = if ones > 0 { tens + 1 } else { tens };
    if first < 10 {
        parts.push(format!("{}[0-9]", range(first, 9)));
    }
    (!parts.is_empty()).then(|| parts.join("|"))
}

fn range(from: u8, to: u8) -> String {
    if from == to { from.to_string() } else { format!("[{from}-{to}]") }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn every_bucket_has_exactly_one_colour_at_every_weight() {
        for weight in 0..=100 {
            let matcher =
                |pattern: Option<String>| pattern.map(|p| Regex::new(&format!("^(?:{p})$")).unwrap());
            let (green, blue) = (matcher(green(weight)), matcher(blue(weight)));
            for bucket in 0..100 {
                let text = text(bucket);
                let is = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|p| p.is_match(&text));
                assert_eq!(is(&green), is_green(bucket, weight), "{bucket} at {weight}");
                assert_ne!(is(&green), is(&blue), "{bucket} at {weight}");
            }
        }
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
