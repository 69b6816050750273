//! Xandikos 0.4: no logins, every calendar a git repository.

use std::path::Path;

use super::{Kind, Server};

/// The one user that it has by itself.
const USER: &str = "user";

pub(super) async fn start() -> anyhow::Result<Server> {
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
    let (process, url) = super::start("xandikos", prepare).await?;
    Ok(Server { kind: Kind::Xandikos, url, users: vec![(USER.into(), "any".into())], process })
}
