//! Argo CD's own controller and repo server, from its Go module: processes of this machine in the network of the bed's node,
//! as its developers run them. Nothing of it listens outside of the bed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::Fallible;
use super::bench::Bench;
use super::cluster::{Namespace, bed, kubectl, program, repository, run, until};
use super::git::Repository;

/// What Argo CD has said of the application at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `Synced` or `OutOfSync`, empty before the first look.
    pub sync: String,
    /// The commit that it compared with.
    pub commit: String,
    /// Its health.
    pub health: String,
}

/// Argo CD at work on one application, `shop`.
#[derive(Debug)]
pub struct ArgoCd {
    namespace: Namespace,
    folder: PathBuf,
    processes: Vec<Child>,
}

impl ArgoCd {
    /// Installs Argo CD with what `docs/how-to/gitops.md` adds to it, starts it, and gives it the application whose manifests
    /// are in a repository's folder `shop`.
    pub fn start(bench: &Bench, manifests: &Repository) -> Fallible<Self> {
        let built = run(&mut Command::new(repository().join("e2e/gitops/program.sh")), None)?;
        let built = PathBuf::from(built.trim());
        let namespace = Namespace::new("argocd")?;
        for part in ["crds", "config"] {
            let part = built.join(part).display().to_string();
            namespace.kubectl(&["apply", "--server-side", "-k", &part])?;
        }
        let ours = repository().join("argocd/argocd-cm.yaml").display().to_string();
        namespace.kubectl(&["patch", "configmap", "argocd-cm", "--type=merge", "--patch-file", &ours])?;
        let application = std::fs::read_to_string(repository().join("e2e/manifests/argocd.yaml"))?;
        let application = application.replace("${REPOSITORY}", &manifests.url());
        let application = application.replace("${NAMESPACE}", &bench.namespace.name);
        until("an API server that knows Argo CD's types", Duration::from_mins(1), || {
            kubectl(&["apply", "-f", "-"], Some(&application)).map(Some)
        })?;

        let folder = repository().join("target/e2e-argocd");
        std::fs::create_dir_all(folder.join("clones"))?;
        let mut argocd = Self { namespace, folder, processes: Vec::new() };
        argocd.run_redis()?;
        argocd.run_part(
            &built,
            "argocd-repo-server",
            &["--address=127.0.0.1", "--metrics-address=127.0.0.1"],
        )?;
        argocd.run_part(
            &built,
            "argocd-application-controller",
            &["--namespace=argocd", "--repo-server=127.0.0.1:8081"],
        )?;
        argocd.watch()?;
        Ok(argocd)
    }

    /// Merges this into its application.
    pub fn change(&self, patch: &str) -> Fallible {
        self.namespace.kubectl(&["patch", "application", "shop", "--type=merge", "-p", patch]).map(drop)
    }

    /// Has it look at the repository, as the webhook of a Git server does; `hard` has it forget what it knows.
    pub fn look(&self, how: &str) -> Fallible {
        let how = format!("argocd.argoproj.io/refresh={how}");
        self.namespace.kubectl(&["annotate", "application", "shop", &how, "--overwrite"])?;
        until("Argo CD to look at the repository", Duration::from_mins(1), || {
            Ok(self.application()?["metadata"]["annotations"]["argocd.argoproj.io/refresh"]
                .is_null()
                .then_some(()))
        })
    }

    /// Waits until the cluster is as a commit says, and Argo CD finds the application in this health.
    pub fn wait_for(&self, commit: &str, health: &str, limit: Duration) -> Fallible {
        until(&format!("Argo CD to say {health} of {commit}"), limit, || {
            let status = self.application()?["status"].clone();
            let is_there = status["sync"]["status"] == "Synced"
                && status["sync"]["revision"] == commit
                && status["health"]["status"] == health;
            if is_there {
                return Ok(Some(()));
            }
            let words = [&status["sync"]["status"], &status["health"]["status"], &status["conditions"]];
            Err(format!("{words:?}, {}", status["operationState"]["message"]).into())
        })
    }

    /// How many commits it has synced.
    pub fn syncs(&self) -> Fallible<usize> {
        Ok(self.application()?["status"]["history"].as_array().map_or(0, Vec::len))
    }

    /// All that it has said, in order.
    pub fn seen(&self) -> Fallible<Vec<Seen>> {
        let text = std::fs::read_to_string(self.folder.join("seen.log"))?;
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let mut all: Vec<Seen> = Vec::new();
        for line in whole.lines() {
            let parts: Vec<String> = line.split('|').map(str::to_owned).collect();
            let [sync, commit, health] = <[String; 3]>::try_from(parts)
                .map_err(|parts| format!("a line of seen.log is not three parts: {parts:?}"))?;
            let seen = Seen { sync, commit, health };
            if all.last() != Some(&seen) {
                all.push(seen);
            }
        }
        Ok(all)
    }

    /// Ends it, and removes it from the cluster without what it has applied.
    pub fn leave(self) -> Fallible {
        self.namespace.kubectl(&["delete", "application", "shop", "--cascade=orphan"])?;
        let namespace = self.namespace.clone();
        drop(self);
        namespace.leave()
    }

    fn application(&self) -> Fallible<Value> {
        Ok(self.namespace.get("application", "shop")?.ok_or("there is no Application")?)
    }

    fn run_redis(&mut self) -> Fallible {
        let mut redis = in_the_bed("redis-server");
        redis.args(["--bind", "127.0.0.1", "--port", "6379", "--save", "", "--appendonly", "no"]);
        self.spawn(redis, "redis")
    }

    /// One program is every part of Argo CD.
    fn run_part(&mut self, built: &Path, part: &str, arguments: &[&str]) -> Fallible {
        let mut command = in_the_bed(&built.join("argocd").display().to_string());
        command.args(arguments).args(["--redis=127.0.0.1:6379", "--logformat=text"]);
        command.env("KUBECONFIG", bed().join("pki/admin.kubeconfig"));
        command.envs([
            ("ARGOCD_BINARY_NAME", part),
            // The application's cluster is that of KUBECONFIG.
            ("ARGOCD_FAKE_IN_CLUSTER", "true"),
            ("ARGOCD_GPG_ENABLED", "false"),
        ]);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", built.display()));
        command.env("TMPDIR", self.folder.join("clones"));
        self.spawn(command, part)
    }

    /// Writes down all that Argo CD says of the application.
    fn watch(&mut self) -> Fallible {
        let said = "jsonpath={.status.sync.status}|{.status.sync.revision}|{.status.health.status}{\"\\n\"}";
        let mut watch = program("kubectl");
        watch.args(["--namespace", "argocd", "get", "application", "shop", "--watch", "-o", said]);
        self.spawn(watch, "seen")
    }

    fn spawn(&mut self, mut command: Command, name: &str) -> Fallible {
        let log = File::create(self.folder.join(format!("{name}.log")))?;
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.processes.push(command.spawn()?);
        Ok(())
    }
}

impl Drop for ArgoCd {
    fn drop(&mut self) {
        // After a failure as well: nothing may outlive the test.
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A program in the network of the bed's node, and in nothing else of it: it reads this machine's files.
fn in_the_bed(program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--net=/run/netns/e2enode", program]);
    command
}
