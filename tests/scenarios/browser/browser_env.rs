//! Google, a calrelay that runs, and a browser that reaches both by their names.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use simulators::azurite;
use simulators::browser::{Browser, Window};
use simulators::functions_host::{App, Host, Site, StorageQueues};
use simulators::google::{Account, Server};
use simulators::tls::Front;
use tempfile::TempDir;
use url::Url;

use crate::support::cli::Cli;
use crate::support::hosted_env::{environment, package};
use crate::support::running::Running;

pub const ANNA: &str = "anna@example.org";

/// The boxes on Google's page, as they are read out.
pub const LIST: &str = "See the list of Google calendars you\u{2019}re subscribed to";
pub const EVENTS: &str = "View and edit events on all your calendars";

/// Under which people reach calrelay.
const PUBLIC: &str = "calendars.example.org";
/// Under which they reach Google.
const GOOGLE: &str = "accounts.example.org";

/// What calrelay runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// By itself, behind a proxy that says nothing of itself.
    Proxy,
    /// Under the stand-in for the Functions host, with storage on Azurite.
    FunctionsHost,
}

/// One calrelay and one Google.
pub struct BrowserEnv {
    pub google: Server,
    pub anna: Account,
    pub cli: Cli,
    /// Where calrelay is, for a browser.
    pub url: Url,
    pub browser: Browser,
    running: Vec<Running>,
    _hosted: Vec<(Host, TempDir)>,
    _fronts: Vec<Front>,
}

impl BrowserEnv {
    /// On the user's own machine, without a public address, over http.
    pub async fn machine() -> anyhow::Result<Self> {
        let (google, anna, cli) = people().await?;
        let running = Running::start(&cli).await?;
        // As people type it.
        let url =
            Url::parse(&format!("http://localhost:{}/", running.url.port().context("a port")?))?;
        let browser = Browser::start(&[]).await?;
        Ok(Self {
            google,
            anna,
            cli,
            url,
            browser,
            running: vec![running],
            _hosted: Vec::new(),
            _fronts: Vec::new(),
        })
    }

    /// With a public address, over https.
    pub async fn public(behind: Deployment) -> anyhow::Result<Self> {
        let (google, anna, cli) = people().await?;
        let accounts = Front::start(GOOGLE, &google.url()).await?;
        let public = format!("https://{PUBLIC}");
        google.register_redirect(&format!("{public}/oauth/google/callback"));
        let mut cli = cli
            .with("GOOGLE_AUTH_URL", &format!("https://{GOOGLE}/o/oauth2/v2/auth"))
            .with("CALRELAY_PUBLIC_URL", &public);
        let (mut running, mut hosted) = (Vec::new(), Vec::new());
        let inside = match behind {
            Deployment::Proxy => {
                running.push(Running::start(&cli).await?);
                running[0].url.clone()
            }
            Deployment::FunctionsHost => {
                let connection = azurite::Account::take().await?.connection_string();
                cli = cli.with("CALRELAY_STORE", "azure").with("AzureWebJobsStorage", &connection);
                hosted.push(host(&cli, &connection).await?);
                hosted[0].0.url().clone()
            }
        };
        let front = Front::start(PUBLIC, &inside).await?;
        let (url, browser) = (front.url(), Browser::start(&[&front, &accounts]).await?);
        Ok(Self {
            google,
            anna,
            cli,
            url,
            browser,
            running,
            _hosted: hosted,
            _fronts: vec![front, accounts],
        })
    }

    /// The address on which calrelay listens, behind any proxy.
    pub fn inside(&self) -> Url {
        self.running.first().map_or_else(|| self.url.clone(), |running| running.url.clone())
    }

    /// A link, as the operator makes it.
    pub async fn link(&self) -> anyhow::Result<String> {
        let made = self.cli.json(&["account", "add", "google", "--link"]).await?;
        let link = made["link"].as_str().context("a link")?;
        ensure!(link.starts_with(self.url.as_str()), "{link}");
        Ok(link.to_owned())
    }

    pub async fn accounts(&self) -> anyhow::Result<Vec<Value>> {
        Ok(self.cli.json(&["account", "list"]).await?["accounts"]
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    /// Nothing was asked of Google that it does not know, and the browser has no complaint and was
    /// sent nowhere else.
    #[track_caller]
    pub fn assert_proper(&self, window: &Window) {
        assert_eq!(self.google.violations(), [""; 0]);
        assert_eq!(window.complaints(), [""; 0]);
        let (google, local) = (format!("https://{GOOGLE}/"), self.google.url().to_string());
        for asked in window.asked() {
            let known =
                [self.url.as_str(), &google, &local].iter().any(|env| asked.starts_with(env));
            assert!(known && !asked.contains("favicon"), "{asked}");
        }
    }
}

/// Google, Anna there, and a program that knows it.
async fn people() -> anyhow::Result<(Server, Account, Cli)> {
    let google = Server::start().await?;
    let cli = Cli::for_google(&google)?;
    let anna = google.account(ANNA);
    Ok((google, anna, cli))
}

async fn host(cli: &Cli, connection: &str) -> anyhow::Result<(Host, TempDir)> {
    let package = package("00:00:00")?;
    let mut settings = environment(&[]);
    settings.push(("CALRELAY_DATA_DIR".into(), cli.data_dir().display().to_string()));
    settings.extend(cli.settings().iter().cloned());
    let site = Site::new(App::read(package.path())?, settings)?;
    Ok((site.start(Arc::new(StorageQueues::new(connection)?)).await?, package))
}

/// Ticks boxes on Google's page and goes on; the status of the page that comes then.
pub async fn consent(window: &Window, boxes: &[&str]) -> anyhow::Result<u16> {
    for name in boxes {
        window.click("checkbox", name).await?;
    }
    window.follow("button", "Continue").await
}
