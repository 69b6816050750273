//! The program as a running process: `calrelay` without a command.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use simulators::client::Client;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use url::Url;

use super::cli::Cli;

/// A running calrelay.
pub struct Running {
    pub child: Child,
    pub url: Url,
}

impl Running {
    /// Starts the program on a free port and waits for the address that it prints.
    pub async fn start(cli: &Cli) -> anyhow::Result<Self> {
        Self::start_at(cli, 0).await
    }

    /// Starts the program on this port.
    pub async fn start_at(cli: &Cli, port: u16) -> anyhow::Result<Self> {
        let mut child = cli.start(&["--listen", &format!("127.0.0.1:{port}")], "").await?;
        let mut lines = BufReader::new(child.stdout.take().context("stdout")?).lines();
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line())
            .await??
            .context("the program prints no address")?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .with_context(|| line.clone())?;
        Ok(Self { child, url: Url::parse(url)? })
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<(u16, Value)> {
        let answer = Client::new(&self.url).send("GET", path, headers, "").await?;
        Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
    }

    /// Sends SIGTERM; returns the exit status.
    pub async fn terminate(mut self) -> anyhow::Result<i32> {
        let id = self.child.id().context("the program runs")?;
        Command::new("kill").arg(id.to_string()).status().await?;
        let status = tokio::time::timeout(Duration::from_secs(15), self.child.wait())
            .await
            .context("the program does not end")??;
        Ok(status.code().unwrap_or(-1))
    }
}

/// Waits until a condition holds; returns how long that took.
pub async fn until(what: &str, holds: impl Fn() -> bool) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if holds() {
            return Ok(begun.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("{what}")
}
