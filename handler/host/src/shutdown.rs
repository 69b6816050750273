//! The end of the process: Ctrl-C and SIGTERM.

use std::future::Future;
use std::io;

use tokio::sync::watch;

/// Resolves at Ctrl-C or SIGTERM, which no longer end the process by themselves.
///
/// # Errors
/// If the signals cannot be handled.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at Ctrl-C.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn stop_asked() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // If Ctrl-C cannot be handled, it ends the process directly.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Resolves when the process ends.
pub async fn until_ended(mut ended: watch::Receiver<bool>) {
    // A dropped sender also means the end.
    let _ = ended.wait_for(|ended| *ended).await;
}
