//! Anna and Ben at Google and the real program between them; Google's notifications reach the program
//! or are sent by the scenario.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::client::Client;
use simulators::google::{Account, Push, Quotas, Server};
use simulators::port::Port;
use url::Url;

use super::builder::Builder;
use super::cli::{Cli, TWO_WAY};
use super::cli_env::CliEnv;
use super::running::Running;
use super::servers::{self, Provider};

/// Anna and Ben at Google, and the real program. The accounts are connected and paired.
pub struct PushCliEnv {
    pub env: CliEnv<servers::Server>,
    pub google: Arc<Server>,
    pub people: [Account; 2],
}

impl std::ops::Deref for PushCliEnv {
    type Target = CliEnv<servers::Server>;

    fn deref(&self) -> &CliEnv<servers::Server> {
        &self.env
    }
}

impl PushCliEnv {
    /// The program has these settings.
    pub async fn new(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let google = Arc::new(Server::start().await?);
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let cli = Cli::for_google(&google)?;
        let cli = settings.iter().fold(cli, |cli, (name, value)| cli.with(name, value));
        let people = ["anna@example.org", "ben@example.org"].map(|address| google.account(address));
        let builder = Builder::providers([Provider::Google; 2]).google(google.clone());
        let env = builder.build_cli_with(cli).await?;
        env.pair(TWO_WAY).await?;
        Ok(Self { env, google, people })
    }

    /// An event in two days by the clock of Google, which is the system's.
    pub fn event(&self, title: &str) -> Value {
        let at = |hours| json!({ "dateTime": (self.google.clock().now() + SignedDuration::from_hours(hours)).to_string() });
        json!({ "summary": title, "start": at(48), "end": at(49) })
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

    /// Waits until a condition holds.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds() {
            ensure!(begun.elapsed() < Duration::from_secs(60), "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until Google has no request for longer than a nudge is delayed.
    pub async fn wait_for_quiet(&self) -> anyhow::Result<()> {
        for _ in 0..10 {
            self.google.reset_counts();
            tokio::time::sleep(Duration::from_secs(6)).await;
            if self.google.counts().total() == 0 {
                return Ok(());
            }
        }
        bail!("there are always more requests")
    }
}

/// As [`PushCliEnv`]; Google's notifications reach the program at `url`, and polls are rare.
pub struct PublicCliEnv {
    env: PushCliEnv,
    pub url: Url,
    port: Port,
}

impl std::ops::Deref for PublicCliEnv {
    type Target = PushCliEnv;

    fn deref(&self) -> &PushCliEnv {
        &self.env
    }
}

impl PublicCliEnv {
    pub async fn new() -> anyhow::Result<Self> {
        let port = Port::take()?;
        let url = Url::parse(&format!("http://127.0.0.1:{}", port.number()))?;
        let env = PushCliEnv::new(&[
            ("CALRELAY_PUBLIC_URL", url.as_str()),
            ("CALRELAY_POLL_SECONDS", "86400"),
        ])
        .await?;
        Ok(Self { env, url, port })
    }

    /// Starts the program, and waits until both watches exist.
    pub async fn start(&self) -> anyhow::Result<Running> {
        let running = Running::start_at(&self.cli, self.port.number()).await?;
        self.until("no channels", || self.google.channels().len() == 2).await?;
        Ok(running)
    }
}

/// Sends a notification so many times; returns the statuses.
pub async fn replay(
    url: &Url,
    headers: &[(&'static str, String)],
    times: usize,
) -> anyhow::Result<Vec<u16>> {
    let one = |_| async {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        anyhow::Ok(Client::new(url).send("POST", "/webhooks/google", &headers, "").await?.status)
    };
    let mut answers = Vec::new();
    // Batches of 32 at once, as an attacker would send them.
    for batch in (0..times).collect::<Vec<_>>().chunks(32) {
        answers.extend(futures::future::try_join_all(batch.iter().map(one)).await?);
    }
    Ok(answers)
}

/// The headers of a notification, one of them with another value.
pub fn with_header(push: &Push, name: &str, value: &str) -> Vec<(&'static str, String)> {
    push.headers
        .iter()
        .map(|(known, old)| (*known, if *known == name { value.to_owned() } else { old.clone() }))
        .collect()
}
