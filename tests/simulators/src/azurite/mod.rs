//! Azurite, Microsoft's emulator of Azure storage, on loopback ports of its own.
//!
//! `tests/setup/azurite.sh` installs it at the version of `tests/setup/azurite/package.json`; it is
//! run here when first needed. It ends with its [`Azurite`], and also when the test's process ends
//! in any other way: it listens on a pipe that only we hold open.
//!
//! Where it is softer than Azure: it takes keys that the service refuses, does not throttle, and
//! does not compare the date of a signature.

use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::hmac;
use data_encoding::BASE64;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

use crate::client::Client;
use crate::port::Port;

mod shared;

pub use shared::Account;

const PATIENCE: Duration = Duration::from_secs(60);

/// The account that it has by itself, and its key; both are printed in its manual.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running emulator. Dropping it ends it and throws away what it holds.
#[derive(Debug)]
pub struct Azurite {
    child: Option<Child>,
    directory: Option<TempDir>,
    ports: Ports,
    keeps: bool,
    accounts: Option<String>,
}

#[derive(Debug)]
struct Ports {
    blob: Port,
    queue: Port,
    table: Port,
}

impl Ports {
    fn numbers(&self) -> [u16; 3] {
        [&self.blob, &self.queue, &self.table].map(Port::number)
    }
}

impl Azurite {
    /// Starts one that holds everything in memory.
    ///
    /// # Errors
    /// Where it cannot be installed or does not answer; the words hold the end of its log.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_new(false, None).await
    }

    /// Starts one that can be [restarted](Azurite::restart): it writes what it holds into a
    /// directory.
    ///
    /// # Errors
    /// As [`Azurite::start`].
    pub async fn start_keeping() -> anyhow::Result<Self> {
        Self::start_new(true, None).await
    }

    /// With accounts, it has these and not its own (`name:key;name:key`), and leaves nothing behind
    /// even where it is never dropped.
    async fn start_new(keeps: bool, accounts: Option<String>) -> anyhow::Result<Self> {
        let mut last = None;
        // A port may be taken by a stranger between the look and the start.
        for _ in 0..3 {
            let ports = Ports { blob: Port::take()?, queue: Port::take()?, table: Port::take()? };
            let directory = accounts
                .is_none()
                .then(tempfile::tempdir)
                .transpose()
                .context("no temporary directory")?;
            let mut azurite =
                Self { child: None, directory, ports, keeps, accounts: accounts.clone() };
            match azurite.run().await {
                Ok(()) => return Ok(azurite),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("never tried")?)
    }

    /// Ends it in good order. Connections to it are refused from now on.
    ///
    /// # Errors
    /// Where it does not end.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        drop(child.stdin.take());
        let start = Instant::now();
        while child.try_wait()?.is_none() {
            if start.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                bail!("Azurite does not end:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(())
    }

    /// Stops the emulator and starts it again on the same ports. It keeps its data if it was made
    /// by [`Azurite::start_keeping`].
    ///
    /// # Errors
    /// As [`Azurite::start`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        self.run().await
    }

    /// The connection string, for `AzureWebJobsStorage`.
    pub fn connection_string(&self) -> String {
        self.connection_string_of(ACCOUNT, KEY)
    }

    fn connection_string_of(&self, account: &str, key: &str) -> String {
        let [blob, queue, table] = self.ports.numbers();
        format!(
            "DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};BlobEndpoint=http://127.0.0.1:{blob}/{account};\
             QueueEndpoint=http://127.0.0.1:{queue}/{account};TableEndpoint=http://127.0.0.1:{table}/{account};"
        )
    }

    /// The address of its tables, with the account.
    pub fn tables(&self) -> String {
        format!("http://127.0.0.1:{}/{ACCOUNT}", self.ports.table.number())
    }

    /// The address of its queues, with the account.
    pub fn queues(&self) -> String {
        format!("http://127.0.0.1:{}/{ACCOUNT}", self.ports.queue.number())
    }

    /// Deletes a table with all its rows. The next write makes the table again.
    ///
    /// # Errors
    /// Where it refuses.
    pub async fn delete_table(&self, name: &str) -> anyhow::Result<()> {
        #[expect(clippy::disallowed_methods, reason = "a signature carries the system's time")]
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let path = format!("/{ACCOUNT}/Tables('{name}')");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(KEY.as_bytes())?);
        let signature = BASE64
            .encode(hmac::sign(&key, format!("{date}\n/{ACCOUNT}{path}").as_bytes()).as_ref());
        let authorization = format!("SharedKeyLite {ACCOUNT}:{signature}");
        let headers = [
            ("x-ms-date", date.as_str()),
            ("x-ms-version", "2021-12-02"),
            ("authorization", &authorization),
            ("accept", "application/json"),
        ];
        let answer =
            Client::new(&Url::parse(&self.tables())?).send("DELETE", &path, &headers, "").await?;
        ensure!(
            matches!(answer.status, 204 | 404),
            "the table {name} was not deleted ({}): {}",
            answer.status,
            answer.text()
        );
        Ok(())
    }

    /// What it wrote to its log so far.
    pub fn log(&self) -> String {
        let log = self
            .directory
            .as_ref()
            .and_then(|directory| std::fs::read(directory.path().join("azurite.log")).ok());
        log.map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    async fn run(&mut self) -> anyhow::Result<()> {
        let program = program().await?;
        let mut command = Command::new(program);
        command.args(["--silent", "--disableTelemetry", "--skipApiVersionCheck"]);
        let ports = self.ports.numbers();
        for (service, port) in ["blob", "queue", "table"].into_iter().zip(ports) {
            command.args([
                format!("--{service}Host"),
                "127.0.0.1".into(),
                format!("--{service}Port"),
                port.to_string(),
            ]);
        }
        match &self.directory {
            Some(directory) if self.keeps => command.arg("--location").arg(directory.path()),
            _ => command.arg("--inMemoryPersistence"),
        };
        command.stdin(Stdio::piped());
        match &self.directory {
            Some(directory) => {
                let log = File::options()
                    .create(true)
                    .append(true)
                    .open(directory.path().join("azurite.log"))?;
                command.current_dir(directory.path()).stdout(log.try_clone()?).stderr(log);
            }
            // In memory the emulator writes no file; its complaints appear beside the output of the
            // tests.
            None => _ = command.current_dir(std::env::temp_dir()).stdout(Stdio::null()),
        }
        if let Some(accounts) = &self.accounts {
            command.env("AZURITE_ACCOUNTS", accounts);
        }
        let child = self.child.insert(command.spawn().context("Azurite does not start")?);
        let start = Instant::now();
        for port in ports {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                if let Some(status) = child.try_wait()? {
                    bail!("Azurite ended ({status}) before it answered:\n{}", self.log());
                }
                ensure!(start.elapsed() < PATIENCE, "Azurite does not answer:\n{}", self.log());
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
        Ok(())
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let end: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the end of Azurite's log:");
            end.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
        if let Some(mut child) = self.child.take() {
            // A program that has ended already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The command that runs it, installed if need be.
async fn program() -> anyhow::Result<&'static PathBuf> {
    static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
    PROGRAM
        .get_or_try_init(|| async {
            let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/azurite.sh");
            let output = tokio::process::Command::new(setup)
                .stdin(Stdio::null())
                .stderr(Stdio::inherit())
                .output()
                .await?;
            ensure!(output.status.success(), "tests/setup/azurite.sh failed");
            Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
        })
        .await
}
