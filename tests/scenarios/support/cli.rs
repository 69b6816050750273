//! The command line: the real program with a data directory and settings of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use engine::provider::ProviderKind;
use serde_json::Value;
use simulators::google;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::accounts::Account;
use super::storage::ProgramStorage;

/// The program, as one user runs it.
pub struct Cli {
    program: PathBuf,
    home: TempDir,
    storage: ProgramStorage,
    settings: Vec<(String, String)>,
    descriptors: Option<u32>,
}

/// The result of a command.
#[derive(Debug)]
pub struct Answer {
    /// Exit status; -1 where it was killed.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Terms of a pair.
pub const ONE_WAY: &[&str] = &[];
pub const TWO_WAY: &[&str] = &["--two-way"];
pub const PRIVATE: &[&str] = &["--private"];

impl Cli {
    /// Nothing is stored yet.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self::running(program()?, tempfile::tempdir()?))
    }

    /// As [`Self::new`], with a program of another build.
    pub fn running(program: PathBuf, home: TempDir) -> Self {
        Self {
            program,
            home,
            storage: ProgramStorage::default(),
            settings: Vec::new(),
            descriptors: None,
        }
    }

    /// A program that is registered with the simulated Google.
    pub fn for_google(google: &google::Server) -> anyhow::Result<Self> {
        Ok(google.settings().iter().fold(Self::new()?, |cli, (name, value)| cli.with(name, value)))
    }

    /// With a setting.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With so many file descriptors at most.
    pub fn with_descriptors(mut self, most: u32) -> Self {
        self.descriptors = Some(most);
        self
    }

    /// The data directory; made by the program.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The settings, apart from those of storage.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Where the program keeps its rows.
    pub fn storage(&self) -> &ProgramStorage {
        &self.storage
    }

    /// The working directory of the program.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts a command; dropping the child kills it.
    pub async fn start(&self, arguments: &[&str], stdin: &str) -> anyhow::Result<Child> {
        let mut command = match self.descriptors {
            None => Command::new(&self.program),
            Some(most) => {
                let mut shell = Command::new("/bin/sh");
                shell
                    .arg("-c")
                    .arg(format!("ulimit -n {most}; exec \"$0\" \"$@\""))
                    .arg(&self.program);
                shell
            }
        };
        let mut child = command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("CALRELAY_DATA_DIR", self.data_dir())
            .envs(self.storage.settings().await?)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut pipe = child.stdin.take().context("a pipe to the program")?;
        // A program that does not read its input may have ended by now.
        let _ = pipe.write_all(stdin.as_bytes()).await;
        Ok(child)
    }

    /// Runs a command to its end.
    pub async fn run_with(&self, arguments: &[&str], stdin: &str) -> anyhow::Result<Answer> {
        let output = self.start(arguments, stdin).await?.wait_with_output().await?;
        Ok(Answer {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Runs a command with nothing on standard input.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<Answer> {
        self.run_with(arguments, "").await
    }

    /// Runs a command with `--json` that has to succeed, and gives its document.
    pub async fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        self.run(&[arguments, &["--json"]].concat()).await?.done()
    }

    /// `account add caldav`; the answer may be a refusal.
    pub async fn account_add(
        &self,
        url: &str,
        user: &str,
        password: &str,
    ) -> anyhow::Result<Answer> {
        let arguments = [
            "account",
            "add",
            "caldav",
            "--url",
            url,
            "--user",
            user,
            "--password-stdin",
            "--json",
        ];
        self.run_with(&arguments, &format!("{password}\n")).await
    }

    /// `account add icloud`.
    pub async fn icloud_add(&self, user: &str, password: &str) -> anyhow::Result<Answer> {
        let arguments = ["account", "add", "icloud", "--user", user, "--password-stdin", "--json"];
        self.run_with(&arguments, &format!("{password}\n")).await
    }

    /// `account add google` with a refresh token.
    pub async fn google_add(&self, refresh_token: &str) -> anyhow::Result<Answer> {
        let arguments = ["account", "add", "google", "--refresh-token-stdin", "--json"];
        self.run_with(&arguments, &format!("{refresh_token}\n")).await
    }

    /// `account add microsoft` with a refresh token.
    pub async fn microsoft_add(&self, refresh_token: &str) -> anyhow::Result<Answer> {
        let arguments = ["account", "add", "microsoft", "--refresh-token-stdin", "--json"];
        self.run_with(&arguments, &format!("{refresh_token}\n")).await
    }

    /// Connects an account; its id.
    pub async fn connect_account(&self, account: &Account) -> anyhow::Result<String> {
        match account.kind {
            ProviderKind::Google => self.connect_google(&account.password).await,
            _ => self.connect(&account.url, &account.user, &account.password).await,
        }
    }

    /// Connects an account at Google; its id.
    pub async fn connect_google(&self, refresh_token: &str) -> anyhow::Result<String> {
        id(&self.google_add(refresh_token).await?.done()?)
    }

    /// Connects an account of a CalDAV server; its id.
    pub async fn connect(&self, url: &str, user: &str, password: &str) -> anyhow::Result<String> {
        id(&self.account_add(url, user, password).await?.done()?)
    }

    /// The id of an account's calendar; `name` is the end of its name.
    pub async fn calendar(&self, account: &str, name: &str) -> anyhow::Result<String> {
        let listed = self.json(&["calendars", "--account", account]).await?;
        let calendars = listed["calendars"].as_array().context("calendars")?;
        let found = calendars
            .iter()
            .find(|calendar| calendar["name"].as_str().is_some_and(|known| known.ends_with(name)));
        id(found.with_context(|| format!("no calendar {name} in {listed}"))?)
    }

    /// `pair add`; its id.
    pub async fn pair_add(&self, from: &str, to: &str, terms: &[&str]) -> anyhow::Result<String> {
        id(&self.json(&[&["pair", "add", "--from", from, "--to", to], terms].concat()).await?)
    }

    /// `sync` with these further arguments: exit status and run of the only pair, failed or not.
    pub async fn sync_with(&self, arguments: &[&str]) -> anyhow::Result<(i32, Value)> {
        let answer = self.run(&[&["sync", "--json"], arguments].concat()).await?;
        let report = answer.document()?;
        let runs = report["pairs"].as_array().with_context(|| format!("no report: {answer:?}"))?;
        ensure!(runs.len() == 1, "one pair, one run: {report}");
        Ok((answer.status, runs[0].clone()))
    }

    /// `sync` with these further arguments: the runs of all pairs, failed or not.
    pub async fn sync_all(&self, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let report = self.run(&[&["sync", "--json"], arguments].concat()).await?.document()?;
        report["pairs"].as_array().cloned().with_context(|| format!("no report: {report}"))
    }

    /// `sync` that has to succeed.
    pub async fn sync(&self) -> anyhow::Result<Value> {
        let (status, run) = self.sync_with(&[]).await?;
        ensure!(status == 0 && run["state"] == "ok", "{run}");
        Ok(run)
    }

    /// `sync --dry-run`.
    pub async fn dry_run(&self) -> anyhow::Result<Value> {
        let (status, run) = self.sync_with(&["--dry-run"]).await?;
        ensure!(status == 0, "{run}");
        Ok(run)
    }

    /// `status`.
    pub async fn status(&self) -> anyhow::Result<Value> {
        self.json(&["status"]).await
    }

    /// `explain`.
    pub async fn explain(&self, pair: &str, event: &str) -> anyhow::Result<Value> {
        self.json(&["explain", "--pair", pair, "--event", event]).await
    }
}

impl Answer {
    /// The JSON document on standard output, where nothing else may be.
    pub fn document(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("no JSON document: {self:?}"))
    }

    /// The document of a command that has succeeded.
    pub fn done(&self) -> anyhow::Result<Value> {
        ensure!(self.status == 0, "exit status {}: {}{}", self.status, self.stdout, self.stderr);
        self.document()
    }

    /// Error code and message of a command that has failed.
    #[track_caller]
    pub fn failure(&self) -> (String, String) {
        let document = self.document().expect("a failure is a JSON document");
        assert_eq!(self.status, 1, "{document}");
        let error = &document["error"];
        (
            error["code"].as_str().expect("a code").to_owned(),
            error["message"].as_str().expect("a message").to_owned(),
        )
    }
}

/// `id` of a document.
pub fn id(document: &Value) -> anyhow::Result<String> {
    Ok(document["id"].as_str().with_context(|| format!("no id in {document}"))?.to_owned())
}

/// Created, changed, deleted, skipped.
pub fn counts(run: &Value) -> [u64; 4] {
    ["created", "changed", "deleted", "skipped"].map(|name| run[name].as_u64().unwrap_or(u64::MAX))
}

/// Action, calendar and event of each action, sorted: equal for a dry run and the pass after it.
pub fn actions(run: &Value) -> Vec<String> {
    let all = run["actions"].as_array().into_iter().flatten();
    let mut all: Vec<String> = all
        .map(|action| format!("{} {} {}", action["action"], action["calendar"], action["event"]))
        .collect();
    all.sort();
    all
}

/// The program that `cargo build -p host` puts beside the tests.
pub fn program() -> anyhow::Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let directory = tests.ancestors().nth(2).context("the tests are in target/PROFILE/deps")?;
    let program = directory.join(format!("calrelay{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        program.is_file(),
        "{} is not there: run `cargo build -p host` first, as tests/run does",
        program.display()
    );
    Ok(program)
}
