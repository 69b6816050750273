//! Two servers of one kind, a counting proxy before each, and calendars on them.

use std::path::Path;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use simulators::caldav::{CalDav, Manners};
use simulators::person::{Account, Person};
use simulators::proxy::Proxy;
use simulators::servers::Server;
use simulators::traffic::Counts;
use tempfile::TempDir;
use url::Url;

use crate::options::Kind;

/// Invented.
const USER: &str = "alice";
/// Invented.
const PASSWORD: &str = "bench-secret-1907";

/// Lets the servers that are started from now on keep their data in memory, where the system has a
/// place for that.
pub fn keep_servers_in_memory() {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        // Fails only where another directory was set before; then that one is used.
        let _ = tempfile::env::override_temp_dir(memory);
    }
}

/// A directory for a program's own data: on the disk, as for every user.
///
/// # Errors
/// Where there is none.
pub fn own_data() -> std::io::Result<TempDir> {
    tempfile::tempdir_in(std::env::temp_dir())
}

/// A server, and the proxy that the programs know it by.
#[derive(Debug)]
pub struct End {
    server: AnyServer,
    proxy: Proxy,
    /// The user that the programs sign in as.
    pub user: String,
    /// Their password.
    pub password: String,
    home: String,
}

#[derive(Debug)]
enum AnyServer {
    Real(Server),
    Memory(CalDav),
}

impl End {
    /// Starts both.
    ///
    /// # Errors
    /// Where the server cannot be installed or does not answer.
    pub async fn start(kind: Kind) -> anyhow::Result<Self> {
        let server = match kind {
            Kind::Xandikos => AnyServer::Real(Server::xandikos().await?),
            Kind::Radicale => AnyServer::Real(Server::radicale(&[(USER, PASSWORD)]).await?),
            Kind::Memory => {
                // vdirsyncer does not pass its stricter side.
                let server = CalDav::start(Manners { strict: false, ..Manners::generic() }).await?;
                server.account(USER, PASSWORD);
                AnyServer::Memory(server)
            }
        };
        let (url, user, password, home) = match &server {
            AnyServer::Real(server) => {
                let (user, password) =
                    server.users().first().context("a server without users")?.clone();
                let home =
                    server.account(&user).context("a user without an account")?.home().to_owned();
                (server.url().clone(), user, password, home)
            }
            AnyServer::Memory(server) => {
                (server.url(), USER.to_owned(), PASSWORD.to_owned(), format!("/calendars/{USER}/"))
            }
        };
        let proxy = Proxy::start(&url).await?;
        Ok(Self { server, proxy, user, password, home })
    }

    /// The address to give to a program: the proxy's.
    pub fn url(&self) -> Url {
        self.proxy.url()
    }

    /// An empty calendar, seen past the proxy.
    ///
    /// # Errors
    /// Where the server does not make it.
    pub async fn calendar(&self, name: &str) -> anyhow::Result<Person> {
        let url = match &self.server {
            AnyServer::Real(server) => server.url().clone(),
            AnyServer::Memory(server) => return Ok(server.calendar(&self.user, name).into()),
        };
        Account::at(&url, &self.user, &self.password, &self.home).calendar(name).await
    }

    /// A calendar with these objects, made the way that is the quickest on this server.
    ///
    /// # Errors
    /// Where the server does not take them.
    pub async fn filled(
        &self,
        name: &str,
        objects: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Person> {
        if let AnyServer::Real(server) = &self.server
            && server.kind() == simulators::servers::Kind::Radicale
        {
            server.fill(&self.user, name, objects)?;
            return self.calendar(name).await;
        }
        let calendar = self.calendar(name).await?;
        let person = &calendar;
        let put = |(name, ics): (String, String)| async move { person.put(&name, &ics).await };
        stream::iter(objects).map(put).buffer_unordered(8).try_collect::<()>().await?;
        Ok(calendar)
    }

    /// What was asked of it since [`End::reset`].
    pub fn counts(&self) -> Counts {
        self.proxy.counts()
    }

    /// Counts from zero.
    pub fn reset(&self) {
        self.proxy.reset_counts();
    }
}

/// What passed to both servers during one run.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// The side that events are copied from.
    pub source: Counts,
    /// The side that copies are made on.
    pub target: Counts,
}

impl Traffic {
    /// What passed since both were reset.
    pub fn of(ends: &[End; 2]) -> Self {
        Self { source: ends[0].counts(), target: ends[1].counts() }
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.source.total() + self.target.total()
    }

    /// Bytes of all bodies, both ways.
    pub fn bytes(&self) -> u64 {
        [&self.source, &self.target]
            .iter()
            .map(|counts| counts.bytes_up() + counts.bytes_down())
            .sum()
    }
}
