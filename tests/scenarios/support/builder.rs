//! The one builder of environments, over providers, storage and clock.

use std::sync::Arc;

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

/// What serves the two ends, and how they are paired.
pub struct Builder<S: TestServer> {
    kinds: [S::Kind; 2],
    google: Option<Arc<google::Server>>,
    terms: Terms,
    rate_limits: bool,
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
        Self { rate_limits: providers.iter().copied().any(is_real), ..Self::new(providers) }
    }

    /// The simulated Google of all ends that Google serves.
    pub fn google(self, server: Arc<google::Server>) -> Self {
        Self { google: Some(server), ..self }
    }
}

impl<S: TestServer> Builder<S> {
    fn new(kinds: [S::Kind; 2]) -> Self {
        Self { kinds, google: None, terms: Terms::default(), rate_limits: false }
    }

    /// How an environment in this process is paired; one way by default.
    pub fn terms(self, terms: Terms) -> Self {
        Self { terms, ..self }
    }

    /// In this process, on the chosen storage, with a manual clock.
    pub async fn build(self) -> anyhow::Result<Env<S>> {
        let ends = S::start(self.kinds, self.google.clone()).await?;
        let mut origins = Origins::default();
        for (side, server) in ends.servers.iter().enumerate() {
            server.add_origins(side, &mut origins);
        }
        let google = self.google.as_deref().map(GoogleSettings::of).transpose()?;
        let clock = TestClock::Manual(Arc::new(ManualClock::start()?));
        let options = ProcessOptions {
            origins,
            google,
            rate_limits: self.rate_limits,
            ..ProcessOptions::new(clock)
        };
        let accounts = [0, 1].map(|side| Account {
            url: address(side, Spelling::Plain),
            ..ends.accounts[side].clone()
        });
        let storage = TestStorage::new().await?;
        let paired = Installation::paired(storage, options, accounts, self.terms);
        Ok(Env::new(Box::pin(paired).await?, ends))
    }

    /// By the command line.
    pub async fn build_cli(self) -> anyhow::Result<CliEnv<S>> {
        let cli = match &self.google {
            Some(google) => Cli::for_google(google)?,
            None => Cli::new()?,
        };
        self.build_cli_with(cli).await
    }

    /// By the command line, with a program that has settings.
    pub async fn build_cli_with(self, cli: Cli) -> anyhow::Result<CliEnv<S>> {
        CliEnv::connect(cli, S::start(self.kinds, self.google).await?).await
    }
}
