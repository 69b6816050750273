//! A Python program that serves a port, from its start to its end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

use crate::client::Client;
use crate::port::Port;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running program. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    // The program ends when this end of its standard input closes.
    _alive: Option<ChildStdin>,
    directory: TempDir,
    _port: Port,
}

impl Process {
    /// Runs `python -m module arguments`, and waits until something answers HTTP at the port.
    pub async fn start(
        module: &str,
        arguments: &[String],
        directory: TempDir,
        port: Port,
    ) -> anyhow::Result<Self> {
        let python = python().await?;
        let log = File::create(directory.path().join("server.log"))?;
        let mut child = Command::new(python)
            .arg(setup("serve.py"))
            .arg(module)
            .args(arguments)
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{module} does not start"))?;
        let alive = child.stdin.take();
        let client = Client::new(&Url::parse(&format!("http://127.0.0.1:{}/", port.number()))?);
        let mut process = Self { child, _alive: alive, directory, _port: port };
        let start = Instant::now();
        while client.send("OPTIONS", "/", &[], "").await.is_err() {
            if let Some(status) = process.child.try_wait()? {
                bail!("{module} ended ({status}) before it answered:\n{}", process.log());
            }
            ensure!(start.elapsed() < PATIENCE, "{module} does not answer:\n{}", process.log());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(process)
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read(self.directory.path().join("server.log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let end: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the end of the server's log:");
            end.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
        // A program that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn setup(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup").join(file)
}

/// The command that runs Python with the servers, installed if need be.
pub(super) async fn python() -> anyhow::Result<&'static PathBuf> {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    PYTHON
        .get_or_try_init(|| async {
            let output = tokio::process::Command::new(setup("servers.sh"))
                .stderr(Stdio::inherit())
                .output()
                .await?;
            ensure!(output.status.success(), "tests/setup/servers.sh failed");
            Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
        })
        .await
}

/// Starts a server on a port of its own until it answers; a stranger may take the port meanwhile,
/// so several are tried.
pub(super) async fn start(
    module: &str,
    prepare: impl Fn(&Path, u16) -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<(Process, Url)> {
    let mut last = None;
    for _ in 0..3 {
        let port = Port::take()?;
        let number = port.number();
        let directory = tempfile::tempdir().context("no temporary directory")?;
        let arguments = prepare(directory.path(), number)?;
        match Process::start(module, &arguments, directory, port).await {
            Ok(process) => {
                return Ok((process, Url::parse(&format!("http://127.0.0.1:{number}/"))?));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("never tried")?)
}
