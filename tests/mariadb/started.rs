//! A command that goes on beside its test, or stands where the test wants it.

use std::path::PathBuf;
use std::process::Child;

use super::site::{Ran, Site, wait_for};

/// A command and its log.
pub(crate) struct Started {
    child: Child,
    log: PathBuf,
}

impl Started {
    /// Starts it; a site has one at a time.
    pub(crate) fn new(site: &Site, command: &str, more: &[&str]) -> Self {
        let log = site.server.directory.join(format!("{}.log", site.name));
        let file = std::fs::File::create(&log).unwrap();
        let child =
            site.command(command, more).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, log }
    }

    /// Whether it printed a text.
    pub(crate) fn said(&self, text: &str) -> bool {
        std::fs::read_to_string(&self.log).unwrap().contains(text)
    }

    /// Whether it has not ended.
    pub(crate) fn is_at_work(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it ended, and all that it said.
    pub(crate) fn end(mut self) -> Ran {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { code, output: std::fs::read_to_string(&self.log).unwrap() }
    }
}

/// A command with a pause file.
pub(crate) struct Paused {
    command: Started,
    pause: PathBuf,
}

impl Paused {
    /// A command on a site that is handed over; it stands before the first row that it fills.
    pub(crate) fn before_the_first_row(site: &Site, command: &str, more: &[&str]) -> Self {
        std::fs::write(pause_file(site), "").unwrap();
        let paused = Self::start(site, command, more);
        wait_for("the pause", || paused.said("paused: "));
        paused
    }

    /// The same; it stops once it is told to.
    pub(crate) fn start(site: &Site, command: &str, more: &[&str]) -> Self {
        let pause = pause_file(site);
        let command =
            Started::new(site, command, &[more, &["--pause-file", pause.to_str().unwrap()]].concat());
        Self { command, pause }
    }

    /// Makes the file.
    pub(crate) fn stop(&self) {
        std::fs::write(&self.pause, "").unwrap();
    }

    /// Takes the file away.
    pub(crate) fn go_on(&self) {
        std::fs::remove_file(&self.pause).unwrap();
    }

    /// Whether it printed a text.
    pub(crate) fn said(&self, text: &str) -> bool {
        self.command.said(text)
    }

    /// Whether it has not ended.
    pub(crate) fn is_at_work(&mut self) -> bool {
        self.command.is_at_work()
    }

    /// How it ended, and all that it said.
    pub(crate) fn end(self) -> Ran {
        self.command.end()
    }
}

fn pause_file(site: &Site) -> PathBuf {
    site.server.directory.join(format!("{}.pause", site.name))
}
