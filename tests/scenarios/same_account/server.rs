//! A server of one of three makes with one user, who has a calendar with events and an empty one.

use anyhow::Context as _;
use simulators::caldav::{CalDav, Manners};
use simulators::person::Person;
use simulators::servers::Server;
use url::Url;

use crate::support::cli::{Answer, Cli};
use crate::support::events::many;

/// The make of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    Simulated,
    Radicale,
    Xandikos,
}

pub const MAKES: [Make; 3] = [Make::Simulated, Make::Radicale, Make::Xandikos];

pub struct Remote {
    pub url: Url,
    pub user: String,
    pub password: String,
    pub principal: String,
    pub home: String,
    /// The calendar `work`; `spare` stays empty.
    pub work: Person,
    server: Backend,
}

enum Backend {
    Simulated(CalDav),
    Real { _server: Server },
}

impl Remote {
    /// With so many events in `work`.
    pub async fn new(make: Make, events: usize) -> anyhow::Result<Self> {
        let remote = match make {
            Make::Simulated => Self::simulated_with(Manners::generic()).await?,
            Make::Radicale => {
                Self::of(
                    Server::radicale(&[("anna@example.org", "anna-secret-7531")]).await?,
                    "/anna@example.org/",
                    "",
                )
                .await?
            }
            Make::Xandikos => Self::of(Server::xandikos().await?, "/user/", "calendars/").await?,
        };
        for (name, object) in many(events) {
            remote.work.put(&name, &object).await?;
        }
        Ok(remote)
    }

    async fn simulated_with(manners: Manners) -> anyhow::Result<Self> {
        let server = CalDav::start(manners).await?;
        let (user, password) = ("anna".to_owned(), "anna-secret-7531".to_owned());
        let work = Person::from(server.account(&user, &password).calendar(&user, "work"));
        server.calendar(&user, "spare");
        let (principal, home) = ("/principals/anna/".to_owned(), "/calendars/anna/".to_owned());
        Ok(Self {
            url: server.url(),
            user,
            password,
            principal,
            home,
            work,
            server: Backend::Simulated(server),
        })
    }

    async fn of(server: Server, principal: &str, below: &str) -> anyhow::Result<Self> {
        let (user, password) = server.users()[0].clone();
        let account = server.account(&user).context("the user")?;
        account.calendar("spare").await?;
        let work = account.calendar("work").await?;
        let home = format!("{principal}{below}");
        Ok(Self {
            url: server.url().clone(),
            user,
            password,
            principal: principal.to_owned(),
            home,
            work,
            server: Backend::Real { _server: server },
        })
    }

    /// The server, where it is ours.
    pub fn simulated(&self) -> Option<&CalDav> {
        match &self.server {
            Backend::Simulated(server) => Some(server),
            Backend::Real { .. } => None,
        }
    }

    /// Connects its user by this address.
    pub async fn add(&self, cli: &Cli, url: &str) -> anyhow::Result<Answer> {
        cli.account_add(url, &self.user, &self.password).await
    }

    /// What the account is called when it was connected by this address.
    pub fn name_at(&self, url: &str) -> String {
        format!("{} on {}", self.user, host(url))
    }

    /// Addresses that lead here, but for the one that it is first known by.
    pub fn spellings(&self) -> Vec<String> {
        let Self { principal, home, .. } = self;
        let bare = |path: &str| path.trim_end_matches('/').to_owned();
        let paths = [
            "".to_owned(),
            "/.well-known/caldav".to_owned(),
            principal.clone(),
            bare(principal),
            home.clone(),
            bare(home),
            format!("{home}work/"),
        ];
        let number = self.url.as_str().trim_end_matches('/');
        let name = number.replace("127.0.0.1", "localhost");
        [number, &name]
            .into_iter()
            .flat_map(|origin| paths.iter().map(move |path| format!("{origin}{path}")))
            .collect()
    }
}

/// Host and port of an address.
pub fn host(url: &str) -> String {
    let url = url::Url::parse(url).expect("an address");
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or_default())
}
