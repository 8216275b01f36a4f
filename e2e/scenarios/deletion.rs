//! A FrappeRelease that is deleted in the middle of a release leaves the database as blue had it; a namespace that is deleted
//! then goes with all that is in it.

use std::time::Duration;

use super::{RELEASE, installed, only_the_site_is_left};
use crate::harness::cluster::{kubectl, until};
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_release_that_is_deleted_on_its_way_gives_the_database_back() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("deletion")?;
    let shape = "SELECT MD5(GROUP_CONCAT(name, migration_hash ORDER BY name)) FROM shop.tabDocType";
    let before = bench.sql(shape)?;
    bench.release("v2")?;
    bench.wait_for_phase("StartingGreen", RELEASE)?;
    if bench.sql(shape)? == before {
        return Err("green's migrate has changed nothing: this scenario would prove nothing".into());
    }
    bench.namespace.kubectl(&["delete", "frapperelease", "shop", "--timeout=300s"])?;
    if bench.sql(shape)? != before {
        return Err("the metadata is not blue's again".into());
    }
    only_the_site_is_left(&bench)?;
    until("all Pods of the bench are gone", Duration::from_mins(3), || {
        Ok(bench.namespace.list("pods", "crossfade.dev/release=shop")?.is_empty().then_some(()))
    })?;
    bench.namespace.leave()
}

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_namespace_that_is_deleted_in_the_middle_of_a_release_goes() -> Fallible {
    let _turn = turn::beside_others();
    let bench = installed("goes")?;
    bench.release("v2")?;
    bench.wait_for_phase("Expanding", RELEASE)?;
    kubectl(&["delete", "namespace", "goes", "--timeout=180s"], None).map(drop)
}
