//! The handler's process: started with the host's environment, awaited as the host awaits it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::process::{Child, Command};
use url::Url;

use super::app::App;
use crate::client::Client;
use crate::port::Port;

/// The host's default for `initializationTimeout`.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// The host asks so often.
const READY_EVERY: Duration = Duration::from_millis(25);

/// App settings.
pub type Environment = Vec<(String, String)>;

/// A process of the handler. It is killed where this is dropped.
pub(super) struct Process {
    child: Child,
    url: Url,
    _port: Port,
}

/// The file with the output of all handlers of an app.
pub(super) fn log_of(app: &App) -> PathBuf {
    app.root.join("handler.log")
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    /// Where the system does not.
    pub fn start(app: &App, environment: &Environment, log: &Path) -> anyhow::Result<Self> {
        let port = Port::take()?;
        let output = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
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
        Ok(Self {
            child,
            url: Url::parse(&format!("http://127.0.0.1:{}/", port.number()))?,
            _port: port,
        })
    }

    /// Waits until it answers: an answer with any status counts, and only a refused
    /// connection means waiting. `Some` where it ended.
    ///
    /// # Errors
    /// Where it does neither in time.
    pub async fn ready(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Client::new(&self.url).send("GET", "/", &[], "").await.is_ok() {
                return Ok(None);
            }
            tokio::time::sleep(READY_EVERY).await;
        }
        bail!("the handler did not answer within 30 s of its start");
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Its number.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends it as the host does: SIGKILL.
    pub async fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill().await
    }
}
