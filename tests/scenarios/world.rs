//! A service in this process, two calendars on servers of ours, and a clock that moves only when the story says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use engine::calendar::ProviderKind;
use engine::pair::Pair;
use jiff::Timestamp;
use jobs::directory::{self, NewPair};
use jobs::report::{Run, Silent};
use jobs::{Clock, Connect, Services, SyncOptions};
use providers::Provider;
use providers::caldav::{CalDav as Client, Endpoint, discover};
use providers::http::{Access, Http};
use secrecy::SecretString;
use simulators::caldav::{CalDav, Calendar, Manners};
use tempfile::TempDir;

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
struct Connector {
    http: Arc<Http>,
    servers: [String; 2],
}

const ADDRESSES: [&str; 2] = ["http://127.0.0.1:1001/", "http://127.0.0.1:1002/"];

#[async_trait::async_trait]
impl Connect for Connector {
    async fn discover(&self, kind: ProviderKind, url: &str, user: &str, secret: &SecretString) -> providers::Result<String> {
        let url = ADDRESSES.iter().zip(&self.servers).find(|(address, _)| **address == url).map_or(url, |(_, server)| server.as_str());
        let endpoint = discover(&self.http, kind, url, user, secret).await?;
        serde_json::to_string(&endpoint).map_err(|error| providers::Error::BadAnswer(error.to_string()))
    }

    fn open(&self, kind: ProviderKind, endpoint: &str, user: &str, secret: SecretString) -> providers::Result<Arc<dyn Provider>> {
        let endpoint: Endpoint = serde_json::from_str(endpoint).map_err(|error| providers::Error::BadAnswer(error.to_string()))?;
        Ok(Arc::new(Client::new(&self.http, kind, &endpoint, user, &secret)?))
    }
}

/// Two people, a calendar each, a service between them.
pub struct World {
    pub services: Services,
    /// The two servers.
    pub servers: [CalDav; 2],
    /// Anna's calendar (`from`) and Ben's (`to`).
    pub calendars: [Calendar; 2],
    pub pair: Pair,
    clock: Arc<Hands>,
    dir: TempDir,
}

impl World {
    /// Everything connected and paired; nothing synced yet.
    pub async fn new(manners: [Manners; 2], terms: Terms) -> anyhow::Result<Self> {
        let dir = data_dir()?;
        let clock = Arc::new(Hands(AtomicI64::new(BEGINNING.parse::<Timestamp>()?.as_second())));
        let apple = [manners[0].partition, manners[1].partition];
        let [one, two] = manners;
        let servers = [CalDav::start(one).await?, CalDav::start(two).await?];
        let services = services(&dir, &clock, &servers)?;
        let mut calendars = Vec::new();
        let mut ids = Vec::new();
        for (i, (server, (user, password))) in servers.iter().zip(USERS).enumerate() {
            let apple = apple[i];
            let (kind, password) = if apple { (ProviderKind::Icloud, APP_PASSWORD) } else { (ProviderKind::Caldav, password) };
            let user = if apple { format!("{user}@example.org") } else { user.to_owned() };
            server.account(&user, password);
            calendars.push(server.calendar(&user, "main"));
            let account = directory::connect_account(&services, kind, ADDRESSES[i], &user, &password.into()).await?;
            let listing = directory::calendars(&services, Some(&account.id)).await?;
            ids.extend(listing.calendars.into_iter().filter(|row| row.address.ends_with("/main/")).map(|row| row.id));
        }
        let new = NewPair {
            from: ids[0].clone(),
            to: ids[1].clone(),
            two_way: terms.two_way,
            private: terms.private,
            private_back: terms.private_back,
            window_past: "3mo".parse()?,
            window_future: "12mo".parse()?,
        };
        let pair = directory::add_pair(&services, new).await?;
        let [from, to] = <[Calendar; 2]>::try_from(calendars).expect("two calendars");
        Ok(Self { services, servers, calendars: [from, to], pair, clock, dir })
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

    /// The process dies and another one starts: nothing in memory survives.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.services = services(&self.dir, &self.clock, &self.servers)?;
        Ok(())
    }

    /// Time passes.
    pub fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
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

fn services(dir: &TempDir, clock: &Arc<Hands>, servers: &[CalDav; 2]) -> anyhow::Result<Services> {
    let time = clock.clone();
    let store = Arc::new(store::Embedded::open(dir.path(), move || time.now())?);
    Ok(Services {
        leases: store.clone(),
        store,
        vault: Arc::new(vault::Envelope::new(vault::Local::open(dir.path())?, vault::Root::new(&[7; 32]))),
        connect: Arc::new(Connector {
            http: Arc::new(Http::hurried(Access { allow_private: true })?),
            servers: [servers[0].url().to_string(), servers[1].url().to_string()],
        }),
        clock: clock.clone(),
        owner: "local".into(),
    })
}

/// In memory where the system has such a place: a thousand worlds should not wear out a disk.
fn data_dir() -> std::io::Result<TempDir> {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}
