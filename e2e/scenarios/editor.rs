//! A field is renamed in the DocType Editor, from the first click in a real browser to the end of its release: nobody notices.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::{RELEASE, installed, must_be_clean, must_change_hands};
use crate::harness::bench::{Bench, image};
use crate::harness::cluster::{bed, repository, run};
use crate::harness::forward::Forward;
use crate::harness::git::Repository;
use crate::harness::load::Load;
use crate::harness::{Fallible, turn};

/// What the new version is called, as tag of its image and in its answers.
const EDITED: &str = "edited";

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn a_rename_in_the_editor_becomes_a_release() -> Fallible {
    let _turn = turn::beside_others();
    let scratch = repository().join("target/e2e-editor");
    let _ = std::fs::remove_dir_all(&scratch);
    let bench = installed("editor")?;
    // Two orders that a unique field would refuse: the page asks the live site for them.
    bench.sql(
        "USE shop; INSERT INTO `tabSales Order` (name, ref_no) VALUES ('twin 1', 'TWIN'), ('twin 2', 'TWIN')",
    )?;
    let release = edit(&bench, &scratch)?;
    load_image(&scratch)?;
    let mut users = Load::start(&bench, 20)?;
    bench.namespace.kubectl(&[
        "patch",
        "frapperelease",
        "shop",
        "--type=merge",
        "-p",
        &release.to_string(),
    ])?;
    bench.wait_for("Ready", RELEASE)?;
    bench.wait_for_answer(EDITED)?;
    users.run_for(Duration::from_secs(5))?;
    must_change_hands(&bench, 2)?;
    let figures = must_be_clean(&users.stop()?)?;
    let columns = bench.sql(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'tabSales Order'",
    )?;
    if !columns.split_whitespace().any(|column| column == "order_note") {
        return Err(format!("the field was not renamed: {columns}").into());
    }
    println!("{} requests, none failed", figures.requests);
    bench.namespace.leave()
}

/// Lays the bench of v1 out, has a browser rename a field of its app in the editor, and gives what the FrappeRelease gets.
fn edit(bench: &Bench, scratch: &Path) -> Fallible<Value> {
    let mut assemble = Command::new(repository().join("e2e/sample-bench/assemble.sh"));
    run(assemble.arg("v1").arg(scratch), None)?;
    let app = home(scratch).join("apps/shop");
    Repository::at(app.clone())?.commit("Version 1", &[])?;
    let database = Forward::new(&bench.namespace, "pod/mariadb-0", 3306)?;
    let credentials = scratch.join("credentials");
    std::fs::create_dir(&credentials)?;
    std::fs::write(credentials.join("username"), "shop")?;
    std::fs::write(credentials.join("password"), "site-password")?;
    let downloaded = scratch.join("frapperelease.yaml");
    let mut browser = Command::new("npm");
    browser.current_dir(repository().join("web")).args(["run", "--silent", "release", "rename.spec.ts"]);
    browser.env("CROSSFADE", env!("CARGO_BIN_EXE_crossfade"));
    browser.env("CROSSFADE_CHECKOUT", &app).env("CROSSFADE_RELEASE", &downloaded);
    browser.env("CROSSFADE_SITE_DATABASE", format!("mysql://127.0.0.1:{}/shop", database.port));
    browser.env("CROSSFADE_SITE_CREDENTIALS", &credentials);
    println!("{}", run(&mut browser, None)?);
    std::fs::remove_dir_all(app.join(".git"))?;
    std::fs::remove_dir_all(credentials)?;
    of_the_sample_bench(&app.join("shop/patches"))?;
    let mut release: Value = serde_yaml::from_str(&std::fs::read_to_string(&downloaded)?)?;
    // What the page cannot know: where the image goes, and what the release is called.
    release["spec"]["image"] = image(EDITED).into();
    Ok(serde_json::json!({ "spec": release["spec"] }))
}

/// Patches import what Frappe has; the sample bench is not Frappe, and its framework has another name.
fn of_the_sample_bench(patches: &Path) -> Fallible {
    for entry in std::fs::read_dir(patches)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        std::fs::write(&path, text.replace("frappe.model.utils.rename_field", "samplebench.rename_field"))?;
    }
    Ok(())
}

/// Makes the image of what was edited and brings it to the cluster.
fn load_image(scratch: &Path) -> Fallible {
    std::fs::remove_file(scratch.join("frapperelease.yaml"))?;
    std::fs::write(home(scratch).join("VERSION"), EDITED)?;
    let archive = scratch.with_extension("tar");
    let mut make = Command::new("python3");
    make.arg(repository().join("e2e/images/mkimage.py")).arg(&archive).arg(image(EDITED));
    make.arg("--on").arg(bed().join("images/base.tar"));
    make.args(["--user", "1000:1000", "--workdir", "/home/frappe/frappe-bench", "--tree-owner", "1000:1000"]);
    run(make.arg("--tree").arg(scratch), None)?;
    run(Command::new(repository().join("e2e/bed/load-image.sh")).arg(archive), None).map(drop)
}

fn home(scratch: &Path) -> PathBuf {
    scratch.join("home/frappe/frappe-bench")
}
