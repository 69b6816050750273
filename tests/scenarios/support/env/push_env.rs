//! Anna and Ben at Google, and a service in this process that Google reaches.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::pair::Pair;
use engine::provider::ProviderKind;
use functions::FUNCTIONS;
use functions::trigger::{self, FunctionCode};
use jiff::{SignedDuration, Timestamp};
use jobs::channels::{self, Heard, Notice};
use jobs::consent::{self, ConsentRequest, Granted};
use jobs::directory::{self, NewPair};
use jobs::doctor::Setup;
use jobs::nudge::{Nudge, QUEUE};
use jobs::report::{AccountState, PairState};
use jobs::{Clock, Connect, Consents, NudgeOutcome, Services};
use providers::google::OAuthClientSlot;
use providers::google::oauth::{self, Grants};
use providers::http::{AddressPolicy, Http};
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;
use serde_json::{Value, json};
use simulators::google::{self, Account, Quotas, Server};
use simulators::traffic::Kind;
use store::Embedded;
use tempfile::TempDir;
use url::Url;

use crate::support::google::Settings;

/// The clock of Google is everybody's here.
pub struct Watch(pub google::Clock);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The product's own way to Google, as one process knows it.
struct Connector {
    http: Arc<Http>,
    grants: Grants,
    api: Url,
}

impl Connector {
    fn new(google: &Server) -> anyhow::Result<Self> {
        let (http, settings) = (
            Arc::new(Http::hurried(AddressPolicy { allow_private: true })?),
            Settings::of(google)?,
        );
        let grants = Grants::new(Arc::new(oauth::Client::new(&http, settings.oauth)));
        Ok(Self { http, grants, api: settings.api })
    }
}

#[async_trait::async_trait]
impl Connect for Connector {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Err(providers::Error::Unauthorized)
    }
    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(providers::Error::Unauthorized)
    }
    fn open_kept(
        &self,
        _: ProviderKind,
        _: &str,
        user: &str,
        secret: SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        Ok(Arc::new(OAuthClientSlot::new(
            &self.http,
            &self.api,
            user,
            self.grants.open(user, &secret, keep),
        )?))
    }
    fn consents(&self, _: ProviderKind) -> providers::Result<&dyn Consents> {
        Ok(self)
    }
}

#[async_trait::async_trait]
impl Consents for Connector {
    fn ask(&self, _: &Url, _: &str) -> providers::Result<ConsentRequest> {
        Err(providers::Error::Misconfigured("nobody is sent to a page here".into()))
    }
    async fn redeem(
        &self,
        _: &Url,
        _: &SecretString,
        _: &SecretString,
    ) -> providers::Result<Granted> {
        Err(providers::Error::Misconfigured("nobody comes back from a page here".into()))
    }
    async fn adopt(&self, refresh_token: &SecretString) -> providers::Result<Granted> {
        let granted = self.grants.client().adopt(refresh_token).await?;
        let user = oauth::owner(&self.http, &self.api, &granted.access).await?;
        let secret = granted.refresh.clone();
        self.grants.begin(&user, granted);
        Ok(Granted {
            url: "https://www.googleapis.com/".into(),
            user,
            endpoint: "{}".into(),
            secret,
        })
    }
    async fn withdraw(&self, refresh_token: &SecretString) -> providers::Result<()> {
        self.grants.client().revoke(refresh_token).await
    }
}

/// Anna and Ben at Google, and a service between them that Google reaches.
pub struct World {
    pub google: Server,
    pub people: [Account; 2],
    pub services: Services,
    /// How many calls have been handed over.
    pub heard: usize,
    _dir: TempDir,
}

impl World {
    pub async fn new() -> anyhow::Result<Self> {
        let google = Server::start().await?;
        google.clock().stand_at("2026-03-10T12:00:00Z".parse()?);
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let people = ["anna@example.org", "ben@example.org"].map(|address| google.account(address));
        let dir = tempfile::tempdir()?;
        let clock = google.clock().clone();
        let store = Arc::new(Embedded::open(dir.path(), move || clock.now())?);
        let services = Services {
            leases: store.clone(),
            queue: store.clone(),
            store,
            vault: Arc::new(vault::Envelope::new(
                vault::LocalKey::open(dir.path())?,
                vault::Root::new(&[7; 32]),
            )),
            connect: Arc::new(Connector::new(&google)?),
            clock: Arc::new(Watch(google.clock().clone())),
            owner: "local".into(),
            setup: Arc::new(Setup {
                public_url: Some("https://calendars.example.org".into()),
                ..Setup::default()
            }),
            pace: Arc::default(),
        };
        let world = Self { google, people, services, heard: 0, _dir: dir };
        for person in &world.people {
            world.connects(person).await?;
        }
        Ok(world)
    }

    /// A person connects, or connects anew, with a grant that was given just now.
    pub async fn connects(&self, person: &Account) -> jobs::Result<directory::Account> {
        consent::adopt(&self.services, ProviderKind::Google, &person.refresh_token().into()).await
    }

    /// Another process on the same storage: it remembers nothing, and has asked nobody yet.
    pub fn process(&self) -> anyhow::Result<Services> {
        Ok(Services {
            connect: Arc::new(Connector::new(&self.google)?),
            pace: Arc::default(),
            ..self.services.clone()
        })
    }

    /// The process dies, and another one takes its place.
    pub fn dies(&mut self) -> anyhow::Result<()> {
        self.services = self.process()?;
        Ok(())
    }

    /// How an account stands, and why.
    pub async fn account(&self, side: usize) -> anyhow::Result<AccountState> {
        let accounts = jobs::status(&self.services, 60).await?.accounts;
        accounts
            .into_iter()
            .find(|account| account.name == self.people[side].address())
            .context("the account")
    }

    /// How the pair stands.
    pub async fn standing(&self) -> anyhow::Result<PairState> {
        jobs::status(&self.services, 60).await?.pairs.pop().context("a pair")
    }

    /// The timers of so many minutes, and what they and Google's calls lead to.
    pub async fn minutes(&mut self, minutes: usize) -> anyhow::Result<()> {
        for minute in 0..minutes {
            self.wait(60);
            jobs::poll_calendars(&self.services).await?;
            if minute % 60 == 0 {
                channels::renew(&self.services, false).await?;
            }
            self.deliver().await?;
            self.work().await?;
        }
        Ok(())
    }

    /// Paired both ways, and at rest.
    pub async fn paired() -> anyhow::Result<(Self, Pair)> {
        let mut world = Self::new().await?;
        let pair = world.pair(world.people[0].address(), world.people[1].address(), true).await?;
        world.rest().await?;
        world.google.reset_counts();
        Ok((world, pair))
    }

    pub async fn pair(&self, from: &str, to: &str, two_way: bool) -> anyhow::Result<Pair> {
        let listing = directory::calendars(&self.services, None).await?;
        let id = |address: &str| {
            listing.calendars.iter().find(|row| row.address == address).unwrap().id.clone()
        };
        let new = NewPair {
            from: id(from),
            to: id(to),
            two_way,
            private: false,
            private_back: false,
            window_past: "3mo".parse()?,
            window_future: "12mo".parse()?,
            take_over: false,
        };
        Ok(directory::add_pair(&self.services, new).await?)
    }

    /// Hands over what Google has sent since, but for what was lost.
    pub async fn deliver(&mut self) -> anyhow::Result<Vec<Heard>> {
        let sent = self.google.pushes().sent();
        let new = sent[self.heard..].to_vec();
        self.heard = sent.len();
        let mut heard = Vec::new();
        for push in new.iter().filter(|push| !push.lost) {
            heard.push(hear(&self.services, push).await?);
        }
        Ok(heard)
    }

    /// Does the work that can be seen by now; how many nudges that was.
    pub async fn work(&self) -> anyhow::Result<usize> {
        let mut done = 0;
        loop {
            let messages = self.services.queue.take(QUEUE, 32, Duration::from_secs(600)).await?;
            if messages.is_empty() {
                return Ok(done);
            }
            for message in messages {
                match jobs::sync_calendar(&self.services, &Nudge::from_text(&message.body)?).await {
                    NudgeOutcome::Retry if message.dequeue_count < 5 => {
                        self.services
                            .queue
                            .extend(QUEUE, &message, Duration::from_secs(30))
                            .await?;
                    }
                    _ => self.services.queue.delete(QUEUE, &message).await?,
                }
                done += 1;
            }
        }
    }

    /// Works and hears until there is nothing left to do, some seconds later.
    pub async fn rest(&mut self) -> anyhow::Result<()> {
        for _ in 0..20 {
            let (done, heard) = (self.work().await?, self.deliver().await?.len());
            if done + heard == 0 {
                return Ok(());
            }
            self.wait(6);
        }
        anyhow::bail!("it never comes to rest")
    }

    pub fn wait(&self, seconds: i64) {
        self.google.clock().advance(SignedDuration::from_secs(seconds));
    }

    /// The channels that live of each of the two calendars.
    pub fn living(&self) -> [usize; 2] {
        let living = self.google.channels();
        self.people.each_ref().map(|person| {
            living.iter().filter(|(_, calendar)| calendar == person.address()).count()
        })
    }

    pub fn asked(&self, kind: Kind) -> u64 {
        self.google.counts().of(kind)
    }

    /// How many of Ben's events have this title.
    pub fn seen(&self, title: &str) -> usize {
        self.people[1]
            .primary()
            .items()
            .iter()
            .filter(|event| event["summary"] == title && event["status"] != "cancelled")
            .count()
    }

    #[track_caller]
    pub fn assert_proper(&self) {
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert_eq!((self.google.mails(), self.google.propagated()), (0, 0));
    }
}

/// The webhook itself, with these headers; the answer's status.
pub async fn webhook(
    services: &Services,
    headers: &[(&'static str, String)],
) -> anyhow::Result<u16> {
    let found = FUNCTIONS
        .iter()
        .find(|function| function.name == "google_webhook")
        .map(|function| function.run);
    let Some(FunctionCode::Http(_, run)) = found else {
        anyhow::bail!("the webhook is started by something else")
    };
    let mut request = trigger::HttpTrigger {
        method: "POST".parse()?,
        uri: "/webhooks/google".parse()?,
        headers: Default::default(),
        body: Vec::new(),
        client_address: None,
        operator: false,
    };
    for (name, value) in headers {
        request.headers.append(*name, value.parse()?);
    }
    Ok(run(services, request).await.status.as_u16())
}

pub async fn hear(services: &Services, push: &google::Push) -> anyhow::Result<Heard> {
    let header = |name| {
        push.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let notice = Notice {
        channel: header("x-goog-channel-id"),
        token: header("x-goog-channel-token"),
        resource: header("x-goog-resource-id"),
        greeting: header("x-goog-resource-state") == "sync",
    };
    Ok(channels::hear_google(services, notice).await?)
}

pub fn event(title: &str) -> Value {
    json!({
        "summary": title,
        "start": { "dateTime": "2026-03-12T12:00:00+02:00", "timeZone": "Europe/Tallinn" },
        "end": { "dateTime": "2026-03-12T13:00:00+02:00", "timeZone": "Europe/Tallinn" },
    })
}
