//! A Git repository, as a team keeps its manifests and its apps in one.

use std::path::PathBuf;
use std::process::Command;

use super::Fallible;
use super::cluster::run;

/// A repository on this machine, made new.
#[derive(Debug)]
pub struct Repository {
    path: PathBuf,
}

impl Repository {
    /// Makes it in this folder; what an earlier run left there is removed first.
    pub fn new(path: PathBuf) -> Fallible<Self> {
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Self::at(path)
    }

    /// Makes it of a folder with what is in it.
    pub fn at(path: PathBuf) -> Fallible<Self> {
        let repository = Self { path };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(repository)
    }

    /// Where it is fetched from.
    pub fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Commits these files (path and content); gives the commit.
    pub fn commit(&self, message: &str, files: &[(&str, String)]) -> Fallible<String> {
        for (name, content) in files {
            let file = self.path.join(name);
            std::fs::create_dir_all(file.parent().unwrap_or(&self.path))?;
            std::fs::write(file, content)?;
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])?;
        self.head()
    }

    /// Takes the last commit back by another one; gives that.
    pub fn revert(&self) -> Fallible<String> {
        self.git(&["revert", "--no-edit", "HEAD"])?;
        self.head()
    }

    fn head(&self) -> Fallible<String> {
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    fn git(&self, arguments: &[&str]) -> Fallible<String> {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.path).args(arguments);
        // Whatever the machine's own settings are.
        git.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "team").env(format!("GIT_{who}_EMAIL"), "team@e2e.test");
        }
        run(&mut git, None)
    }
}
