//! A manifest that cannot work is refused by the API server, with a sentence that a user understands.

use std::path::PathBuf;

use crate::harness::Fallible;
use crate::harness::cluster::{Namespace, repository};
use crate::harness::operator;

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn manifests_that_cannot_work_are_refused_with_the_reason() -> Fallible {
    operator::install()?;
    let namespace = Namespace::new("validation")?;
    let folder = repository().join("e2e/manifests");
    for file in yaml(&folder.join("valid"))? {
        let path = file.display().to_string();
        namespace.kubectl(&["apply", "--dry-run=server", "-f", &path])?;
    }
    let mut cases = 0;
    for file in yaml(&folder.join("invalid"))? {
        let text = std::fs::read_to_string(&file)?;
        let first = text.lines().next().unwrap_or_default();
        let Some(expected) = first.strip_prefix("# expect: ") else {
            return Err(format!("{} does not begin with `# expect: `", file.display()).into());
        };
        let path = file.display().to_string();
        match namespace.kubectl(&["apply", "--dry-run=server", "-f", &path]) {
            Ok(_) => return Err(format!("{path} was taken; expected: {expected}").into()),
            Err(error) if error.to_string().contains(expected) => cases += 1,
            Err(error) => return Err(format!("{path}: expected `{expected}`, got: {error}").into()),
        }
    }
    println!("{cases} manifests refused with the expected words");
    if cases < 15 {
        return Err(format!("only {cases} cases").into());
    }
    namespace.delete()
}

fn yaml(folder: &PathBuf) -> Fallible<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    Ok(files)
}
