//! The order to stop a command that runs until then.

use tokio::signal::unix::{SignalKind, signal};

use super::site::Failure;

/// Ends at SIGTERM (a Pod is stopped) or SIGINT (a terminal).
pub(super) fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::Unmet(format!("failed to listen for signals: {error}")));
    let (mut term, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
    })
}
