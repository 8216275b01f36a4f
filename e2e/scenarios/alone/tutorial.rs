//! A stranger's path from an empty cluster to the second release, by the commands of the tutorial as they stand there.

use super::reader::Reader;
use crate::harness::cluster::Namespace;
use crate::harness::{Fallible, operator, turn};

/// Namespace that the page uses.
const NAMESPACE: &str = "tutorial";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_tutorial_leads_to_a_second_release() -> Fallible {
    let _turn = turn::alone();
    // The page installs them.
    operator::uninstall()?;
    Namespace { name: NAMESPACE.to_owned() }.delete()?;
    // The cluster is up; what the first step says of the shell counts.
    let said = Reader::default().calls("make bed-up", "true").follow("docs/tutorial/try-it.md", "")?;
    println!("{said}");
    if !said.contains("x-bench-version: v2") {
        return Err("the tutorial does not ask for an answer of v2: this would prove nothing".into());
    }
    Ok(())
}
