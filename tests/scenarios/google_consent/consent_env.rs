//! Google, two people, and a program that is registered at Google.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use simulators::client::{Answer, Client};
use simulators::google::{Account, Consent, Server};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr};
use url::Url;

use crate::support::cli::{self, Cli, TWO_WAY};

pub(super) const ANNA: &str = "anna@example.org";
pub(super) const BEN: &str = "ben@example.org";

/// Google, two people, and a program that knows it.
pub(super) struct ConsentEnv {
    pub(super) google: Server,
    pub(super) anna: Account,
    pub(super) ben: Account,
    pub(super) cli: Cli,
}

impl ConsentEnv {
    pub(super) async fn new() -> anyhow::Result<Self> {
        let google = Server::start().await?;
        let cli = Cli::for_google(&google)?;
        let (anna, ben) = (google.account(ANNA), google.account(BEN));
        Ok(Self { google, anna, ben, cli })
    }

    /// `account add google`, until it says where to go.
    pub(super) async fn ask(&self) -> anyhow::Result<PendingCommand> {
        let mut child = self.cli.start(&["account", "add", "google", "--json"], "").await?;
        let mut stderr = BufReader::new(child.stderr.take().context("stderr")?);
        let page = tokio::time::timeout(Duration::from_secs(20), async {
            let mut line = String::new();
            loop {
                line.clear();
                ensure!(stderr.read_line(&mut line).await? > 0, "it ended without a question");
                if line.starts_with("http") {
                    return Ok(line.trim().to_owned());
                }
            }
        });
        let door = Url::parse(&page.await.context("it says nothing")??)?;
        Ok(PendingCommand { child, stderr, door })
    }

    /// The whole way: asked, answered like this, and back.
    pub(super) async fn consent(
        &self,
        who: &Account,
        consent: Consent<'_>,
    ) -> anyhow::Result<(Answer, cli::Answer)> {
        let pending = self.ask().await?;
        let (page, cookie) = pending.open().await?;
        let back = who.consents(&page, consent).await?;
        let page = visit(&back, &[("cookie", &cookie)]).await?;
        Ok((page, pending.end().await?))
    }

    /// Connects with an existing grant; the account's id.
    pub(super) async fn adopt(&self, who: &Account) -> anyhow::Result<String> {
        cli::id(&self.with_token(&who.refresh_token()).await?.done()?)
    }

    pub(super) async fn with_token(&self, token: &str) -> anyhow::Result<cli::Answer> {
        self.cli.google_add(token).await
    }

    pub(super) async fn accounts(&self) -> anyhow::Result<Value> {
        Ok(self.cli.json(&["account", "list"]).await?["accounts"].clone())
    }

    /// Both connected and paired; the ids of the accounts.
    pub(super) async fn paired(&self) -> anyhow::Result<[String; 2]> {
        let accounts = [self.adopt(&self.anna).await?, self.adopt(&self.ben).await?];
        let mut ends = Vec::new();
        for account in &accounts {
            let listed = self.cli.json(&["calendars", "--account", account]).await?;
            ends.push(cli::id(&listed["calendars"][0])?);
        }
        self.cli.pair_add(&ends[0], &ends[1], TWO_WAY).await?;
        Ok(accounts)
    }

    /// Nothing was asked that Google does not know.
    #[track_caller]
    pub(super) fn assert_no_harm(&self) {
        assert_eq!(self.google.violations(), [""; 0]);
    }
}

/// A command that waits for a person.
pub(super) struct PendingCommand {
    pub(super) child: Child,
    pub(super) stderr: BufReader<ChildStderr>,
    /// The page of its own port that is opened first.
    pub(super) door: Url,
}

impl PendingCommand {
    /// A browser opens the page: where it is sent, and the cookie that it gets.
    pub(super) async fn open(&self) -> anyhow::Result<(String, String)> {
        ensure!(
            self.door.host_str() == Some("127.0.0.1"),
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

    pub(super) async fn end(mut self) -> anyhow::Result<cli::Answer> {
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
pub(super) async fn visit(url: &Url, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
    Client::new(url).send("GET", url.as_str(), headers, "").await
}

pub(super) fn with_query(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let others: Vec<_> =
        url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    changed
}

/// What every page keeps to.
#[track_caller]
pub(super) fn assert_headers(page: &Answer) {
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    let text = page.text();
    let elsewhere = text.replace("href=\"/oauth/google/start\"", "");
    assert!(
        !text.contains("<script") && !text.contains("src=") && !elsewhere.contains("href="),
        "{text}"
    );
}
