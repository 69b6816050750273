//! Opens a page in the person's browser, where there is one.

use std::process::{Command, Stdio};

use url::Url;

/// Hands the address to a program of the system's, never to a shell. Whether a browser opens only
/// the person sees. One for the terminal gets none.
pub fn open(url: &Url) {
    let mut command = opener();
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        // Some openers are the browser itself, so nobody waits for them here; and no zombie is
        // left.
        std::thread::spawn(move || child.wait());
    }
}

#[cfg(target_os = "macos")]
fn opener() -> Command {
    Command::new("open")
}

#[cfg(windows)]
fn opener() -> Command {
    let mut command = Command::new("rundll32");
    command.arg("url.dll,FileProtocolHandler");
    command
}

#[cfg(not(any(target_os = "macos", windows)))]
fn opener() -> Command {
    Command::new("xdg-open")
}
