//! The published experiment: nobody is locked out.

use super::Released;
use super::usual::{migrate, roll};
use crate::harness::Fallible;
use crate::harness::bench::Bench;
use crate::harness::load::now;

pub(super) const TITLE: &str = "migrate beside traffic, then roll the Pods";

/// A version that does not migrate is not rolled out.
pub(super) fn release(bench: &Bench, version: &str, say: &dyn Fn(&str)) -> Fallible<Released> {
    let mut phases = vec![("migrate".to_owned(), now())];
    let (migrations, failure) = migrate(bench, version, say)?;
    if failure.is_none() {
        phases.push(("roll".to_owned(), now()));
        roll(bench, version, say)?;
    }
    Ok(Released { phases, migrations, backfills: Vec::new(), failure })
}
