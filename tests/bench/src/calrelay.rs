//! `calrelay`, the program itself: built, connected to two calendars, and started for a pass.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process;
use crate::stage::{End, own_data};

/// Finds the program beside this one, and has it built where it is missing or out of date.
///
/// # Errors
/// Where it cannot be built.
pub async fn program(no_build: bool) -> anyhow::Result<PathBuf> {
    let bench = std::env::current_exe()?;
    let program = bench.with_file_name(format!("calrelay{}", std::env::consts::EXE_SUFFIX));
    if !no_build {
        let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        build.args(["build", "--package", "host"]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.stdin(Stdio::null()).status().await.context("cargo does not start")?;
        ensure!(status.success(), "calrelay could not be built");
    }
    ensure!(program.is_file(), "{} is not there; build it with `cargo build --release -p host`", program.display());
    Ok(program)
}

/// An installation with one pair.
#[derive(Debug)]
pub struct Calrelay {
    program: PathBuf,
    dir: TempDir,
}

impl Calrelay {
    /// Connects both servers and pairs the two calendars, one-way.
    ///
    /// # Errors
    /// Where a command fails.
    pub async fn connect(program: &Path, ends: &[End; 2], source: &str, target: &str) -> anyhow::Result<Self> {
        let this = Self { program: program.to_owned(), dir: own_data()? };
        let mut ids = Vec::new();
        for (end, name) in ends.iter().zip([source, target]) {
            let url = end.url();
            let add = ["account", "add", "caldav", "--url", url.as_str(), "--user", &end.user, "--password-stdin", "--json"];
            let account = this.answer(&add, &format!("{}\n", end.password)).await?;
            let account = account["id"].as_str().context("an account without an id")?;
            let listing = this.answer(&["calendars", "--account", account, "--json"], "").await?;
            ids.push(id_of(&listing, name).with_context(|| format!("the calendar {name} is not listed: {listing}"))?);
        }
        this.answer(&["pair", "add", "--from", &ids[0], "--to", &ids[1], "--json"], "").await?;
        Ok(this)
    }

    /// One pass, to be run.
    pub fn pass(&self) -> Command {
        self.command(&["sync"])
    }

    async fn answer(&self, arguments: &[&str], stdin: &str) -> anyhow::Result<Value> {
        let run = process::run(self.command(arguments), stdin).await?;
        serde_json::from_str(&run.stdout).context("the answer is no JSON")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Away from every settings file, and with nobody's environment.
        command.args(arguments).current_dir(self.dir.path()).env_clear().env("CALRELAY_DATA_DIR", self.dir.path().join("data"));
        command
    }
}

/// The id of a calendar by its name, which a server may lengthen to a path.
fn id_of(listing: &Value, name: &str) -> Option<String> {
    let calendars = listing["calendars"].as_array()?;
    let called =
        |calendar: &&Value| calendar["name"].as_str().is_some_and(|found| found.trim_matches('/').rsplit('/').next() == Some(name));
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
