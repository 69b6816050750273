//! A service in this process, two calendars on servers of ours, and a clock that moves only when
//! the story says so.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use engine::pair::Pair;
use engine::provider::ProviderKind;
use jiff::Timestamp;
use jobs::directory;
use jobs::report::{Run, Silent};
use jobs::{Clock, Services, SyncOptions};
use providers::http::{AddressPolicy, Http};
use simulators::caldav::{CalDav, Calendar, Manners};
use simulators::faults::Faults;
use simulators::google;
use simulators::person::Person;
use simulators::proxy::Proxy;
use simulators::servers::{Kind, Server};
use simulators::traffic::Counts;

use crate::support::google::{Google, Settings};
use crate::support::storage::{Opened, Place};

pub mod checks;
mod ends;
pub mod google_env;
mod in_step;
pub mod push_env;

pub use crate::support::connector::{Connector, Origins, PREFIX, Spelling, address};
pub use ends::{Connected, End, new_pair};

/// What the two people are called and sign in with. Invented.
pub const USERS: [(&str, &str); 2] = [("anna", "anna-secret-7531"), ("ben", "ben-secret-8642")];

/// The app-specific password on servers with Apple's manners. Invented.
pub const APP_PASSWORD: &str = "abcd-efgh-ijkl-mnop";

/// The time at which every story begins.
pub const BEGINNING: &str = "2026-03-10T12:00:00Z";

/// A clock that stands still until it is moved.
pub struct Hands {
    now: AtomicI64,
    /// By how many seconds the servers' clocks are ahead of it; nothing where they do not tell.
    servers: Mutex<Option<i64>>,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now.load(Ordering::Relaxed)).expect("a time of the story")
    }
}

impl Hands {
    /// The servers' time, as they tell it.
    pub fn of_servers(&self) -> Option<Timestamp> {
        let ahead = (*self.servers.lock().unwrap_or_else(PoisonError::into_inner))?;
        Timestamp::from_second(self.now().as_second() + ahead).ok()
    }
}

/// How the two calendars are paired.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    pub two_way: bool,
    pub private: bool,
    pub private_back: bool,
}

/// A service in this process with two accounts and a pair, and its clock.
pub struct Core {
    pub services: Services,
    pub pair: Pair,
    clock: Arc<Hands>,
    place: Place,
    opened: Opened,
    origins: Origins,
    google: Option<Arc<Settings>>,
    /// Real servers have their own time, and need it.
    real: bool,
    /// From which the vault's keys come: another installation has another one.
    root: u8,
    /// The two ends of the pair.
    pub ends: [End; 2],
}

/// An account to connect: who keeps it, its address, user and password.
#[derive(Clone, Debug)]
pub struct Account {
    pub kind: ProviderKind,
    pub url: String,
    pub user: String,
    pub password: String,
}

impl Core {
    /// Connects both accounts and pairs their calendars called `main`; at Google the primary ones.
    /// The addresses are the fixed ones of `origins`.
    async fn new(
        accounts: [Account; 2],
        origins: Origins,
        terms: Terms,
        real: bool,
    ) -> anyhow::Result<Self> {
        Box::pin(Self::with(accounts, origins, terms, real, None)).await
    }

    /// The same where Google may be among them.
    pub async fn with(
        accounts: [Account; 2],
        origins: Origins,
        terms: Terms,
        real: bool,
        google: Option<Arc<Settings>>,
    ) -> anyhow::Result<Self> {
        let place = Place::new().await?;
        let clock = Arc::new(Hands {
            now: AtomicI64::new(BEGINNING.parse::<Timestamp>()?.as_second()),
            servers: Mutex::new(None),
        });
        let opened = place.open(clock.clone())?;
        let root = 7;
        let services = services(&place, &opened, &clock, &origins, real, google.as_deref(), root)?;
        let ends = accounts.map(End::main);
        let [from, to] = [ends[0].connect(&services).await?, ends[1].connect(&services).await?];
        let pair =
            directory::add_pair(&services, new_pair([&from.calendar, &to.calendar], terms)).await?;
        Ok(Self { services, pair, clock, place, opened, origins, google, real, root, ends })
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

    /// The process dies and another one starts: nothing in memory survives. It dies in good order
    /// where it has nothing under way.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.opened.settle().await;
        self.opened = self.place.open(self.clock.clone())?;
        let setup = self.services.setup.clone();
        self.services = services(
            &self.place,
            &self.opened,
            &self.clock,
            &self.origins,
            self.real,
            self.google.as_deref(),
            self.root,
        )?;
        self.services.setup = setup;
        Ok(())
    }

    /// Time passes.
    pub fn wait(&self, seconds: i64) {
        self.clock.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// From now on the servers tell their time, which is this clock's and so many seconds.
    pub fn set_servers_ahead(&self, seconds: i64) {
        *self.clock.servers.lock().unwrap_or_else(PoisonError::into_inner) = Some(seconds);
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
        let mut origins = Origins::default();
        servers.iter().enumerate().for_each(|(side, server)| origins.add_all(side, server));
        let account = |i: usize| {
            let (user, password) = USERS[i];
            let url = address(i, Spelling::Plain);
            if apple[i] {
                let user = format!("{user}@example.org");
                return Account {
                    kind: ProviderKind::Icloud,
                    url,
                    user,
                    password: APP_PASSWORD.to_owned(),
                };
            }
            Account {
                kind: ProviderKind::Caldav,
                url,
                user: user.to_owned(),
                password: password.to_owned(),
            }
        };
        let accounts = [account(0), account(1)];
        let calendars = [0, 1].map(|i| {
            servers[i].account(&accounts[i].user, &accounts[i].password);
            servers[i].calendar(&accounts[i].user, "main")
        });
        Ok(Self { core: Core::new(accounts, origins, terms, false).await?, servers, calendars })
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
        let (mut accounts, mut people, mut hosts, mut origins) =
            (Vec::new(), Vec::new(), Vec::new(), Origins::default());
        for (side, kind) in kinds.into_iter().enumerate() {
            let server = match kind {
                Kind::Radicale => Server::radicale(&[USERS[0]]).await?,
                Kind::Xandikos => Server::xandikos().await?,
            };
            let (user, password) = server.users()[0].clone();
            let proxy = Proxy::start(server.url()).await?;
            people.push(
                server.account(&user).context("the user of the server")?.calendar("main").await?,
            );
            origins.add(side, proxy.url().as_str());
            accounts.push(Account {
                kind: ProviderKind::Caldav,
                url: address(side, Spelling::Plain),
                user,
                password,
            });
            hosts.push(Host::Real { proxy, _server: server });
        }
        let two = "two of each";
        let accounts = accounts.try_into().ok().context(two)?;
        let core = Core::new(accounts, origins, terms, true).await?;
        Ok(Self {
            core,
            hosts: hosts.try_into().ok().context(two)?,
            people: people.try_into().ok().context(two)?,
        })
    }
}

fn services(
    place: &Place,
    opened: &Opened,
    clock: &Arc<Hands>,
    origins: &Origins,
    real: bool,
    google: Option<&Settings>,
    root: u8,
) -> anyhow::Result<Services> {
    let access = AddressPolicy { allow_private: true };
    let http = Arc::new(if real { Http::new(access)? } else { Http::hurried(access)? });
    Ok(Services {
        leases: opened.leases(),
        queue: opened.queue(),
        store: opened.store(),
        vault: Arc::new(vault::Envelope::new(
            vault::LocalKey::open(place.path())?,
            vault::Root::new(&[root; 32]),
        )),
        connect: Arc::new(Connector {
            google: google.map(|google| Google::new(&http, google)),
            http,
            origins: origins.clone(),
            clock: Some(clock.clone()),
        }),
        clock: clock.clone(),
        owner: "local".into(),
        setup: Arc::default(),
        pace: Arc::default(),
    })
}
