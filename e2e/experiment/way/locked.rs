//! As the documentation of Frappe says: the site is closed from before the migrate until the new version runs.

use super::Released;
use super::usual::{close, migrate, open, roll};
use crate::harness::Fallible;
use crate::harness::bench::Bench;
use crate::harness::load::now;

pub(super) const TITLE: &str = "maintenance mode on, migrate, roll the Pods, maintenance mode off";

/// A version that does not migrate is not rolled out, and the site is opened again with the old one.
pub(super) fn release(bench: &Bench, version: &str, say: &dyn Fn(&str)) -> Fallible<Released> {
    let mut phases = vec![("maintenance on".to_owned(), now())];
    close(bench, say)?;
    phases.push(("migrate".to_owned(), now()));
    let (migrations, failure) = migrate(bench, version, say)?;
    if failure.is_none() {
        phases.push(("roll".to_owned(), now()));
        roll(bench, version, say)?;
    }
    phases.push(("maintenance off".to_owned(), now()));
    open(bench, say)?;
    Ok(Released { phases, migrations, backfills: Vec::new(), failure })
}
