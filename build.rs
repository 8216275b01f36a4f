//! Says when a program that is to be kept would be built without the DocType Editor's page. A debug build reads the page
//! from `web/dist` when it is asked; a release has it inside, or never.

use std::path::Path;

fn main() {
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if !is_release {
        println!("cargo::rerun-if-changed=build.rs");
    } else if Path::new("web/dist/index.html").exists() {
        println!("cargo::rerun-if-changed=web/dist");
    } else {
        // Not web/dist: what is not there counts as changed, and each build would be made anew.
        println!("cargo::rerun-if-changed=web");
        println!(
            "cargo::warning=web/dist is missing: `crossfade editor` of this build has no page; run `make web` first"
        );
    }
}
