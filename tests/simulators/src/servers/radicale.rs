//! Radicale 3.9, with plain logins and its files in a folder.

use std::fs;
use std::path::Path;

use url::Url;

use super::process::{self, Process};

pub(super) async fn start(users: &[(&str, &str)]) -> anyhow::Result<(Process, Url)> {
    let prepare = |directory: &Path, port: u16| {
        let logins: String =
            users.iter().map(|(user, password)| format!("{user}:{password}\n")).collect();
        fs::write(directory.join("users"), logins)?;
        let place = directory.display();
        // Eight connections at once are its usual limit; more only so that a test of parallelism
        // measures us and not it.
        let config = format!(
            "[server]\nhosts = 127.0.0.1:{port}\nmax_connections = 32\n\
             [auth]\ntype = htpasswd\nhtpasswd_filename = {place}/users\nhtpasswd_encryption = \
             plain\ndelay = 0\n\
             [storage]\nfilesystem_folder = {place}/data\n\
             [logging]\nlevel = warning\n"
        );
        let file = directory.join("config");
        fs::write(&file, config)?;
        Ok(vec!["--config".to_owned(), file.display().to_string()])
    };
    process::start("radicale", prepare).await
}

/// Writes a calendar as Radicale keeps it: a folder with a file an object, and its properties.
pub(super) fn fill(
    directory: &Path,
    user: &str,
    calendar: &str,
    objects: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<()> {
    let folder = directory.join("data/collection-root").join(user).join(calendar);
    fs::create_dir_all(&folder)?;
    for (name, text) in objects {
        fs::write(folder.join(name), text)?;
    }
    fs::write(folder.join(".Radicale.props"), r#"{"tag": "VCALENDAR"}"#)?;
    Ok(())
}
