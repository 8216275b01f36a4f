//! A stranger's path from an empty namespace to the second release, by the commands of the tutorial as they stand there.

use std::fs;

use super::run_commands;
use crate::harness::cluster::{Namespace, commands, repository};
use crate::harness::{Fallible, operator, turn};

/// Namespace that the page uses.
const NAMESPACE: &str = "tutorial";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn the_tutorial_leads_to_a_second_release() -> Fallible {
    let _turn = turn::alone();
    // The charts as the other scenarios have them: the page's own `helm upgrade --install` then finds them there.
    operator::install()?;
    Namespace { name: NAMESPACE.to_owned() }.delete()?;
    let page = fs::read_to_string(repository().join("docs/tutorial/try-it.md"))?;
    let (_, steps) = page.split_once("\n## 2.").ok_or("the tutorial has no second step")?;
    let commands = commands(steps).join("\n");
    for must in
        ["helm upgrade --install crossfade ", "crossfade approve", "x-bench-version: v2", "delete namespace"]
    {
        if !commands.contains(must) {
            return Err(format!("the tutorial does not say `{must}`: this would prove nothing").into());
        }
    }
    println!("{}", run_commands(&commands)?);
    Ok(())
}
