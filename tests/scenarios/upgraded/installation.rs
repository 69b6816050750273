//! The recorded installation, put back: its rows in the storage of a program of today, its
//! calendars on the servers.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use simulators::{caldav, google};
use store::Table;
use vault::Vault as _;

use super::servers::{ENDS, FOLDER, PEOPLE, RecordedServers};
use crate::support::cli::Cli;
use crate::support::rows;
use crate::support::storage::{self, Kind};

/// When the release has last listed the windows of all pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// On this day: the next pass asks for changes only.
    Today,
    /// On an earlier day: the next pass lists them again.
    Earlier,
}

pub struct RestoredInstallation {
    pub backend: RecordedServers,
    pub cli: Cli,
    recorded: Value,
}

impl RestoredInstallation {
    pub async fn new(listed: Listed) -> anyhow::Result<Self> {
        let backend = RecordedServers::new().await?;
        let mut recorded: Value = serde_json::from_str(&read("installation.json")?)?;
        for (side, name) in ENDS.into_iter().flatten().flatten() {
            let saved: caldav::Saved =
                serde_json::from_value(recorded[["anna", "ben"][side]][name].clone())?;
            backend.calendar(side, name).put_back(&saved);
        }
        let saved: google::Saved = serde_json::from_value(recorded["google"]["calendar"].clone())?;
        backend.gina().primary().put_back(&saved);
        backend.gina().put_back_refresh_token(
            recorded["google"]["refresh_token"].as_str().context("a token")?,
        );

        let cli = Cli::for_google(&backend.google)?;
        std::fs::create_dir(cli.data_dir())?;
        let key = cli.data_dir().join("vault.key");
        std::fs::write(&key, read("vault.key")?)?;
        private(&key)?;
        let mut lines = rows_of(&backend, listed)?;
        for side in [0, 1] {
            let old = recorded["accounts"][side].as_str().context("an account")?.to_owned();
            let new = id_of(&backend, side).await?;
            lines = renamed(&cli, &lines, &old, &new).await?;
            recorded["accounts"][side] = new.into();
        }
        backend.reset_counts();
        fill(&cli, &lines).await?;
        Ok(Self { backend, cli, recorded })
    }

    /// The id of a pair.
    pub fn pair(&self, name: &str) -> &str {
        self.recorded["pairs"][name].as_str().expect("a recorded pair")
    }

    /// The ids of the accounts: Anna's, Ben's, Gina's.
    pub fn accounts(&self) -> [&str; 3] {
        [0, 1, 2].map(|n| self.recorded["accounts"][n].as_str().expect("a recorded account"))
    }

    /// `sync` of one pair.
    pub async fn sync(&self, pair: &str, arguments: &[&str]) -> anyhow::Result<Value> {
        let (status, run) =
            self.cli.sync_with(&[&["--pair", self.pair(pair)], arguments].concat()).await?;
        ensure!(status == 0, "{pair}: {run}");
        Ok(run)
    }

    /// Connects Anna's account or Ben's again, with this address; its id.
    pub async fn connect(&self, side: usize, url: &str) -> anyhow::Result<String> {
        let (user, password) = PEOPLE[side];
        self.cli.connect(url, user, password).await
    }
}

fn read(file: &str) -> anyhow::Result<String> {
    let path = format!("{FOLDER}/{file}");
    std::fs::read_to_string(&path).context(path)
}

/// The rows, with what differs from one run to the next in the place of the placeholders.
fn rows_of(backend: &RecordedServers, listed: Listed) -> anyhow::Result<String> {
    let mut rows = read("rows.jsonl")?;
    for (placeholder, address) in backend.addresses() {
        rows = rows.replace(placeholder, &address);
    }
    let now = now();
    let day = match listed {
        Listed::Today => now.to_zoned(TimeZone::UTC).date().to_string(),
        Listed::Earlier => "2026-11-29".to_owned(),
    };
    Ok(rows.replace("@listed@", &day).replace("@now@", &now.to_string()))
}

/// The id that the release has given to an account of a server with this address: each derives it
/// from the address.
async fn id_of(backend: &RecordedServers, side: usize) -> anyhow::Result<String> {
    let (user, password) = PEOPLE[side];
    Cli::new()?.connect(backend.servers[side].url().as_str(), user, password).await
}

/// The rows with another id for an account. Its secret is sealed for the row of that id, as the
/// release has done it.
async fn renamed(cli: &Cli, lines: &str, old: &str, new: &str) -> anyhow::Result<String> {
    let vault = vault::Envelope::local(&cli.data_dir())?;
    let place = |row| vault::SealContext { table: Table::Secrets.name(), partition: "local", row };
    let mut renamed = String::new();
    for line in lines.lines() {
        let mut row: Value = serde_json::from_str(line)?;
        if row["table"] == Table::Secrets.name() && row["key"] == old {
            let secret = vault
                .open(place(old), row["value"]["sealed"].as_str().context("a secret")?)
                .await?;
            row["value"]["sealed"] = vault.seal(place(new), &secret).await?.into();
        }
        renamed.push_str(&row.to_string().replace(old, new));
        renamed.push('\n');
    }
    Ok(renamed)
}

async fn fill(cli: &Cli, lines: &str) -> anyhow::Result<()> {
    if storage::kind()? == Kind::Embedded {
        let mut child = Command::new("python3")
            .arg(format!("{FOLDER}/rows.py"))
            .arg("restore")
            .arg(cli.data_dir().join("calrelay.db"))
            .stdin(Stdio::piped())
            .spawn()
            .context("python3")?;
        child.stdin.take().context("a pipe")?.write_all(lines.as_bytes())?;
        ensure!(child.wait()?.success(), "the database was not made");
        return Ok(());
    }
    let mut all = Vec::new();
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line)?;
        let text = |name: &str| {
            row[name].as_str().map(str::to_owned).with_context(|| format!("{name} in {row}"))
        };
        let table = text("table")?;
        let table =
            Table::ALL.into_iter().find(|known| known.name() == table).context("a table")?;
        all.push((table, text("partition")?, text("key")?, row["value"].clone()));
    }
    rows::put(cli, all).await
}

#[cfg(unix)]
fn private(key: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_key: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the program under test reads the system's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
