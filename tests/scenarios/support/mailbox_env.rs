//! Anna and Ben at Microsoft, an installation in this process, and Microsoft's notifications, which
//! the scenario delivers to the functions.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use engine::calendar::{AccountId, CalendarId};
use engine::pair::Pair;
use engine::provider::ProviderKind;
use functions::FUNCTIONS;
use functions::trigger::{Disposition, FunctionCode, HttpTrigger, Tick};
use jiff::Timestamp;
use jobs::report::AccountState;
use jobs::{Scope, Setup};
use serde_json::{Value, json};
use simulators::graph::{Account, Graph, Push};
use simulators::traffic::Kind;

use super::clock::{START, TestClock};
use super::installation::ProcessOptions;
use super::microsoft::MicrosoftSettings;
use super::notified::Notified;
use super::product;
use super::storage::TestStorage;

/// Both accounts are connected; Microsoft can reach the installation.
pub struct MailboxEnv {
    pub graph: Graph,
    pub people: [Account; 2],
    /// How many notifications were delivered.
    pub delivered: usize,
    process: Notified,
}

impl std::ops::Deref for MailboxEnv {
    type Target = Notified;

    fn deref(&self) -> &Notified {
        &self.process
    }
}

impl std::ops::DerefMut for MailboxEnv {
    fn deref_mut(&mut self) -> &mut Notified {
        &mut self.process
    }
}

impl MailboxEnv {
    /// Two work accounts.
    pub async fn new() -> anyhow::Result<Self> {
        Self::of(|graph| ["anna@example.org", "ben@example.org"].map(|it| graph.account(it))).await
    }

    /// These two accounts.
    pub async fn of(people: impl FnOnce(&Graph) -> [Account; 2]) -> anyhow::Result<Self> {
        let graph = Graph::start().await?;
        graph.clock().stand_at(START.parse()?);
        // Clients go by the time that passes, and here none does.
        graph.manners(|manners| manners.access_token_seconds = 90 * 86_400);
        let people = people(&graph);
        let options = ProcessOptions {
            microsoft: Some(MicrosoftSettings::of(&graph)?),
            setup: Arc::new(Setup {
                public_url: Some("https://calendars.example.org".into()),
                ..Setup::default()
            }),
            ..ProcessOptions::new(TestClock::Google(graph.clock().clone()))
        };
        let process = Notified::new(options, TestStorage::embedded()?)?;
        let env = Self { graph, people, delivered: 0, process };
        for person in &env.people {
            env.connect(person).await?;
        }
        Ok(env)
    }

    /// Connects an account, also again, with a grant that its owner has just given.
    pub async fn connect(&self, person: &Account) -> jobs::Result<product::Account> {
        let token = person.refresh_token().into();
        product::adopt_consent(&self.scope, ProviderKind::Microsoft, &token).await
    }

    /// Paired both ways, and at rest.
    pub async fn paired() -> anyhow::Result<(Self, Pair)> {
        Self::new().await?.pair().await
    }

    /// Pairs the calendars of both people, and works until nothing is left to do.
    pub async fn pair(mut self) -> anyhow::Result<(Self, Pair)> {
        let ends = [self.calendar(0).await?, self.calendar(1).await?];
        let pair = self.add_pair([&ends[0], &ends[1]], true).await?;
        self.settle().await?;
        self.graph.reset_counts();
        Ok((self, pair))
    }

    /// The id of the default calendar of a side.
    pub async fn calendar(&self, side: usize) -> anyhow::Result<CalendarId> {
        let account = self.account(side).await?.id;
        let listing = product::calendars(&self.scope, Some(&account)).await?;
        let address = self.people[side].primary().id();
        let found = listing.calendars.into_iter().find(|row| row.address == address);
        Ok(found.context("the default calendar")?.id)
    }

    /// What the status says of an account.
    pub async fn account(&self, side: usize) -> anyhow::Result<AccountState> {
        self.account_of(&self.people[side].address()).await
    }

    pub async fn account_id(&self, side: usize) -> anyhow::Result<AccountId> {
        Ok(self.account(side).await?.id)
    }

    /// Delivers the notifications that Microsoft has sent since the last call in one request,
    /// without the lost ones; returns their number.
    pub async fn deliver(&mut self) -> anyhow::Result<usize> {
        let sent = self.graph.pushes().sent();
        let new: Vec<Value> = sent[self.delivered..]
            .iter()
            .filter(|push| !push.lost)
            .map(|push| push.item.clone())
            .collect();
        self.delivered = sent.len();
        if !new.is_empty() {
            let status = call(&self.scope, &new).await?;
            ensure!(status == 202, "a call of notifications is answered with {status}");
        }
        Ok(new.len())
    }

    /// Works and delivers until there is nothing left to do, some seconds later.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        for _ in 0..20 {
            let (done, received) = (self.work().await?, self.deliver().await?);
            if done + received == 0 {
                return Ok(());
            }
            self.wait(6);
        }
        anyhow::bail!("there is always more to do")
    }

    /// The timer that renews subscriptions runs.
    pub async fn renew(&self, past_due: bool) -> anyhow::Result<()> {
        ensure!(tick(&self.scope, past_due).await == Disposition::Done, "the timer failed");
        Ok(())
    }

    /// So many quarters of an hour pass, with their timers and their work. `looks`: the nightly
    /// pass runs at half past two.
    pub async fn quarters(&mut self, quarters: usize, looks: bool) -> anyhow::Result<()> {
        for _ in 0..quarters {
            self.wait(15 * 60);
            jobs::poll_calendars(&self.scope).await?;
            self.renew(false).await?;
            let of_day = self.graph.clock().now().as_second().rem_euclid(86_400);
            if looks && (9_000..9_900).contains(&of_day) {
                jobs::reconcile(&self.scope).await?;
            }
            self.deliver().await?;
            self.work().await?;
        }
        Ok(())
    }

    /// So many hours pass, with the timer that renews subscriptions.
    pub async fn hours(&mut self, hours: usize) -> anyhow::Result<()> {
        for _ in 0..hours {
            self.wait(3600);
            self.renew(false).await?;
        }
        self.settle().await
    }

    /// The subscription of a side: its id and its end.
    pub fn subscription(&self, side: usize) -> Option<(String, Timestamp)> {
        let ids = self.graph.subscriptions_of(&self.people[side]);
        assert!(ids.len() <= 1, "one subscription an account: {ids:?}");
        let id = ids.into_iter().next()?;
        Some((id.clone(), self.graph.subscription_expires(&id)?))
    }

    pub fn requests(&self, kind: Kind) -> u64 {
        self.graph.counts().of(kind)
    }

    /// How many events of a side have this title.
    pub fn count(&self, side: usize, title: &str) -> usize {
        let items = self.people[side].primary().items();
        items.iter().filter(|event| event["subject"] == title).count()
    }

    #[track_caller]
    pub fn assert_no_harm(&self) {
        assert_eq!(self.graph.violations(), Vec::<String>::new());
        assert_eq!(self.graph.mails(), 0, "guests");
        assert_eq!((self.graph.without_id_type(), self.graph.unconditional()), (0, 0));
    }
}

/// Calls the webhook with these notifications; returns the status.
pub async fn call(scope: &Scope, items: &[Value]) -> anyhow::Result<u16> {
    let body = json!({ "value": items }).to_string();
    Ok(post(scope, "/webhooks/microsoft", body.as_bytes()).await?.0)
}

/// A POST to this path; the status and the body of the answer.
pub async fn post(scope: &Scope, path: &str, body: &[u8]) -> anyhow::Result<(u16, String)> {
    let name = match path.contains("lifecycle") {
        true => "microsoft_lifecycle",
        false => "microsoft_webhook",
    };
    let found = FUNCTIONS.iter().find(|function| function.name == name);
    let Some(FunctionCode::Http(_, run)) = found.map(|function| function.run) else {
        anyhow::bail!("{name} has another trigger")
    };
    let request = HttpTrigger {
        method: "POST".parse()?,
        uri: path.parse()?,
        headers: Default::default(),
        body: body.to_vec(),
        client_address: None,
        operator: false,
    };
    let answer = run(scope, request).await;
    Ok((answer.status.as_u16(), answer.body.to_string()))
}

/// A run of the timer that renews subscriptions.
pub async fn tick(scope: &Scope, past_due: bool) -> Disposition {
    let found = FUNCTIONS.iter().find(|function| function.name == "renew_graph_subscriptions");
    let Some(FunctionCode::TimerAtStart(run)) = found.map(|function| function.run) else {
        panic!("it is started by something else")
    };
    run(scope, Tick { past_due }).await
}

/// A notification with another value of a member.
pub fn with(push: &Push, name: &str, value: Value) -> Value {
    let mut item = push.item.clone();
    item[name] = value;
    item
}

/// An hour on 12 March 2026.
pub fn event(title: &str) -> Value {
    let time = |hour| json!({ "dateTime": format!("2026-03-12T{hour}:00:00"), "timeZone": "UTC" });
    json!({
        "subject": title, "body": { "contentType": "text", "content": "" },
        "start": time(12), "end": time(13),
    })
}
