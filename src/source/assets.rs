//! The files below `sites/assets` of a bench that was built, by their paths.

use std::fs;
use std::path::{Path, PathBuf};

/// Links lead from `sites/assets/<app>` to the app's `public` folder; deeper than this lies nothing that a page asks for.
const MAX_DEPTH: usize = 8;
/// Files that are listed; Frappe, ERPNext and HRMS together have about 5,000.
const MAX_FILES: usize = 50_000;
/// Folders that are looked into: a link may lead in a circle.
const MAX_FOLDERS: usize = 10_000;

/// Paths of all assets relative to `sites/assets`, sorted; none if the bench has none. What cannot be read is left out:
/// a file that is not known here is served by the colour that the user is on.
pub(super) fn list(bench: &Path) -> Vec<String> {
    let root = bench.join("sites/assets");
    let (mut files, mut folders) = (Vec::new(), vec![(PathBuf::new(), 0)]);
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        seen += 1;
        if seen > MAX_FOLDERS {
            break;
        }
        for entry in fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let within = folder.join(&name);
            // With links followed: apps are links in a bench.
            let Ok(kind) = fs::metadata(entry.path()) else { continue };
            if kind.is_dir() && depth < MAX_DEPTH && name != "node_modules" {
                folders.push((within, depth + 1));
            } else if kind.is_file() && !is_map(&within) && files.len() < MAX_FILES {
                files.extend(within.to_str().map(str::to_owned));
            }
        }
    }
    files.sort();
    files
}

/// A source map: for developers, and large.
fn is_map(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "map")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_listed_through_the_links_of_a_bench() {
        let bench = tempfile::tempdir().unwrap();
        let at = |path: &str| bench.path().join(path);
        for folder in ["sites/assets", "apps/crm/public/dist", "apps/crm/public/node_modules/x"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["dist/crm.bundle.A1.js", "dist/crm.bundle.A1.js.map", "logo.svg", "node_modules/x/y.js"]
        {
            fs::write(at("apps/crm/public").join(file), "").unwrap();
        }
        fs::write(at("sites/assets/assets.json"), "{}").unwrap();
        std::os::unix::fs::symlink(at("apps/crm/public"), at("sites/assets/crm")).unwrap();
        // A link that leads in a circle ends.
        std::os::unix::fs::symlink(at("sites/assets"), at("apps/crm/public/again")).unwrap();
        let files = list(bench.path());
        assert!(files.iter().any(|file| file == "crm/dist/crm.bundle.A1.js"), "{files:?}");
        assert!(
            files.iter().all(|file| !is_map(Path::new(file)) && !file.contains("node_modules")),
            "{files:?}"
        );
        assert_eq!(list(&at("nowhere")), Vec::<String>::new());
    }
}
