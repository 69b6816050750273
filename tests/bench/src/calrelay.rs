//! `calrelay`, the program itself: built, connected to two calendars, and started for a pass.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use url::Url;

use crate::options::Options;
use crate::process;
use crate::stage::{End, own_data};

/// Finds the program beside this one, and has it built where it is missing or out of date; or takes
/// the one that the options name.
///
/// # Errors
/// Where it cannot be built.
pub async fn program(options: &Options) -> anyhow::Result<PathBuf> {
    if let Some(program) = &options.program {
        return std::path::absolute(program).context("the program's path");
    }
    let bench = std::env::current_exe()?;
    let program = bench.with_file_name(format!("calrelay{}", std::env::consts::EXE_SUFFIX));
    if !options.no_build {
        let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        build
            .args(["build", "--package", "host"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.stdin(Stdio::null()).status().await.context("cargo does not start")?;
        ensure!(status.success(), "calrelay could not be built");
    }
    ensure!(
        program.is_file(),
        "{} is not there; build it with `cargo build --release -p host`",
        program.display()
    );
    Ok(program)
}

/// An installation: a data directory, and perhaps settings.
#[derive(Debug)]
pub struct Calrelay {
    program: PathBuf,
    dir: TempDir,
    settings: Vec<(String, String)>,
}

impl Calrelay {
    /// An empty one.
    ///
    /// # Errors
    /// Where there is no place for its data.
    pub fn new(program: &Path, settings: Vec<(String, String)>) -> anyhow::Result<Self> {
        Ok(Self { program: program.to_owned(), dir: own_data()?, settings })
    }

    /// Connects both servers and pairs the two calendars, one-way.
    ///
    /// # Errors
    /// Where a command fails.
    pub async fn connect(
        program: &Path,
        ends: &[End; 2],
        source: &str,
        target: &str,
    ) -> anyhow::Result<Self> {
        let this = Self::new(program, Vec::new())?;
        this.join(ends, source, target).await?;
        Ok(this)
    }

    /// Likewise.
    ///
    /// # Errors
    /// Where a command fails.
    pub async fn join(&self, ends: &[End; 2], source: &str, target: &str) -> anyhow::Result<()> {
        let mut ids = Vec::new();
        for (end, name) in ends.iter().zip([source, target]) {
            let listing = self.account(&end.url(), &end.user, &end.password).await?;
            ids.push(
                id_of(&listing, name)
                    .with_context(|| format!("the calendar {name} is not listed: {listing}"))?,
            );
        }
        self.pair(&ids[0], &ids[1]).await
    }

    /// Connects an account, and lists its calendars.
    ///
    /// # Errors
    /// Where a command fails.
    pub async fn account(&self, url: &Url, user: &str, password: &str) -> anyhow::Result<Value> {
        let add = [
            "account",
            "add",
            "caldav",
            "--url",
            url.as_str(),
            "--user",
            user,
            "--password-stdin",
            "--json",
        ];
        let account = self.answer(&add, &format!("{password}\n")).await?;
        let account = account["id"].as_str().context("an account without an id")?;
        self.answer(&["calendars", "--account", account, "--json"], "").await
    }

    /// Connects an account of a provider by a refresh token; the id of the calendar of this name.
    ///
    /// # Errors
    /// Where a command fails.
    pub async fn granted(
        &self,
        provider: &str,
        calendar: &str,
        refresh_token: &str,
    ) -> anyhow::Result<String> {
        let add = ["account", "add", provider, "--refresh-token-stdin", "--json"];
        let account = self.answer(&add, &format!("{refresh_token}\n")).await?;
        let account = account["id"].as_str().context("an account without an id")?;
        let listing = self.answer(&["calendars", "--account", account, "--json"], "").await?;
        id_of(&listing, calendar).with_context(|| format!("no calendar {calendar}: {listing}"))
    }

    /// Starts the service on a free port; the process, which ends with the value, and its address.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn serve(&self) -> anyhow::Result<(Child, Url)> {
        self.serve_by(self.command(&["--listen", "127.0.0.1:0"])).await
    }

    /// As [`Calrelay::serve`], by a command that leads to it.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn serve_by(&self, mut command: Command) -> anyhow::Result<(Child, Url)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("stdout")?).lines();
        let line = lines.next_line().await?.context("it said nothing")?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .with_context(|| line.clone())?;
        Ok((child, Url::parse(url)?))
    }

    /// Pairs two calendars by their ids, one-way.
    ///
    /// # Errors
    /// Where the command fails.
    pub async fn pair(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.answer(&["pair", "add", "--from", from, "--to", to, "--json"], "").await.map(|_| ())
    }

    /// One pass, to be run.
    pub fn pass(&self) -> Command {
        self.command(&["sync"])
    }

    /// Where its data are.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The settings in the environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let own = ("CALRELAY_DATA_DIR".to_owned(), self.data_dir().display().to_string());
        self.settings.iter().cloned().chain([own]).collect()
    }

    async fn answer(&self, arguments: &[&str], stdin: &str) -> anyhow::Result<Value> {
        let run = process::run(self.command(arguments), stdin).await?;
        serde_json::from_str(&run.stdout).context("the answer is no JSON")
    }

    /// A command, to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Away from every settings file, and with an empty environment.
        command.args(arguments).current_dir(self.dir.path()).env_clear().envs(self.environment());
        command
    }
}

/// The id of a calendar by its name, which a server may lengthen to a path.
pub fn id_of(listing: &Value, name: &str) -> Option<String> {
    let calendars = listing["calendars"].as_array()?;
    let called = |calendar: &&Value| {
        calendar["name"]
            .as_str()
            .is_some_and(|found| found.trim_matches('/').rsplit('/').next() == Some(name))
    };
    Some(calendars.iter().find(called)?["id"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_is_found_by_its_name() {
        let listing = serde_json::json!({"calendars": [{"id": "c1", "name": "source"}, {"id": "c2", "name": "/user/target-1/"}]});
        assert_eq!(id_of(&listing, "source").as_deref(), Some("c1"));
        assert_eq!(id_of(&listing, "target-1").as_deref(), Some("c2"));
        assert_eq!(id_of(&listing, "target"), None);
    }
}
