//! A service in this process, two calendars on servers of ours, and a clock that moves only when the story says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context as _;
use engine::calendar::ProviderKind;
use engine::pair::Pair;
use jiff::Timestamp;
use jobs::directory::{self, NewPair};
use jobs::report::{Run, Silent};
use jobs::{Clock, Connect, Services, SyncOptions};
use providers::caldav::{CalDav as Client, Endpoint, discover};
use providers::http::{Access, Http};
use providers::{Keep, Provider};
use secrecy::SecretString;
use simulators::caldav::{CalDav, Calendar, Manners};
use simulators::faults::Faults;
use simulators::google;
use simulators::person::Person;
use simulators::proxy::Proxy;
use simulators::servers::{Kind, Server};
use simulators::traffic::Counts;

use crate::google_pairs::{Google, Settings};
use crate::storage::{Opened, Place};

/// What the two people are called and sign in with. Invented.
pub const USERS: [(&str, &str); 2] = [("anna", "anna-secret-7531"), ("ben", "ben-secret-8642")];

/// The app-specific password on servers with Apple's manners. Invented.
pub const APP_PASSWORD: &str = "abcd-efgh-ijkl-mnop";

/// The time at which every story begins.
pub const BEGINNING: &str = "2026-03-10T12:00:00Z";

/// A clock that stands still until it is moved.
pub struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).expect("a time of the story")
    }
}

/// How the two calendars are paired.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    pub two_way: bool,
    pub private: bool,
    pub private_back: bool,
}

/// The product's own way from an account to a provider. The servers' ports are new every time and their addresses would be part of every id:
/// accounts are connected under fixed addresses, which stand for them, so that a story has the same names each time it is told.
pub struct Connector {
    pub http: Arc<Http>,
    /// What the fixed addresses stand for; empty where none is used.
    pub servers: [String; 2],
    pub google: Option<Google>,
}

const ADDRESSES: [&str; 2] = ["http://127.0.0.1:1001/", "http://127.0.0.1:1002/"];

#[async_trait::async_trait]
impl Connect for Connector {
    async fn discover(&self, kind: ProviderKind, url: &str, user: &str, secret: &SecretString) -> providers::Result<String> {
        if kind == ProviderKind::Google {
            return Ok(String::new());
        }
        let url = ADDRESSES.iter().zip(&self.servers).find(|(address, _)| **address == url).map_or(url, |(_, server)| server.as_str());
        let endpoint = discover(&self.http, kind, url, user, secret).await?;
        serde_json::to_string(&endpoint).map_err(|error| providers::Error::BadAnswer(error.to_string()))
    }

    fn open(&self, kind: ProviderKind, endpoint: &str, user: &str, secret: SecretString) -> providers::Result<Arc<dyn Provider>> {
        let endpoint: Endpoint = serde_json::from_str(endpoint).map_err(|error| providers::Error::BadAnswer(error.to_string()))?;
        Ok(Arc::new(Client::new(&self.http, kind, &endpoint, user, &secret)?))
    }

    fn open_kept(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
        keep: Arc<dyn Keep>,
    ) -> providers::Result<Arc<dyn Provider>> {
        match &self.google {
            Some(google) if kind == ProviderKind::Google => google.open(&self.http, user, &secret, keep),
            _ => self.open(kind, endpoint, user, secret),
        }
    }
}

/// A service in this process with two accounts and a pair, and its clock.
pub struct Core {
    pub services: Services,
    pub pair: Pair,
    clock: Arc<Hands>,
    place: Place,
    opened: Opened,
    servers: [String; 2],
    google: Option<Arc<Settings>>,
    /// Real servers have their own time, and need it.
    real: bool,
}

/// An account to connect: who keeps it, where it really is, user and password.
pub struct Account {
    pub kind: ProviderKind,
    pub url: String,
    pub user: String,
    pub password: String,
}

impl Core {
    /// Connects both accounts and pairs their calendars called `main`; at Google the primary ones.
    async fn new(accounts: [Account; 2], terms: Terms, real: bool) -> anyhow::Result<Self> {
        Box::pin(Self::with(accounts, terms, real, None)).await
    }

    /// The same where Google may be among them.
    pub async fn with(accounts: [Account; 2], terms: Terms, real: bool, google: Option<Arc<Settings>>) -> anyhow::Result<Self> {
        let place = Place::new().await?;
        let clock = Arc::new(Hands(AtomicI64::new(BEGINNING.parse::<Timestamp>()?.as_second())));
        let servers = [accounts[0].url.clone(), accounts[1].url.clone()];
        let opened = place.open(clock.clone())?;
        let services = services(&place, &opened, &clock, &servers, real, google.as_deref())?;
        let mut ids = Vec::new();
        for (account, address) in accounts.into_iter().zip(ADDRESSES) {
            let Account { kind, user, password, .. } = account;
            let account = directory::connect_account(&services, kind, address, &user, &password.into()).await?;
            let listing = directory::calendars(&services, Some(&account.id)).await?;
            let is_main = |address: &str| address.ends_with("/main/") || address == account.user;
            ids.extend(listing.calendars.into_iter().filter(|row| is_main(&row.address)).map(|row| row.id));
        }
        let new = NewPair {
            from: ids[0].clone(),
            to: ids[1].clone(),
            two_way: terms.two_way,
            private: terms.private,
            private_back: terms.private_back,
            window_past: "3mo".parse()?,
            window_future: "12mo".parse()?,
            take_over: false,
        };
        let pair = directory::add_pair(&services, new).await?;
        Ok(Self { services, pair, clock, place, opened, servers, google, real })
    }

    /// One pass.
    pub async fn sync(&self) -> Run {
        self.sync_with(SyncOptions::default()).await
    }

    /// One pass, done in this way.
    pub async fn sync_with(&self, options: SyncOptions) -> Run {
        let pair = directory::pair(&self.services, &self.pair.id).await.expect("the pair is there");
        let report = jobs::sync(&self.services, &[pair], options, &Silent).await;
        report.pairs.into_iter().next().expect("one pair, one run")
    }

    /// The process dies and another one starts: nothing in memory survives. It dies in good order where it has nothing under way.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.opened.settle().await;
        self.opened = self.place.open(self.clock.clone())?;
        let setup = self.services.setup.clone();
        self.services = services(&self.place, &self.opened, &self.clock, &self.servers, self.real, self.google.as_deref())?;
        self.services.setup = setup;
        Ok(())
    }

    /// Time passes.
    pub fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// Two people, a calendar each on a server of ours in memory, a service between them.
pub struct World {
    pub core: Core,
    /// The two servers.
    pub servers: [CalDav; 2],
    /// Anna's calendar (`from`) and Ben's (`to`).
    pub calendars: [Calendar; 2],
}

impl std::ops::Deref for World {
    type Target = Core;
    fn deref(&self) -> &Core {
        &self.core
    }
}

impl World {
    /// Everything connected and paired; nothing synced yet.
    pub async fn new(manners: [Manners; 2], terms: Terms) -> anyhow::Result<Self> {
        let apple = [manners[0].partition, manners[1].partition];
        let [one, two] = manners;
        let servers = [CalDav::start(one).await?, CalDav::start(two).await?];
        let account = |i: usize| {
            let (user, password) = USERS[i];
            let url = servers[i].url().to_string();
            if apple[i] {
                let user = format!("{user}@example.org");
                return Account { kind: ProviderKind::Icloud, url, user, password: APP_PASSWORD.to_owned() };
            }
            Account { kind: ProviderKind::Caldav, url, user: user.to_owned(), password: password.to_owned() }
        };
        let accounts = [account(0), account(1)];
        let calendars = [0, 1].map(|i| {
            servers[i].account(&accounts[i].user, &accounts[i].password);
            servers[i].calendar(&accounts[i].user, "main")
        });
        Ok(Self { core: Core::new(accounts, terms, false).await?, servers, calendars })
    }

    /// Writes (PUT and DELETE) that the two servers were asked for since the counts were reset.
    pub fn writes(&self) -> [u64; 2] {
        [self.servers[0].counts().writes(), self.servers[1].counts().writes()]
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        self.servers.iter().for_each(CalDav::reset_counts);
    }

    /// What must never have happened.
    pub fn assert_nobody_was_harmed(&self) {
        for server in &self.servers {
            assert_eq!(server.mails_sent(), 0, "a guest was mailed");
            assert_eq!(server.complaints(), Vec::<String>::new());
        }
    }
}

/// A server, ours or another's with a proxy before it.
pub enum Host {
    Memory(CalDav),
    Google(Arc<google::Server>),
    Real { proxy: Proxy, _server: Server },
}

impl Host {
    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        match self {
            Self::Memory(server) => server.faults(),
            Self::Google(server) => server.faults(),
            Self::Real { proxy, .. } => proxy.faults(),
        }
    }

    /// What was asked.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Memory(server) => server.counts(),
            Self::Google(server) => server.counts(),
            Self::Real { proxy, .. } => proxy.counts(),
        }
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        match self {
            Self::Memory(server) => server.reset_counts(),
            Self::Google(server) => server.reset_counts(),
            Self::Real { proxy, .. } => proxy.reset_counts(),
        }
    }
}

/// The same on any servers.
pub struct Stage {
    pub core: Core,
    pub hosts: [Host; 2],
    pub people: [Person; 2],
}

impl From<World> for Stage {
    fn from(world: World) -> Self {
        let World { core, servers, calendars } = world;
        Self { core, hosts: servers.map(Host::Memory), people: calendars.map(Person::from) }
    }
}

impl Stage {
    /// On a server of each kind, with a proxy before it.
    pub async fn real(kinds: [Kind; 2], terms: Terms) -> anyhow::Result<Self> {
        let (mut accounts, mut people, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
        for kind in kinds {
            let server = match kind {
                Kind::Radicale => Server::radicale(&[USERS[0]]).await?,
                Kind::Xandikos => Server::xandikos().await?,
            };
            let (user, password) = server.users()[0].clone();
            let proxy = Proxy::start(server.url()).await?;
            people.push(server.account(&user).context("the user of the server")?.calendar("main").await?);
            accounts.push(Account { kind: ProviderKind::Caldav, url: proxy.url().to_string(), user, password });
            hosts.push(Host::Real { proxy, _server: server });
        }
        let two = "two of each";
        let accounts = accounts.try_into().ok().context(two)?;
        let core = Core::new(accounts, terms, true).await?;
        Ok(Self { core, hosts: hosts.try_into().ok().context(two)?, people: people.try_into().ok().context(two)? })
    }
}

fn services(
    place: &Place,
    opened: &Opened,
    clock: &Arc<Hands>,
    servers: &[String; 2],
    real: bool,
    google: Option<&Settings>,
) -> anyhow::Result<Services> {
    let access = Access { allow_private: true };
    let http = Arc::new(if real { Http::new(access)? } else { Http::hurried(access)? });
    Ok(Services {
        leases: opened.leases(),
        queue: opened.queue(),
        store: opened.store(),
        vault: Arc::new(vault::Envelope::new(vault::Local::open(place.path())?, vault::Root::new(&[7; 32]))),
        connect: Arc::new(Connector { google: google.map(|google| Google::new(&http, google)), http, servers: servers.clone() }),
        clock: clock.clone(),
        owner: "local".into(),
        setup: Arc::default(),
        pace: Arc::default(),
    })
}
