//! Anna and Ben at Google, an installation in this process, and Google's notifications, which the
//! scenario delivers.

use std::sync::Arc;

use engine::pair::Pair;
use engine::provider::ProviderKind;
use functions::FUNCTIONS;
use functions::trigger::{self, FunctionCode};
use jobs::Scope;
use jobs::report::AccountState;
use providers::NotificationKind;
use serde_json::{Value, json};
use simulators::google::{self, Account, Quotas, Server};
use simulators::traffic::Kind;

use super::builder::Builder;
use super::clock::{START, TestClock};
use super::notified::Notified;
use super::product::{self, NotificationOutcome};
use super::servers::Provider;
use super::storage::TestStorage;

/// Both accounts are connected; Google can reach the installation.
pub struct PushEnv {
    pub google: Arc<Server>,
    pub people: [Account; 2],
    /// How many notifications were delivered.
    pub delivered: usize,
    process: Notified,
}

impl std::ops::Deref for PushEnv {
    type Target = Notified;

    fn deref(&self) -> &Notified {
        &self.process
    }
}

impl std::ops::DerefMut for PushEnv {
    fn deref_mut(&mut self) -> &mut Notified {
        &mut self.process
    }
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
        let process = Notified::new(options, storage)?;
        let env = Self { google, people, delivered: 0, process };
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

    /// What the status says of an account.
    pub async fn account(&self, side: usize) -> anyhow::Result<AccountState> {
        self.account_of(self.people[side].address()).await
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
        self.add_pair([&id(from), &id(to)], two_way).await
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
