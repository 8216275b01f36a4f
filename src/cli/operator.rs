//! `crossfade operator`: the controller.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::Output;
use crate::controller::{self, Settings};

/// Run the operator: watch every FrappeRelease and release it.
///
/// Runs in a Pod with a service account, or from a terminal with a kubeconfig. `RUST_LOG` sets what is logged,
/// `--output json` logs one JSON object a line.
#[derive(Debug, Args)]
pub(super) struct Operator {
    /// Look at this namespace only; may be given several times, in the environment parted by commas.
    #[arg(long, env = "CROSSFADE_NAMESPACE", value_delimiter = ',')]
    namespace: Vec<String>,
    /// Image with this program, for Jobs and init containers.
    #[arg(long, env = "CROSSFADE_IMAGE")]
    image: String,
    /// Address of /metrics, /healthz and /readyz.
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Act only while holding the Lease: for more than one replica.
    #[arg(long)]
    leader_elect: bool,
}

impl Operator {
    /// Runs the command until it is stopped.
    pub(super) fn run(self, output: Output) -> ExitCode {
        log_to_stderr(output);
        let settings = Settings {
            namespaces: self.namespace.into_iter().filter(|namespace| !namespace.is_empty()).collect(),
            image: self.image,
            listen: self.listen,
            is_leader_elected: self.leader_elect,
        };
        super::target::block_on(async {
            controller::run(settings).await.map_err(|error| super::target::chain(&error))
        })
    }
}

fn log_to_stderr(output: Output) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match output {
        Output::Human => log.init(),
        Output::Json => log.json().init(),
    }
}
