//! A manifest that cannot work is refused by the API server, with a sentence that a user understands.

use std::path::{Path, PathBuf};

use super::reader::Reader;
use crate::harness::cluster::{Namespace, repository};
use crate::harness::operator;
use crate::harness::{Fallible, turn};

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn manifests_that_cannot_work_are_refused_with_the_reason() -> Fallible {
    let _turn = turn::beside_others();
    operator::install()?;
    let namespace = Namespace::new("validation")?;
    let folder = repository().join("e2e/manifests");
    for file in yaml(&folder.join("valid"))? {
        let path = file.display().to_string();
        namespace.kubectl(&["apply", "--dry-run=server", "-f", &path])?;
    }
    let mut cases = 0;
    for file in yaml(&folder.join("invalid"))? {
        let expected = expectation(&file)?;
        let path = file.display().to_string();
        match namespace.kubectl(&["apply", "--dry-run=server", "-f", &path]) {
            Ok(_) => return Err(format!("{path} was taken; expected: {expected}").into()),
            Err(error) if error.to_string().contains(&expected) => cases += 1,
            Err(error) => return Err(format!("{path}: expected `{expected}`, got: {error}").into()),
        }
    }
    // Argo CD's settings are a ConfigMap like any other, with or without Argo CD.
    let argocd = Namespace::new("argocd")?;
    argocd.kubectl(&["create", "configmap", "argocd-cm"])?;
    Reader::default().follow("docs/how-to/gitops.md", "")?;
    argocd.leave()?;
    println!("{cases} manifests refused with the expected words");
    if cases < 15 {
        return Err(format!("only {cases} cases").into());
    }
    namespace.leave()
}

#[test]
#[ignore = "needs the cluster of e2e/bed"]
fn what_must_stand_still_while_a_release_runs_does() -> Fallible {
    let _turn = turn::beside_others();
    operator::install()?;
    let namespace = Namespace::new("transitions")?;
    let files = yaml(&repository().join("e2e/manifests/transitions"))?;
    let pairs: Vec<(&PathBuf, PathBuf)> =
        files.iter().filter_map(|file| Some((file, after(file)?))).collect();
    if pairs.is_empty() {
        return Err("there is no transition to try".into());
    }
    // The statuses are the files': an operator would write its own over them.
    operator::scale(0)?;
    let outcome = pairs
        .into_iter()
        .try_for_each(|(before, after)| transition(&namespace, before, &after))
        .and_then(|()| by_hand(&namespace));
    operator::scale(2)?;
    outcome?;
    namespace.leave()
}

/// The second file of a transition, from the first.
fn after(before: &Path) -> Option<PathBuf> {
    let name = before.file_name()?.to_str()?.strip_suffix(".before.yaml")?;
    Some(before.with_file_name(format!("{name}.after.yaml")))
}

/// Tries one change of an object that has the status of its first file.
fn transition(namespace: &Namespace, before: &Path, after: &Path) -> Fallible {
    let expected = expectation(after)?;
    let (before, after) = (before.display().to_string(), after.display().to_string());
    namespace.kubectl(&["apply", "-f", &before])?;
    namespace.kubectl(&[
        "apply",
        "--server-side",
        "--force-conflicts",
        "--subresource=status",
        "-f",
        &before,
    ])?;
    let answer = match namespace.kubectl(&["apply", "--dry-run=server", "-f", &after]) {
        Ok(_) if expected == "accepted" => Ok(()),
        Ok(_) => Err(format!("{after} was taken; expected: {expected}").into()),
        Err(error) if error.to_string().contains(&expected) => Ok(()),
        Err(error) => Err(error),
    };
    namespace.kubectl(&["delete", "frappereleases", "--all", "--timeout=60s"])?;
    answer
}

/// What the page of the manifests says to type.
fn by_hand(namespace: &Namespace) -> Fallible {
    // The resource is there: it stays its chart's.
    let reader = Reader::of(namespace).calls("-f crds/", "-f crds/ --dry-run=server");
    reader.follow("e2e/manifests/README.md", "crds/")?;
    reader.follow("e2e/manifests/README.md", "before.yaml")?;
    let refusals = [
        reader.follow("e2e/manifests/README.md", "after.yaml"),
        reader.follow("e2e/manifests/README.md", "no-site.yaml"),
    ];
    for refusal in refusals {
        match refusal {
            Ok(_) => return Err("the page of the manifests has one that is taken".into()),
            Err(error) if error.to_string().contains(" is invalid: ") => {}
            Err(error) => return Err(error),
        }
    }
    namespace.kubectl(&["delete", "frappereleases", "--all", "--timeout=60s"]).map(drop)
}

/// What the first line of a file says must happen.
fn expectation(file: &Path) -> Fallible<String> {
    let text = std::fs::read_to_string(file)?;
    let first = text.lines().next().unwrap_or_default().strip_prefix("# expect: ");
    first
        .map(str::to_owned)
        .ok_or_else(|| format!("{} does not begin with `# expect: `", file.display()).into())
}

fn yaml(folder: &PathBuf) -> Fallible<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    Ok(files)
}
