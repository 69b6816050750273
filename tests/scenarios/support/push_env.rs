//! Anna and Ben at Google, an installation in this process, and Google's notifications, which the
//! scenario delivers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::pair::Pair;
use engine::provider::ProviderKind;
use functions::FUNCTIONS;
use functions::trigger::{self, FunctionCode};
use jobs::nudge::{Nudge, QUEUE};
use jobs::report::{AccountState, PairState};
use jobs::{NudgeOutcome, Scope, Services};
use providers::NotificationKind;
use serde_json::{Value, json};
use simulators::google::{self, Account, Quotas, Server};
use simulators::traffic::Kind;

use super::builder::Builder;
use super::clock::{START, TestClock};
use super::installation::{ONE_WAY, ProcessOptions, TWO_WAY, new_pair};
use super::product::{self, NotificationOutcome};
use super::servers::Provider;
use super::storage::TestStorage;

/// Both accounts are connected; Google can reach the installation.
pub struct PushEnv {
    pub google: Arc<Server>,
    pub people: [Account; 2],
    pub scope: Scope,
    /// How many notifications were delivered.
    pub delivered: usize,
    options: ProcessOptions,
    _storage: TestStorage,
}

impl PushEnv {
    pub async fn new() -> anyhow::Result<Self> {
        let google = Arc::new(Server::start().await?);
        google.clock().stand_at(START.parse()?);
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let people = ["anna@example.org", "ben@example.org"].map(|address| google.account(address));
        let (options, storage) = Builder::providers([Provider::Google; 2])
            .google(google.clone())
            .consents()
            .public()
            .clock(TestClock::Google(google.clock().clone()))
            .storage(TestStorage::embedded()?)
            .build_processes()
            .await?;
        let scope = options.process(&storage, &storage.open(&options.clock)?)?;
        let env = Self { google, people, scope, delivered: 0, options, _storage: storage };
        for person in &env.people {
            env.connect(person).await?;
        }
        Ok(env)
    }

    /// Connects an account, also again, with a grant that its owner has just given.
    pub async fn connect(&self, person: &Account) -> jobs::Result<product::Account> {
        product::adopt_consent(&self.scope, ProviderKind::Google, &person.refresh_token().into())
            .await
    }

    /// Another process on the same storage: it has nothing in memory and has made no request.
    pub fn process(&self) -> anyhow::Result<Scope> {
        Ok(Services {
            connect: Arc::new(self.options.connector()?),
            in_process: Arc::default(),
            ..self.scope.services.clone()
        }
        .scope(&self.scope.owner))
    }

    /// The process ends, and another one takes its place.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.scope = self.process()?;
        Ok(())
    }

    /// What the status says of an account.
    pub async fn account(&self, side: usize) -> anyhow::Result<AccountState> {
        let accounts = jobs::status(&self.scope, 60).await?.accounts;
        accounts
            .into_iter()
            .find(|account| account.name == self.people[side].address())
            .context("the account")
    }

    /// What the status says of the pair.
    pub async fn pair_state(&self) -> anyhow::Result<PairState> {
        jobs::status(&self.scope, 60).await?.pairs.pop().context("a pair")
    }

    /// Runs the timers of so many minutes, and the work that they and notifications lead to.
    pub async fn minutes(&mut self, minutes: usize) -> anyhow::Result<()> {
        for minute in 0..minutes {
            self.wait(60);
            jobs::poll_calendars(&self.scope).await?;
            if minute % 60 == 0 {
                product::renew_watches(&self.scope, false).await?;
            }
            self.deliver().await?;
            self.work().await?;
        }
        Ok(())
    }

    /// Paired both ways, and at rest.
    pub async fn paired() -> anyhow::Result<(Self, Pair)> {
        let mut env = Self::new().await?;
        let pair = env.pair(env.people[0].address(), env.people[1].address(), true).await?;
        env.settle().await?;
        env.google.reset_counts();
        Ok((env, pair))
    }

    pub async fn pair(&self, from: &str, to: &str, two_way: bool) -> anyhow::Result<Pair> {
        let listing = product::calendars(&self.scope, None).await?;
        let id = |address: &str| {
            listing.calendars.iter().find(|row| row.address == address).unwrap().id.clone()
        };
        let terms = if two_way { TWO_WAY } else { ONE_WAY };
        let new = new_pair([&id(from), &id(to)], terms);
        Ok(product::add_pair(&self.scope, new).await?)
    }

    /// Delivers the notifications that Google has sent since the last call, without the lost ones.
    pub async fn deliver(&mut self) -> anyhow::Result<Vec<NotificationOutcome>> {
        let sent = self.google.pushes().sent();
        let new = sent[self.delivered..].to_vec();
        self.delivered = sent.len();
        let mut received = Vec::new();
        for push in new.iter().filter(|push| !push.lost) {
            received.push(receive(&self.scope, push).await?);
        }
        Ok(received)
    }

    /// Works on the messages that are visible; returns their number.
    pub async fn work(&self) -> anyhow::Result<usize> {
        let mut done = 0;
        loop {
            let messages = self.scope.queue.take(QUEUE, 32, Duration::from_secs(600)).await?;
            if messages.is_empty() {
                return Ok(done);
            }
            for message in messages {
                match jobs::sync_calendar(&self.scope, &Nudge::from_text(&message.body)?).await {
                    NudgeOutcome::Retry if message.dequeue_count < 5 => {
                        self.scope.queue.extend(QUEUE, &message, Duration::from_secs(30)).await?;
                    }
                    _ => self.scope.queue.delete(QUEUE, &message).await?,
                }
                done += 1;
            }
        }
    }

    /// Works and delivers until there is nothing left to do, some seconds later.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        for _ in 0..20 {
            let (done, received) = (self.work().await?, self.deliver().await?.len());
            if done + received == 0 {
                return Ok(());
            }
            self.wait(6);
        }
        anyhow::bail!("there is always more to do")
    }

    pub fn wait(&self, seconds: i64) {
        self.options.clock.advance(seconds);
    }

    /// How many watches of each calendar are open.
    pub fn open_watches(&self) -> [usize; 2] {
        let open = self.google.channels();
        self.people
            .each_ref()
            .map(|person| open.iter().filter(|(_, calendar)| calendar == person.address()).count())
    }

    pub fn requests(&self, kind: Kind) -> u64 {
        self.google.counts().of(kind)
    }

    /// How many of Ben's events have this title.
    pub fn count(&self, title: &str) -> usize {
        self.people[1]
            .primary()
            .items()
            .iter()
            .filter(|event| event["summary"] == title && event["status"] != "cancelled")
            .count()
    }

    #[track_caller]
    pub fn assert_no_harm(&self) {
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert_eq!((self.google.mails(), self.google.propagated()), (0, 0));
    }
}

/// Calls the webhook function with these headers; returns the status.
pub async fn webhook(scope: &Scope, headers: &[(&'static str, String)]) -> anyhow::Result<u16> {
    let found = FUNCTIONS
        .iter()
        .find(|function| function.name == "google_webhook")
        .map(|function| function.run);
    let Some(FunctionCode::Http(_, run)) = found else {
        anyhow::bail!("the webhook has another trigger")
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
    Ok(run(scope, request).await.status.as_u16())
}

/// Delivers one notification.
pub async fn receive(scope: &Scope, push: &google::Push) -> anyhow::Result<NotificationOutcome> {
    let header = |name| {
        push.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let notice = providers::Notification {
        watch: header("x-goog-channel-id"),
        secret: header("x-goog-channel-token"),
        resource: header("x-goog-resource-id"),
        kind: if header("x-goog-resource-state") == "sync" {
            NotificationKind::Started
        } else {
            NotificationKind::Changed
        },
    };
    Ok(product::receive_notification(scope, notice).await?)
}

pub fn event(title: &str) -> Value {
    json!({
        "summary": title,
        "start": { "dateTime": "2026-03-12T12:00:00+02:00", "timeZone": "Europe/Tallinn" },
        "end": { "dateTime": "2026-03-12T13:00:00+02:00", "timeZone": "Europe/Tallinn" },
    })
}
