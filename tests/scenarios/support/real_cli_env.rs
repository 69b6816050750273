//! Two people on servers of others, a proxy before each, and the program between them as its user
//! runs it.

use anyhow::Context as _;
use serde_json::Value;
use simulators::person::Person;
use simulators::proxy::Proxy;
use simulators::servers::{Kind, Server};
use simulators::traffic::Counts;

use crate::support::cli::Cli;

/// Everything connected; no pair yet.
pub struct Town {
    pub cli: Cli,
    _servers: [Server; 2],
    pub proxies: [Proxy; 2],
    /// The two people, each at a calendar of their own.
    pub people: [Person; 2],
    /// Their calendars, as the program names them.
    pub calendars: [String; 2],
}

impl Town {
    /// A person on a server of each kind.
    pub async fn new(from: Kind, to: Kind) -> anyhow::Result<Self> {
        let servers = [server(from).await?, server(to).await?];
        let proxies =
            [Proxy::start(servers[0].url()).await?, Proxy::start(servers[1].url()).await?];
        let cli = Cli::new()?;
        let (mut people, mut calendars) = (Vec::new(), Vec::new());
        for ((server, proxy), name) in servers.iter().zip(&proxies).zip(["desk", "kitchen"]) {
            let (user, password) = server.users()[0].clone();
            people.push(server.account(&user).context("the user")?.calendar(name).await?);
            let account = cli.connect(proxy.url().as_str(), &user, &password).await?;
            calendars.push(cli.calendar(&account, name).await?);
        }
        let two = "two of each";
        Ok(Self {
            cli,
            _servers: servers,
            proxies,
            people: people.try_into().ok().context(two)?,
            calendars: calendars.try_into().ok().context(two)?,
        })
    }

    /// Pairs the two; the pair's id.
    pub async fn pair(&self, terms: &[&str]) -> anyhow::Result<String> {
        self.cli.pair_add(&self.calendars[0], &self.calendars[1], terms).await
    }

    /// One pass, and what both servers were asked for it.
    pub async fn sync(&self) -> anyhow::Result<(Value, [Counts; 2])> {
        self.proxies.iter().for_each(Proxy::reset_counts);
        let run = self.cli.sync().await?;
        Ok((run, [self.proxies[0].counts(), self.proxies[1].counts()]))
    }

    /// What both people see, a line an event.
    pub async fn agendas(&self) -> anyhow::Result<[Vec<String>; 2]> {
        Ok([lines(&self.people[0]).await?, lines(&self.people[1]).await?])
    }
}

/// What a person sees, a line an event.
pub async fn lines(person: &Person) -> anyhow::Result<Vec<String>> {
    Ok(person.agenda().await?.iter().map(ToString::to_string).collect())
}

async fn server(kind: Kind) -> anyhow::Result<Server> {
    match kind {
        Kind::Radicale => Server::radicale(&[("anna@example.org", "anna-secret-7531")]).await,
        Kind::Xandikos => Server::xandikos().await,
    }
}
