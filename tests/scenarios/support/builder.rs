//! The one builder of environments, over providers, storage and clock.

use std::sync::Arc;

use jobs::Setup;
use simulators::azurite::Azurite;
use simulators::caldav::{CalDav, Manners};
use simulators::functions_host::{Source, StorageQueues};
use simulators::google;

use super::accounts::Account;
use super::cli::Cli;
use super::cli_env::CliEnv;
use super::clock::{ManualClock, TestClock};
use super::connector::{Origins, Spelling, address};
use super::env::Env;
use super::google::GoogleSettings;
use super::hosted_env::HostedEnv;
use super::installation::{Installation, ProcessOptions, Terms};
use super::servers::{Provider, Server, TestServer};
use super::storage::TestStorage;

/// What serves the two ends, how they are paired, and what the processes of the installation need.
pub struct Builder<S: TestServer> {
    kinds: [S::Kind; 2],
    terms: Terms,
    processes: Processes,
}

#[derive(Default)]
struct Processes {
    google: Option<Arc<google::Server>>,
    rate_limits: bool,
    consents: bool,
    public_url: Option<String>,
    storage: Option<TestStorage>,
    clock: Option<TestClock>,
}

impl Processes {
    async fn build(self) -> anyhow::Result<(ProcessOptions, TestStorage)> {
        let clock = match self.clock {
            Some(clock) => clock,
            None => TestClock::Manual(Arc::new(ManualClock::start()?)),
        };
        let options = ProcessOptions {
            google: self.google.as_deref().map(GoogleSettings::of).transpose()?,
            consents: self.consents,
            rate_limits: self.rate_limits,
            setup: Arc::new(Setup { public_url: self.public_url, ..Setup::default() }),
            ..ProcessOptions::new(clock)
        };
        let storage = match self.storage {
            Some(storage) => storage,
            None => TestStorage::new().await?,
        };
        Ok((options, storage))
    }
}

impl Builder<CalDav> {
    /// Simulated CalDAV servers that both behave so.
    pub fn caldav(manners: Manners) -> Self {
        Self::caldav_each([manners.clone(), manners])
    }

    /// Simulated CalDAV servers that behave differently.
    pub fn caldav_each(manners: [Manners; 2]) -> Self {
        Self::new(manners)
    }

    /// By the command line, paired.
    pub async fn build_cli_paired(self, terms: &[&str]) -> anyhow::Result<(CliEnv, String)> {
        let env = self.build_cli().await?;
        let pair = env.pair(terms).await?;
        Ok((env, pair))
    }

    /// Under the Functions host, with these settings and the queues that they lead to.
    pub async fn build_hosted<Q: Source>(
        self,
        settings: &[(&str, &str)],
        queues: impl FnOnce(&CliEnv) -> anyhow::Result<Q>,
        visibility: &str,
    ) -> anyhow::Result<HostedEnv<Q>> {
        let cli = settings.iter().fold(Cli::new()?, |cli, (name, value)| cli.with(name, value));
        let env = self.build_cli_with(cli).await?;
        let queues = queues(&env)?;
        HostedEnv::new(env, settings, queues, visibility).await
    }

    /// Under the Functions host, with storage on Azurite.
    pub async fn build_hosted_on(
        self,
        azurite: &Azurite,
        visibility: &str,
    ) -> anyhow::Result<HostedEnv<StorageQueues>> {
        let connection = azurite.connection_string();
        let settings = [("CALRELAY_STORE", "azure"), ("AzureWebJobsStorage", &*connection)];
        let queues = StorageQueues::new(&connection)?;
        self.build_hosted(&settings, |_| Ok(queues), visibility).await
    }
}

impl Builder<Server> {
    /// Servers of these providers.
    pub fn providers(providers: [Provider; 2]) -> Self {
        // Real servers take the product's own request rate.
        let is_real = |provider| matches!(provider, Provider::Radicale | Provider::Xandikos);
        let mut builder = Self::new(providers);
        builder.processes.rate_limits = providers.into_iter().any(is_real);
        builder
    }

    /// The simulated Google of all ends that Google serves.
    pub fn google(mut self, server: Arc<google::Server>) -> Self {
        self.processes.google = Some(server);
        self
    }

    /// Connects and removes accounts at Google through their consent.
    pub fn consents(mut self) -> Self {
        self.processes.consents = true;
        self
    }

    /// Keeps the rate limits of the product.
    pub fn rate_limits(mut self) -> Self {
        self.processes.rate_limits = true;
        self
    }

    /// Providers can reach the installation with notifications.
    pub fn public(mut self) -> Self {
        self.processes.public_url = Some("https://calendars.example.org".into());
        self
    }
}

impl<S: TestServer> Builder<S> {
    fn new(kinds: [S::Kind; 2]) -> Self {
        Self { kinds, terms: Terms::default(), processes: Processes::default() }
    }

    /// The storage of an environment in this process; by default a new one of the chosen kind.
    pub fn storage(mut self, storage: TestStorage) -> Self {
        self.processes.storage = Some(storage);
        self
    }

    /// The clock of an environment in this process; by default a manual one.
    pub fn clock(mut self, clock: TestClock) -> Self {
        self.processes.clock = Some(clock);
        self
    }

    /// How an environment in this process is paired; one way by default.
    pub fn terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// What the processes of an installation share, and its storage; no account is connected.
    pub async fn build_processes(self) -> anyhow::Result<(ProcessOptions, TestStorage)> {
        self.processes.build().await
    }

    /// In this process, paired.
    pub async fn build(self) -> anyhow::Result<Env<S>> {
        let ends = S::start(self.kinds, self.processes.google.clone()).await?;
        let (options, storage) = self.processes.build().await?;
        let mut origins = Origins::default();
        for (side, server) in ends.servers.iter().enumerate() {
            server.add_origins(side, &mut origins);
        }
        let options = ProcessOptions { origins, ..options };
        let accounts = [0, 1].map(|side| Account {
            url: address(side, Spelling::Plain),
            ..ends.accounts[side].clone()
        });
        let paired = Installation::paired(storage, options, accounts, self.terms);
        Ok(Env::new(Box::pin(paired).await?, ends))
    }

    /// By the command line.
    pub async fn build_cli(self) -> anyhow::Result<CliEnv<S>> {
        let cli = match &self.processes.google {
            Some(google) => Cli::for_google(google)?,
            None => Cli::new()?,
        };
        self.build_cli_with(cli).await
    }

    /// By the command line, with a program that has settings.
    pub async fn build_cli_with(self, cli: Cli) -> anyhow::Result<CliEnv<S>> {
        CliEnv::connect(cli, S::start(self.kinds, self.processes.google).await?).await
    }
}
