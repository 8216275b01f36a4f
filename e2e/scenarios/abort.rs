//! A release is taken back in the middle of its traffic, and then made after all.

use std::time::Duration;

use super::{RELEASE, installed, must_be_clean};
use crate::harness::Fallible;
use crate::harness::load::Load;

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn an_abort_in_mid_shift_loses_no_request_and_the_next_try_goes_through() -> Fallible {
    let bench = installed("abort")?;
    let mut users = Load::start(&bench, 30)?;
    bench.release("v2")?;
    bench.wait_for_phase("Shifting", RELEASE)?;
    bench.wait_for_half(RELEASE)?;
    bench.annotate("crossfade.dev/abort=2")?;
    bench.wait_for_rolled_back(RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    bench.annotate("crossfade.dev/retry=again")?;
    bench.wait_for("Ready", RELEASE)?;
    users.run_for(Duration::from_secs(5))?;
    let figures = must_be_clean(&users.stop()?)?;
    println!("{} requests, none failed", figures.requests);
    bench.namespace.delete()
}
