//! The servers at the two ends of a pair, each with a user and a calendar.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use engine::provider::ProviderKind;
use simulators::caldav::{self, CalDav, Manners};
use simulators::faults::Faults;
use simulators::person::Person;
use simulators::proxy::Proxy;
use simulators::traffic::Counts;
use simulators::{google, servers};

use super::accounts::{APP_PASSWORD, Account, USERS};
use super::connector::Origins;

/// A server that a scenario starts.
pub trait TestServer: Sized {
    /// What is started.
    type Kind;
    /// A calendar, as its user sees it.
    type Calendar;

    /// Starts two servers, and an account with a calendar on each. `google` serves all
    /// ends at Google.
    async fn start(
        kinds: [Self::Kind; 2],
        google: Option<Arc<google::Server>>,
    ) -> anyhow::Result<Ends<Self>>;

    /// Adds the addresses of the server of a side.
    fn add_origins(&self, side: usize, origins: &mut Origins);

    fn counts(&self) -> Counts;

    fn reset_counts(&self);

    /// Fails where an attendee was mailed, or a request broke the server's rules.
    fn check(&self) -> anyhow::Result<()>;
}

/// Both servers, Anna's account and calendar on the first one, and Ben's on the second.
pub struct Ends<S: TestServer> {
    pub servers: [S; 2],
    pub people: [S::Calendar; 2],
    pub accounts: [Account; 2],
}

/// What serves one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    CalDav,
    /// CalDAV as Apple speaks it.
    Icloud,
    Google,
    Radicale,
    Xandikos,
}

/// A server of any provider.
pub enum Server {
    CalDav(CalDav),
    Google(Arc<google::Server>),
    /// A real server behind a proxy.
    Real {
        proxy: Proxy,
        _server: servers::Server,
    },
}

impl TestServer for CalDav {
    type Kind = Manners;
    type Calendar = caldav::Calendar;

    async fn start(
        [first, second]: [Manners; 2],
        _: Option<Arc<google::Server>>,
    ) -> anyhow::Result<Ends<Self>> {
        let is_apple = [first.partition, second.partition];
        let servers = [Self::start(first).await?, Self::start(second).await?];
        let accounts = [0, 1].map(|side| caldav_account(side, &servers[side], is_apple[side]));
        let people = [0, 1].map(|side| calendar(&servers[side], &accounts[side]));
        Ok(Ends { servers, people, accounts })
    }

    fn add_origins(&self, side: usize, origins: &mut Origins) {
        origins.add_all(side, self);
    }

    fn counts(&self) -> Counts {
        self.counts()
    }

    fn reset_counts(&self) {
        self.reset_counts();
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.mails_sent() == 0, "an attendee was mailed");
        ensure!(self.complaints().is_empty(), "the server complains: {:?}", self.complaints());
        Ok(())
    }
}

impl TestServer for Server {
    type Kind = Provider;
    type Calendar = Person;

    async fn start(
        providers: [Provider; 2],
        google: Option<Arc<google::Server>>,
    ) -> anyhow::Result<Ends<Self>> {
        let (mut servers, mut people, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
        for (side, provider) in providers.into_iter().enumerate() {
            let (server, person, account) = match provider {
                Provider::Google => {
                    at_google(side, google.clone().context("call Builder::google")?)
                }
                Provider::CalDav | Provider::Icloud => {
                    let is_apple = provider == Provider::Icloud;
                    let manners = if is_apple { Manners::icloud() } else { Manners::generic() };
                    let server = CalDav::start(manners).await?;
                    let account = caldav_account(side, &server, is_apple);
                    let person = Person::from(calendar(&server, &account));
                    (Self::CalDav(server), person, account)
                }
                Provider::Radicale => {
                    real(servers::Server::radicale(&[("anna@example.org", USERS[0].1)]).await?)
                        .await?
                }
                Provider::Xandikos => real(servers::Server::xandikos().await?).await?,
            };
            servers.push(server);
            people.push(person);
            accounts.push(account);
        }
        let two = "two of each";
        Ok(Ends {
            servers: servers.try_into().ok().context(two)?,
            people: people.try_into().ok().context(two)?,
            accounts: accounts.try_into().ok().context(two)?,
        })
    }

    fn add_origins(&self, side: usize, origins: &mut Origins) {
        match self {
            Self::CalDav(server) => origins.add_all(side, server),
            Self::Google(_) => {}
            Self::Real { proxy, .. } => origins.add(side, proxy.url().as_str()),
        }
    }

    fn counts(&self) -> Counts {
        match self {
            Self::CalDav(server) => server.counts(),
            Self::Google(server) => server.counts(),
            Self::Real { proxy, .. } => proxy.counts(),
        }
    }

    fn reset_counts(&self) {
        match self {
            Self::CalDav(server) => server.reset_counts(),
            Self::Google(server) => server.reset_counts(),
            Self::Real { proxy, .. } => proxy.reset_counts(),
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::CalDav(server) => server.check(),
            Self::Google(server) => {
                ensure!((server.mails(), server.propagated()) == (0, 0), "an attendee was mailed");
                ensure!(
                    server.violations().is_empty(),
                    "Google complains: {:?}",
                    server.violations()
                );
                Ok(())
            }
            Self::Real { .. } => Ok(()),
        }
    }
}

impl Server {
    /// What goes wrong on the way to the server.
    pub fn faults(&self) -> &Faults {
        match self {
            Self::CalDav(server) => server.faults(),
            Self::Google(server) => server.faults(),
            Self::Real { proxy, .. } => proxy.faults(),
        }
    }

    /// The simulated Google, where the server is Google's.
    pub fn google(&self) -> Option<&Arc<google::Server>> {
        if let Self::Google(server) = self { Some(server) } else { None }
    }
}

impl From<Ends<CalDav>> for Ends<Server> {
    fn from(ends: Ends<CalDav>) -> Self {
        Self {
            servers: ends.servers.map(Server::CalDav),
            people: ends.people.map(Person::from),
            accounts: ends.accounts,
        }
    }
}

fn caldav_account(side: usize, server: &CalDav, is_apple: bool) -> Account {
    let (user, password) = USERS[side];
    let url = server.url().to_string();
    let (kind, user, password) = if is_apple {
        (ProviderKind::Icloud, format!("{user}@example.org"), APP_PASSWORD)
    } else {
        (ProviderKind::Caldav, user.to_owned(), password)
    };
    Account { kind, url, user, password: password.to_owned() }
}

fn calendar(server: &CalDav, account: &Account) -> caldav::Calendar {
    server.account(&account.user, &account.password).calendar(&account.user, "main")
}

fn at_google(side: usize, server: Arc<google::Server>) -> (Server, Person, Account) {
    let account = server.account(&format!("{}@example.org", USERS[side].0));
    let person = Person::from(account.primary());
    let account = Account {
        kind: ProviderKind::Google,
        url: server.url().to_string(),
        user: account.address().to_owned(),
        password: account.refresh_token(),
    };
    (Server::Google(server), person, account)
}

async fn real(server: servers::Server) -> anyhow::Result<(Server, Person, Account)> {
    let (user, password) = server.users()[0].clone();
    let person = server.account(&user).context("the user of the server")?.calendar("main").await?;
    let proxy = Proxy::start(server.url()).await?;
    let url = proxy.url().to_string();
    let account = Account { kind: ProviderKind::Caldav, url, user, password };
    Ok((Server::Real { proxy, _server: server }, person, account))
}
