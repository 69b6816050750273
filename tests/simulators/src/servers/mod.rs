//! Real CalDAV servers, on loopback ports of their own and in directories that vanish with them.
//!
//! `tests/setup/servers.sh` installs them at the versions of `tests/requirements.txt`; it is run
//! here when first needed. A server ends with its [`Server`], and also when the test's process ends
//! in any other way: it listens on a pipe that only we hold open.

mod process;
mod radicale;
mod xandikos;

use std::path::{Path, PathBuf};

use url::Url;

use crate::person::Account;
use process::Process;

/// A running real server.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    url: Url,
    users: Vec<(String, String)>,
    process: Process,
}

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Radicale 3.9: logins, files in a folder.
    Radicale,
    /// Xandikos 0.4: no logins, git underneath.
    Xandikos,
}

impl Server {
    /// Radicale with these users and passwords.
    ///
    /// # Errors
    /// Where it cannot be installed or does not answer; the words hold the end of its log.
    pub async fn radicale(users: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (process, url) = radicale::start(users).await?;
        let users =
            users.iter().map(|(user, password)| (user.to_string(), password.to_string())).collect();
        Ok(Self { kind: Kind::Radicale, url, users, process })
    }

    /// Xandikos with its one user.
    ///
    /// # Errors
    /// As [`Server::radicale`].
    pub async fn xandikos() -> anyhow::Result<Self> {
        let (process, url) = xandikos::start().await?;
        let users = vec![(xandikos::USER.to_owned(), "any".to_owned())];
        Ok(Self { kind: Kind::Xandikos, url, users, process })
    }

    /// Which one it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The address to give to a client.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// User and password of each account. Xandikos has one account, and takes any password for it.
    pub fn users(&self) -> &[(String, String)] {
        &self.users
    }

    /// The account of a user, for a person to work in. `None` where there is no such user.
    pub fn account(&self, user: &str) -> Option<Account> {
        let (user, password) = self.users.iter().find(|(name, _)| name == user)?;
        let home = match self.kind {
            Kind::Radicale => format!("/{user}/"),
            Kind::Xandikos => format!("/{user}/calendars/"),
        };
        Some(Account::at(&self.url, user, password, &home))
    }

    /// Fills a calendar that does not exist yet with many objects (names and text) at once, past
    /// HTTP. Radicale only.
    ///
    /// # Errors
    /// Where the files cannot be written, or the server is another one.
    pub fn fill(
        &self,
        user: &str,
        calendar: &str,
        objects: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.kind == Kind::Radicale,
            "only Radicale reads objects from files that others wrote"
        );
        radicale::fill(self.directory(), user, calendar, objects)
    }

    /// Where it keeps its data.
    pub fn directory(&self) -> &Path {
        self.process.directory()
    }

    /// Its process, for measurements.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// What it wrote to its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The command that runs Python with everything in `tests/requirements.txt`: servers, vdirsyncer,
/// the oracles.
///
/// # Errors
/// Where it cannot be installed.
pub async fn python() -> anyhow::Result<PathBuf> {
    process::python().await.cloned()
}

#[cfg(test)]
mod tests;
