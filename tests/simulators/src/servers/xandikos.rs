//! Xandikos 0.4: no logins, every calendar a git repository.

use std::path::Path;

use url::Url;

use super::process::{self, Process};

/// The one user that it has by itself.
pub(super) const USER: &str = "user";

pub(super) async fn start() -> anyhow::Result<(Process, Url)> {
    let prepare = |directory: &Path, port: u16| {
        let arguments = [
            "--defaults",
            "-d",
            &directory.join("data").display().to_string(),
            "-l",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ];
        Ok(arguments.map(str::to_owned).to_vec())
    };
    process::start("xandikos", prepare).await
}
