//! The handler's process, and invocations of it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use serde_json::Value;
use tokio::process::{Child, Command};
use url::Url;

use super::app::{App, Function, Trigger};
use super::drain::Received;
use super::envelope;
use crate::client::Client;
use crate::port::Port;

/// The host's default for `initializationTimeout`.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// The host asks so often.
const READY_EVERY: Duration = Duration::from_millis(25);

/// App settings.
pub type Environment = Vec<(String, String)>;

/// A running handler.
pub struct Handler {
    app: App,
    environment: Environment,
    child: Child,
    url: Url,
    log: PathBuf,
    _port: Port,
}

/// How an invocation ended, as the host counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx and a result.
    Succeeded,
    /// Any other status, or the line broke.
    Failed,
}

impl Handler {
    /// Starts the handler of an app, and waits until it answers.
    ///
    /// # Errors
    /// Where it ends, or does not answer in time.
    pub async fn start(app: App, environment: Environment) -> anyhow::Result<Self> {
        let port = Port::take()?;
        let log = app.root.join("handler.log");
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let id = "d2f1c6a4-0a5e-4f0c-9f43-2b1f0f6a7b11";
        let child = Command::new(&app.program)
            .args(&app.arguments)
            .current_dir(&app.root)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.number().to_string())
            .env("FUNCTIONS_HTTPWORKER_PORT", port.number().to_string())
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", id)
            .env("FUNCTIONS_HTTPWORKER_ID", id)
            .env("FUNCTIONS_APP_ROOT_PATH", &app.root)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()?;
        let url = Url::parse(&format!("http://127.0.0.1:{}/", port.number()))?;
        let mut handler = Self { app, environment, child, url, log, _port: port };
        handler.ready().await?;
        Ok(handler)
    }

    /// Any answer counts, whatever its status; only a refused connection means waiting.
    async fn ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                bail!("the handler ended at its start ({status}): {}", self.log());
            }
            if self.client().send("GET", "/", &[], "").await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(READY_EVERY).await;
        }
        bail!("the handler did not answer in time: {}", self.log());
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it as the host does: without a warning.
    ///
    /// # Errors
    /// Where the system does not.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Kills it, and starts it again as the host would.
    ///
    /// # Errors
    /// As [`Handler::start`].
    pub async fn restart(mut self) -> anyhow::Result<Self> {
        self.kill().await?;
        let (app, environment) = (self.app.clone(), std::mem::take(&mut self.environment));
        drop(self);
        Self::start(app, environment).await
    }

    /// Asks it to end by SIGTERM, which the host does not do, and waits.
    ///
    /// # Errors
    /// Where it ends with 0: the host would not start it again.
    pub async fn terminate(mut self) -> anyhow::Result<i32> {
        let id = self.child.id().context("it runs")?;
        Command::new("kill").arg(id.to_string()).status().await?;
        let status = tokio::time::timeout(Duration::from_secs(15), self.child.wait()).await??;
        let code = status.code().unwrap_or(-1);
        ensure!(code != 0, "after an end with 0 the host would start no handler again");
        Ok(code)
    }

    /// Fires a timer.
    ///
    /// # Errors
    /// Where the function is no timer, or answers in a way that the host cannot live with.
    pub async fn fire(&self, name: &str, past_due: bool) -> anyhow::Result<Outcome> {
        let function = self.app.functions.get(name).with_context(|| format!("no function {name}"))?;
        ensure!(matches!(function.trigger, Trigger::Timer { .. }), "{name} is no timer");
        #[expect(clippy::disallowed_methods, reason = "a host of its own reads the system's clock")]
        let now = Timestamp::now();
        self.invoke(function, &envelope::tick(&function.binding, name, past_due, now)).await
    }

    /// Hands over a message.
    ///
    /// # Errors
    /// Where the handler answers in a way that the host cannot live with.
    pub async fn deliver(&self, function: &Function, message: &Received) -> anyhow::Result<Outcome> {
        self.invoke(function, &envelope::message(&function.binding, &function.name, message)).await
    }

    /// `POST /NAME`.
    async fn invoke(&self, function: &Function, body: &Value) -> anyhow::Result<Outcome> {
        let name = &function.name;
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("x-azure-functions-invocationid", "0b7c5f0e-6a0d-4c55-a5a0-0c3f4a1d2e3f"),
            ("x-azure-functions-hostversion", "4.1037.0"),
            ("user-agent", "Azure-Functions-Host/4.1037.0"),
        ];
        let client = self.client();
        let path = format!("/{name}");
        let asked = client.send("POST", &path, &headers, body.to_string());
        let answer = match tokio::time::timeout(self.app.timeout, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => return Ok(Outcome::Failed),
            Err(_) => bail!("{name} ran into functionTimeout: the host would kill the handler and all that it does"),
        };
        if !(200..300).contains(&answer.status) {
            return Ok(Outcome::Failed);
        }
        ensure!(
            !answer.body.is_empty() && answer.text().trim() != "null",
            "{name} gave an empty result: the invocation would hang until functionTimeout"
        );
        ensure!(answer.header("content-type").starts_with("application/json"), "{name} gave no JSON");
        let result: Value = serde_json::from_slice(&answer.body).with_context(|| format!("{name}: Invalid HttpResponseMessage"))?;
        ensure!(result.is_object() && result["Outputs"].is_object() && result["Logs"].is_array(), "{name}: {result}");
        Ok(Outcome::Succeeded)
    }

    fn client(&self) -> Client {
        Client::new(&self.url)
    }
}
