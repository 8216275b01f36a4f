//! Those who rename a field or change its type, each in its own way.

use std::process::Stdio;
use std::time::Instant;

use crossfade::plan::CAST_MODE;
use crossfade::schema::connection::Database;
use crossfade::schema::{Session, Settings, Throttle, expand, isolate};
use tokio::process::Command;

use super::Options;
use super::probe::Probe;
use super::report::Measured;
use super::steps::Steps;
use super::table::{self, BASE, PASSWORD, SCHEMA, Site};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// The field `a` becomes `b`.
    Rename,
    /// The field `t`, a text, becomes a number.
    Retype,
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// A new column and one UPDATE: no way to serve two versions, and the limit of speed.
    Plain,
    /// Crossfade's expand without pauses.
    FullSpeed,
    /// The same on one connection.
    OneConnection,
    /// Crossfade's expand as it is by default.
    Throttled,
    /// pt-online-schema-change.
    PtOsc,
    /// gh-ost.
    GhOst,
}

impl Contender {
    pub(crate) fn all() -> [Self; 6] {
        [Self::Plain, Self::FullSpeed, Self::OneConnection, Self::Throttled, Self::PtOsc, Self::GhOst]
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "one plain UPDATE",
            Self::FullSpeed => "crossfade, full speed",
            Self::OneConnection => "crossfade, full speed, one connection",
            Self::Throttled => "crossfade",
            Self::PtOsc => "pt-online-schema-change",
            Self::GhOst => "gh-ost",
        }
    }

    /// Whether its program is installed.
    pub(crate) fn is_there(self) -> bool {
        let program = match self {
            Self::Plain | Self::FullSpeed | Self::OneConnection | Self::Throttled => return true,
            Self::PtOsc => "pt-online-schema-change",
            Self::GhOst => "gh-ost",
        };
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
    }

    /// Does the change with the probe beside it.
    pub(crate) async fn run(self, site: &Site<'_>, options: &Options, change: Change) -> Measured {
        match self {
            Self::Plain => plain(site, options, change).await,
            Self::FullSpeed | Self::OneConnection | Self::Throttled => {
                crossfade(self, site, options, change).await
            }
            Self::PtOsc | Self::GhOst => {
                let port = site.server.port.to_string();
                let mut command =
                    if self == Self::PtOsc { pt_osc(&port, change) } else { gh_ost(&port, change) };
                let probe = Probe::start(&site.url_of_old(), options, 1);
                let begun = Instant::now();
                let ran = command.stdin(Stdio::null()).output().await.unwrap();
                let seconds = begun.elapsed().as_secs_f64();
                let seen = probe.end().await;
                let output = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
                assert!(ran.status.success(), "{} failed: {output}", self.name());
                Measured::of(change, self.name(), seconds, seen)
            }
        }
    }
}

async fn plain(site: &Site<'_>, options: &Options, change: Change) -> Measured {
    let (column, value) = match change {
        Change::Rename => ("b varchar(140)", "b = a".to_owned()),
        Change::Retype => ("u int(11) NOT NULL DEFAULT 0", format!("u = {}", table::cast_of_t())),
    };
    let mut connection = site.root(BASE).await;
    let probe = Probe::start(&site.url_of_old(), options, 1);
    let begun = Instant::now();
    let sql = format!(
        "ALTER TABLE tabBench ADD COLUMN {column}, ALGORITHM=INSTANT; \
         SET STATEMENT sql_mode = '{CAST_MODE}' FOR UPDATE tabBench SET {value}"
    );
    table::send(&mut connection, &sql).await;
    let seconds = begun.elapsed().as_secs_f64();
    Measured::of(change, Contender::Plain.name(), seconds, probe.end().await)
}

async fn crossfade(contender: Contender, site: &Site<'_>, options: &Options, change: Change) -> Measured {
    let plan = table::plan_of(change);
    let throttle = Throttle {
        full_speed: contender != Contender::Throttled,
        connections: if contender == Contender::OneConnection { 1 } else { 2 },
        ..Throttle::default()
    };
    let settings = Settings { throttle, ..Settings::default() };
    let url = format!("mysql://127.0.0.1:{}/{BASE}", site.server.port);
    let database = Database::new(&url, Some(&site.server.credentials())).unwrap();
    let steps = Steps::default();
    let mut session = Session::begin(&database, SCHEMA, settings, &steps).await.unwrap();
    isolate::run(&mut session, &plan, PASSWORD).await.unwrap();
    // As the old version, through its views.
    let probe = Probe::start(&site.url_of_blue(), options, 1);
    let begun = Instant::now();
    expand::run(&mut session, &plan).await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let seen = probe.end().await;
    steps.say_what_stood(&seen, begun);
    Measured::of(change, contender.name(), seconds, seen)
}

fn pt_osc(port: &str, change: Change) -> Command {
    let alter = match change {
        Change::Rename => "CHANGE a b varchar(140)",
        Change::Retype => "MODIFY t int(11) NOT NULL DEFAULT 0",
    };
    let mut command = Command::new("pt-online-schema-change");
    command.args(["--alter", alter, "--execute", "--no-check-alter", "--no-version-check", "--quiet"]);
    command.args(["--recursion-method=none", "--user=root"]);
    command.arg(format!("h=127.0.0.1,P={port},D={BASE},t=tabBench"));
    command
}

fn gh_ost(port: &str, change: Change) -> Command {
    let alter = match change {
        Change::Rename => "CHANGE a b varchar(140)",
        Change::Retype => "MODIFY t int(11) NOT NULL DEFAULT 0",
    };
    let mut command = Command::new("gh-ost");
    command.args(["--host=127.0.0.1", &format!("--port={port}"), "--user=root", "--password="]);
    command.args([&format!("--database={BASE}"), "--table=tabBench", &format!("--alter={alter}")]);
    command.args(["--allow-on-master", "--approve-renamed-columns", "--assume-rbr", "--chunk-size=1000"]);
    command.args([
        "--initially-drop-ghost-table",
        "--initially-drop-old-table",
        "--initially-drop-socket-file",
    ]);
    command.args([
        "--skip-metadata-lock-check",
        "--serve-socket-file=/tmp/crossfade-bench-gh-ost.sock",
        "--execute",
    ]);
    command
}
