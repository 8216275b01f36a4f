//! `crossfade dashboard`: releases as they run, on loopback.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::target;
use crate::web::dashboard::{self, Settings};

/// Watch releases in the browser, and approve, promote, pause, resume, abort, retry and undo them.
///
/// Prints an address on loopback; open it in a browser on this machine. What the page shows and says, it does with the
/// rights of your kubeconfig. Ends with Ctrl+C.
#[derive(Debug, Args)]
pub(super) struct Dashboard {
    /// Namespace to show. Default: that of the kubeconfig's current context.
    #[arg(short, long, conflicts_with = "all_namespaces")]
    namespace: Option<String>,
    /// Show the releases of all namespaces.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only show, for a screen on a wall: the page has no buttons, and the server says nothing to releases.
    #[arg(long)]
    read_only: bool,
    /// Port on 127.0.0.1; 0 for any that is free.
    #[arg(long, value_name = "N", default_value_t = 4681)]
    port: u16,
}

impl Dashboard {
    /// Runs the command.
    pub(super) fn run(self) -> ExitCode {
        target::block_on(async move {
            let client = target::client().await?;
            let own = || self.namespace.unwrap_or_else(|| client.default_namespace().to_owned());
            let namespace = (!self.all_namespaces).then(own);
            let settings = Settings { client, namespace, read_only: self.read_only };
            let announce = |address: &str| {
                println!("{address}");
                // Who started us may read it from a pipe.
                let _ = std::io::stdout().flush();
            };
            let stop = super::stopped::stopped().map_err(|failure| failure.to_string())?;
            dashboard::serve(settings, self.port, announce, stop).await
        })
    }
}
