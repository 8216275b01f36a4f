//! A stranger's path from an empty namespace to the second release, by the commands of the tutorial as they stand there.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::harness::cluster::{Namespace, bed, gateway, repository, run};
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
    let commands = blocks(steps).join("\n");
    for must in
        ["helm upgrade --install crossfade ", "crossfade approve", "x-bench-version: v2", "delete namespace"]
    {
        if !commands.contains(must) {
            return Err(format!("the tutorial does not say `{must}`: this would prove nothing").into());
        }
    }
    // The plugin of the first step, from this build.
    let plugins = repository().join("target/tutorial");
    fs::create_dir_all(&plugins)?;
    let plugin = plugins.join("kubectl-crossfade");
    let _ = fs::remove_file(&plugin);
    symlink(env!("CARGO_BIN_EXE_crossfade"), &plugin)?;
    let path = std::env::var("PATH")?;
    let mut shell = Command::new("bash");
    shell.args(["-euxo", "pipefail", "-c", &commands]).current_dir(repository());
    shell.env("KUBECONFIG", bed().join("pki/admin.kubeconfig")).env("GATEWAY_URL", gateway());
    shell.env("PATH", format!("{}:{}:{path}", plugins.display(), bed().join("bin").display()));
    println!("{}", run(&mut shell, None)?);
    Ok(())
}

/// What stands between ```` ```sh ```` and ```` ``` ````.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}
