//! An independent stand-in for Google's sign-in (npm `emulate`), beside this crate's
//! [`google`](crate::google).
//!
//! It wants the exact redirect address that was registered, checks PKCE and the client's secret,
//! and knows users, calendars and refresh tokens. It has one box for all rights, which is no box,
//! and of the Calendar API too little to sync with. `tests/setup/emulate.sh` installs it. It ends
//! with its [`Emulate`], and also when the test's process ends in any other way.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};
use url::Url;

use crate::client::Client;
use crate::google::{CLIENT_ID, CLIENT_SECRET};
use crate::port::Port;

const PATIENCE: Duration = Duration::from_secs(60);

/// One that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Emulate {
    url: Url,
    _process: Child,
    _port: Port,
    _seed: NamedTempFile,
}

impl Emulate {
    /// Starts one that knows this user, and our client with this redirect address.
    ///
    /// # Errors
    /// Where it cannot be installed, or does not answer.
    pub async fn start(user: &str, redirect: &str) -> anyhow::Result<Self> {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/emulate.sh");
        let output =
            Command::new(setup).stdin(Stdio::null()).stderr(Stdio::inherit()).output().await?;
        ensure!(output.status.success(), "tests/setup/emulate.sh failed");
        let program = String::from_utf8(output.stdout)?;

        let port = Port::take()?;
        let client = json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "name": "calrelay", "redirect_uris": [redirect]});
        let calendar = json!({"id": user, "user_email": user, "summary": user, "primary": true, "time_zone": "Europe/Tallinn"});
        let seed = json!({"google": {"users": [{"email": user, "name": user}], "oauth_clients": [client], "calendars": [calendar]}});
        let mut file = tempfile::Builder::new().suffix(".json").tempfile()?;
        file.write_all(seed.to_string().as_bytes())?;
        let mut process = Command::new(program.trim())
            .args([
                "start",
                "--host",
                "127.0.0.1",
                "--service",
                "google",
                "--port",
                &port.number().to_string(),
            ])
            .arg("--seed")
            .arg(file.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("emulate does not start")?;
        let url = Url::parse(&format!("http://127.0.0.1:{}/", port.number()))?;
        let begun = Instant::now();
        while Client::new(&url)
            .send("GET", "/.well-known/openid-configuration", &[], "")
            .await
            .is_err()
        {
            ensure!(
                process.try_wait()?.is_none() && begun.elapsed() < PATIENCE,
                "emulate does not answer"
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(Self { url, _process: process, _port: port, _seed: file })
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The settings under which the product finds it instead of Google.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let at = |path: &str| format!("{}{path}", self.url);
        vec![
            ("GOOGLE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("GOOGLE_AUTH_URL", at("o/oauth2/v2/auth")),
            ("GOOGLE_TOKEN_URL", at("oauth2/token")),
            ("GOOGLE_REVOKE_URL", at("oauth2/revoke")),
            ("GOOGLE_API_URL", self.url.as_str().trim_end_matches('/').to_owned()),
        ]
    }
}
