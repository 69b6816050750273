//! An installation in this process: storage, keys, a clock, its processes, accounts and pairs.

use std::sync::Arc;

use anyhow::Context as _;
use engine::calendar::{AccountId, CalendarId};
use engine::pair::{Pair, Reach};
use engine::provider::ProviderKind;
use jobs::report::{PairState, Run, Silent};
use jobs::{InProcess, Owners, Scope, Services, Setup, SyncOptions};
use providers::http::{AddressPolicy, Http};

use super::accounts::Account;
use super::clock::{ManualClock, TestClock};
use super::connector::{Connector, Origins};
use super::google::{GoogleClient, GoogleSettings};
use super::microsoft::{MicrosoftClient, MicrosoftSettings};
use super::product::{self, NewPair};
use super::storage::{Opened, TestStorage};

/// How two calendars are paired.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    pub two_way: bool,
    pub private: bool,
    pub private_back: bool,
}

pub const ONE_WAY: Terms = Terms { two_way: false, private: false, private_back: false };
pub const TWO_WAY: Terms = Terms { two_way: true, private: false, private_back: false };

/// What the processes of an installation have in common, apart from storage.
#[derive(Clone)]
pub struct ProcessOptions {
    pub clock: TestClock,
    pub origins: Origins,
    pub google: Option<GoogleSettings>,
    pub microsoft: Option<MicrosoftSettings>,
    /// See [`Connector::consents`].
    pub consents: bool,
    /// Keeps the rate limits of the product. Simulators that count no rate do without.
    pub rate_limits: bool,
    /// The vault derives its keys from this byte; each installation has its own.
    pub root: u8,
    pub setup: Arc<Setup>,
}

impl ProcessOptions {
    pub fn new(clock: TestClock) -> Self {
        Self {
            clock,
            origins: Origins::default(),
            google: None,
            microsoft: None,
            consents: false,
            rate_limits: false,
            root: 7,
            setup: Arc::default(),
        }
    }

    /// A connector that has made no request yet.
    pub fn connector(&self) -> anyhow::Result<Connector> {
        let policy = AddressPolicy { allow_private: true };
        let http =
            Arc::new(if self.rate_limits { Http::new(policy)? } else { Http::hurried(policy)? });
        Ok(Connector {
            google: self.google.as_ref().map(|google| GoogleClient::new(&http, google)),
            microsoft: self
                .microsoft
                .as_ref()
                .map(|microsoft| MicrosoftClient::new(&http, microsoft)),
            http,
            origins: self.origins.clone(),
            consents: self.consents,
            clock: self.clock.clone(),
        })
    }

    /// The scope of a process that has just started.
    pub fn process(&self, storage: &TestStorage, opened: &Opened) -> anyhow::Result<Scope> {
        Ok(Services {
            leases: opened.leases(),
            queue: opened.queue(),
            store: opened.store(),
            vault: Arc::new(vault::Envelope::new(
                vault::LocalKey::open(storage.path())?,
                vault::Root::new(&[self.root; 32]),
            )),
            connect: Arc::new(self.connector()?),
            clock: Arc::new(self.clock.clone()),
            setup: self.setup.clone(),
            in_process: Arc::<InProcess>::default(),
            owners: Owners::default(),
        }
        .scope("local"))
    }
}

/// A calendar, and the account through which it is reached.
#[derive(Clone, Debug)]
pub struct End {
    pub account: Account,
    /// How its address ends: `/main/`; at Google its id; empty for the first one.
    pub calendar: String,
}

/// An end that is connected.
#[derive(Clone, Debug)]
pub struct Connected {
    pub account: AccountId,
    pub calendar: CalendarId,
}

impl End {
    /// The calendar `main` of an account; at Google and Microsoft the primary one.
    pub fn main(account: Account) -> Self {
        let calendar = match account.kind {
            ProviderKind::Google => account.user.clone(),
            ProviderKind::Microsoft => String::new(),
            ProviderKind::Caldav | ProviderKind::Icloud => "/main/".to_owned(),
        };
        Self { account, calendar }
    }

    /// Connects the account, also where it is connected already, and finds the calendar.
    pub async fn connect(&self, scope: &Scope) -> anyhow::Result<Connected> {
        let user = &self.account.user;
        let account = connect(scope, &self.account).await?;
        let listing = product::calendars(scope, Some(&account.id)).await?;
        let found = listing.calendars.into_iter().find(|row| row.address.ends_with(&self.calendar));
        let calendar = found
            .with_context(|| format!("no calendar {} among those of {user}", self.calendar))?
            .id;
        Ok(Connected { account: account.id, calendar })
    }
}

/// An installation with two accounts and one pair, and its process.
pub struct Installation {
    pub scope: Scope,
    pub pair: Pair,
    storage: TestStorage,
    opened: Opened,
    options: ProcessOptions,
    /// The two ends of the pair.
    pub ends: [End; 2],
}

impl Installation {
    /// Connects both accounts and pairs their calendars called `main`; at Google the primary ones.
    pub async fn paired(
        storage: TestStorage,
        options: ProcessOptions,
        accounts: [Account; 2],
        terms: Terms,
    ) -> anyhow::Result<Self> {
        let opened = storage.open(&options.clock)?;
        let scope = options.process(&storage, &opened)?;
        let ends = accounts.map(End::main);
        let [from, to] = [ends[0].connect(&scope).await?, ends[1].connect(&scope).await?];
        let pair =
            product::add_pair(&scope, new_pair([&from.calendar, &to.calendar], terms)).await?;
        Ok(Self { scope, pair, storage, opened, options, ends })
    }

    /// As [`Self::paired`], on new storage and with a clock of its own, by the accounts' real
    /// addresses.
    pub async fn between(
        accounts: [Account; 2],
        google: Option<GoogleSettings>,
        terms: Terms,
    ) -> anyhow::Result<Self> {
        let clock = TestClock::Manual(Arc::new(ManualClock::start()?));
        let options = ProcessOptions { google, ..ProcessOptions::new(clock) };
        Self::paired(TestStorage::new().await?, options, accounts, terms).await
    }

    /// One pass.
    pub async fn sync(&self) -> Run {
        self.sync_with(SyncOptions::default()).await
    }

    /// One pass with these options.
    pub async fn sync_with(&self, options: SyncOptions) -> Run {
        let pair = self.current_pair().await.expect("the pair exists");
        self.sync_pair(&pair, options).await.expect("one run")
    }

    /// One pass over another pair.
    pub async fn sync_pair(&self, pair: &Pair, options: SyncOptions) -> anyhow::Result<Run> {
        sync(&self.scope, pair, options).await
    }

    /// The pair as it is stored now.
    pub async fn current_pair(&self) -> jobs::Result<Pair> {
        product::pair(&self.scope, &self.pair.id).await
    }

    /// What the status says of the only pair.
    pub async fn pair_state(&self) -> anyhow::Result<PairState> {
        Ok(jobs::status(&self.scope, 60).await?.pairs.remove(0))
    }

    /// Pairs two calendars, and takes that pair as the one of the scenario.
    pub async fn replace_pair(&mut self, ends: [&Connected; 2], terms: Terms) -> jobs::Result<()> {
        self.pair = self.add_pair(ends, terms).await?;
        Ok(())
    }

    /// Pairs two calendars.
    pub async fn add_pair(&self, [from, to]: [&Connected; 2], terms: Terms) -> jobs::Result<Pair> {
        product::add_pair(&self.scope, new_pair([&from.calendar, &to.calendar], terms)).await
    }

    /// The process ends and another one starts: nothing in memory survives. The process ends in
    /// good order where no work is under way.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.opened.settle().await;
        self.opened = self.storage.open(&self.options.clock)?;
        let setup = self.scope.setup.clone();
        self.scope = self.options.process(&self.storage, &self.opened)?;
        self.scope.services.setup = setup;
        Ok(())
    }

    /// Moves the clock.
    pub fn wait(&self, seconds: i64) {
        self.options.clock.advance(seconds);
    }

    /// From now on the servers send their time: this clock's time and so many seconds.
    pub fn set_servers_ahead(&self, seconds: i64) {
        self.options.clock.set_servers_ahead(seconds);
    }

    /// The data directory and the keys are lost: a new installation, with nothing in it.
    pub async fn lose(&mut self, root: u8) -> anyhow::Result<()> {
        *self = self.beside(root).await?;
        Ok(())
    }

    /// Another installation with keys of its own, for the same servers. It has no account yet, and
    /// does not know the pair that it names.
    pub async fn beside(&self, root: u8) -> anyhow::Result<Self> {
        let storage = TestStorage::new().await?;
        let options = ProcessOptions { root, ..self.options.clone() };
        let opened = storage.open(&options.clock)?;
        let scope = options.process(&storage, &opened)?;
        let (pair, ends) = (self.pair.clone(), self.ends.clone());
        Ok(Self { scope, pair, storage, opened, options, ends })
    }
}

/// Connects an account.
pub async fn connect(scope: &Scope, account: &Account) -> jobs::Result<product::Account> {
    let Account { kind, url, user, password } = account;
    product::connect_account(scope, *kind, url, user, &password.clone().into()).await
}

/// One pass over a pair.
pub async fn sync(scope: &Scope, pair: &Pair, options: SyncOptions) -> anyhow::Result<Run> {
    let report = jobs::sync(scope, std::slice::from_ref(pair), options, &Silent).await;
    report.pairs.into_iter().next().context("one pair, one run")
}

/// A pair with the usual window.
pub fn new_pair([from, to]: [&CalendarId; 2], terms: Terms) -> NewPair {
    NewPair {
        from: from.clone(),
        to: to.clone(),
        two_way: terms.two_way,
        private: terms.private,
        private_back: terms.private_back,
        window_past: Reach::Months(3),
        window_future: Reach::Months(12),
        take_over: false,
        draft: false,
    }
}
