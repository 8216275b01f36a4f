//! Somebody who has read a page of `docs/` and types what it says, on the cluster. `tests/docs` reads which lines the
//! scenarios type, and fails for a line that nobody does: name page and part as they stand there.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use regex::Regex;

use super::shell::typed;
use crate::harness::Fallible;
use crate::harness::cluster::{Namespace, bed, gateway, repository, run};
use crate::harness::operator;

/// Seconds that he looks at what shows changes until it is ended.
const LOOK: u32 = 2;

/// A reader, and what he types in the place of the names of the pages.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The namespace of his kubeconfig; `default` if there is none.
    namespace: Option<String>,
    names: Vec<(String, String)>,
}

impl Reader {
    /// Who works in a scenario's namespace, on the release `shop`: `erp` in the namespace `shop` on the pages.
    pub(super) fn of(namespace: &Namespace) -> Self {
        let own = Self { namespace: Some(namespace.name.clone()), names: Vec::new() };
        own.calls("-n shop", &format!("-n {}", namespace.name))
    }

    /// Has him type `ours` for `theirs`.
    pub(super) fn calls(mut self, theirs: &str, ours: &str) -> Self {
        self.names.push((theirs.to_owned(), ours.to_owned()));
        self
    }

    /// Types the lines of a page that `part` names ([`typed`]), in one shell that stops at the first that fails, with `kubectl`,
    /// `helm` and the plugin on its PATH; gives what they print.
    pub(super) fn follow(&self, page: &str, part: &str) -> Fallible<String> {
        let lines = typed(&fs::read_to_string(repository().join(page))?, part);
        if lines.is_empty() {
            return Err(format!("{page} has no command of '{part}'").into());
        }
        let lines: Vec<String> =
            lines.iter().map(|line| self.in_his_words(&line.text)).collect::<Fallible<_>>()?;
        self.types(&lines.join("\n")).map_err(|error| format!("{page}: {error}").into())
    }

    fn in_his_words(&self, line: &str) -> Fallible<String> {
        let mut line = line.to_owned();
        if self.namespace.is_some() {
            let release = Regex::new(r"(fr[ /]|crossfade [a-z]+ |release=|\.name=)erp\b")?;
            line = release.replace_all(&line, "${1}shop").into_owned();
            let operator = Regex::new(r"-n crossfade( |$)")?;
            line = operator.replace_all(&line, format!("-n {}$1", operator::NAMESPACE)).into_owned();
        }
        let line = self.names.iter().fold(line, |line, (theirs, ours)| line.replace(theirs, ours));
        let is_watching = Regex::new(r" (-w|--watch)( |$)|crossfade dashboard$")?.is_match(&line);
        Ok(if is_watching { format!("{{ timeout {LOOK} {line}\n}} || [ $? = 124 ]") } else { line })
    }

    fn types(&self, commands: &str) -> Fallible<String> {
        let own = tempfile::tempdir()?;
        for name in ["crossfade", "kubectl-crossfade"] {
            symlink(env!("CARGO_BIN_EXE_crossfade"), own.path().join(name))?;
        }
        let mut kubeconfig: serde_json::Value =
            serde_yaml::from_str(&fs::read_to_string(bed().join("pki/admin.kubeconfig"))?)?;
        if let Some(namespace) = &self.namespace {
            kubeconfig["contexts"][0]["context"]["namespace"] = namespace.as_str().into();
        }
        fs::write(own.path().join("kubeconfig"), kubeconfig.to_string())?;
        let path = std::env::var("PATH")?;
        let mut shell = Command::new("bash");
        shell.args(["-euxo", "pipefail", "-c", commands]).current_dir(repository());
        shell.env("KUBECONFIG", own.path().join("kubeconfig")).env("GATEWAY_URL", gateway());
        shell.env("PATH", format!("{}:{}:{path}", own.path().display(), bed().join("bin").display()));
        run(&mut shell, None)
    }
}
