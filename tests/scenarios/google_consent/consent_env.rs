//! Google, two people, and a program that is registered at Google.

use serde_json::Value;
use simulators::client::Answer;
use simulators::google::{Account, Consent, Server};

use crate::support::cli::{self, Cli, TWO_WAY};
pub(super) use crate::support::pending_command::{PendingCommand, visit, with_query};

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
        PendingCommand::start(&self.cli, "google").await
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
