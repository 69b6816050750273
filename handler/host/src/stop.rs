//! Somebody asks the process to stop: Ctrl-C, SIGTERM.

use std::future::Future;
use std::io;

/// Resolves when somebody asks for a stop. From now on, asking does not end the process by itself.
///
/// # Errors
/// Where the system does not let us hear of it.
#[cfg(unix)]
pub fn stop_asked() -> io::Result<impl Future<Output = ()>> {
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

/// Resolves when somebody asks for a stop.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub fn stop_asked() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Where Ctrl-C cannot be heard, it ends the process in the system's own way.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
