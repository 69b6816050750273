//! `calrelay account add` of a provider that asks for consent, and a browser without a window.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use simulators::client::{Answer, Client};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr};
use url::Url;

use super::cli::{self, Cli};

/// A command that waits for a person.
pub struct PendingCommand {
    pub child: Child,
    pub stderr: BufReader<ChildStderr>,
    /// What it said before.
    pub said: String,
    /// The page of its own port that is opened first.
    pub door: Url,
}

impl PendingCommand {
    /// `account add PROVIDER`, until it says where to go.
    pub async fn start(cli: &Cli, provider: &str) -> anyhow::Result<Self> {
        let mut child = cli.start(&["account", "add", provider, "--json"], "").await?;
        let mut stderr = BufReader::new(child.stderr.take().context("stderr")?);
        let page = tokio::time::timeout(Duration::from_secs(20), async {
            let (mut line, mut said) = (String::new(), String::new());
            loop {
                said.push_str(&line);
                line.clear();
                ensure!(stderr.read_line(&mut line).await? > 0, "it ended without a question");
                if line.starts_with("http") {
                    return Ok((said, line.trim().to_owned()));
                }
            }
        });
        let (said, door) = page.await.context("it says nothing")??;
        Ok(Self { child, stderr, said, door: Url::parse(&door)? })
    }

    /// A browser opens the page: where it is sent, and the cookie that it gets.
    pub async fn open(&self) -> anyhow::Result<(String, String)> {
        ensure!(
            matches!(self.door.host_str(), Some("127.0.0.1" | "localhost")),
            "only the browser gets the provider's address"
        );
        let away = visit(&self.door, &[]).await?;
        ensure!(away.status == 303, "{}: {}", away.status, away.text());
        let cookie = away.header("set-cookie");
        ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        Ok((
            away.header("location").to_owned(),
            cookie.split(';').next().unwrap_or_default().to_owned(),
        ))
    }

    pub async fn end(mut self) -> anyhow::Result<cli::Answer> {
        let mut stderr = String::new();
        let all = async {
            self.stderr.read_to_string(&mut stderr).await?;
            anyhow::Ok(self.child.wait_with_output().await?)
        };
        let output = tokio::time::timeout(Duration::from_secs(20), all)
            .await
            .context("it still waits")??;
        Ok(cli::Answer {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout)?,
            stderr,
        })
    }
}

/// A browser goes to an address.
pub async fn visit(url: &Url, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
    Client::new(url).send("GET", url.as_str(), headers, "").await
}

pub fn with_query(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let others: Vec<_> =
        url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    changed
}
