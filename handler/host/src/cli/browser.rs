//! Opens a page in the user's browser, if there is one.

use std::process::{Command, Stdio};

use url::Url;

/// Passes the URL to a program of the system, never to a shell. Whether a browser opens is not
/// known. A browser for terminals gets no terminal.
pub fn open(url: &Url) {
    let mut command = opener();
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        // Some openers are the browser itself, so a thread waits for them, which also leaves no
        // zombie.
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
