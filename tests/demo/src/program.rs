//! The real `calrelay`, run as a person would run it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// The program, and a data directory of its own.
pub struct Program {
    path: PathBuf,
    data: TempDir,
}

impl Program {
    /// Builds it as the demo itself was built. Quick where nothing has changed.
    pub fn build() -> anyhow::Result<Self> {
        let demo = std::env::current_exe()?;
        let folder = demo.parent().context("the demo program is in no folder")?;
        let target = folder.parent().context("the demo program is in no target folder")?;
        let path = folder.join(format!("calrelay{}", std::env::consts::EXE_SUFFIX));
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--locked", "--package", "host", "--target-dir"]).arg(target);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        if path.exists() {
            cargo.arg("--quiet");
        } else {
            println!("Building calrelay; the first time takes some minutes …");
        }
        let built = cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .context("cargo does not start")?;
        ensure!(built.success(), "calrelay could not be built");
        Ok(Self { path, data: tempfile::tempdir()? })
    }

    /// The path of the program, relative to the working directory if that is shorter.
    pub fn path(&self) -> &Path {
        let here = std::env::current_dir().unwrap_or_default();
        self.path.strip_prefix(here).unwrap_or(&self.path)
    }

    /// Runs a command, and shows it with all it says. `secret` is what a person would type when
    /// asked.
    pub fn run(&self, arguments: &[&str], secret: &str) -> anyhow::Result<()> {
        let answer = self.answer(arguments, secret)?;
        show(arguments, secret);
        print!("{}", indented(&answer.stdout));
        print!("{}", indented(&answer.stderr));
        Ok(())
    }

    /// Runs a command, and shows of what it says the lines that count.
    pub fn counts(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let answer = self.answer(arguments, "")?;
        show(arguments, "");
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        for line in text.lines().filter(|line| !line.starts_with(' ')) {
            println!("  {line}");
        }
        println!("  (event by event as above)");
        Ok(())
    }

    /// Runs a command unseen, for what a person would read off the screen.
    pub fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        serde_json::from_slice(&self.answer(&all, "")?.stdout)
            .context("calrelay's --json is no JSON")
    }

    fn answer(&self, arguments: &[&str], secret: &str) -> anyhow::Result<Output> {
        // Nothing of the reader's own settings, and nothing of theirs is read: not the environment,
        // not local.settings.json.
        let mut child = Command::new(&self.path)
            .args(arguments)
            .env_clear()
            .env("CALRELAY_DATA_DIR", self.data.path().join("calrelay"))
            .current_dir(self.data.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("calrelay does not start")?;
        let mut stdin = child.stdin.take().context("calrelay has no standard input")?;
        // A command that reads no input may have ended before the input was written.
        let _ = writeln!(stdin, "{secret}");
        drop(stdin);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "`calrelay {}` ended with {}:\n{}{}",
                arguments.join(" "),
                output.status,
                indented(&output.stdout),
                indented(&output.stderr)
            );
        }
        Ok(output)
    }
}

/// The id of the calendar with this name.
pub fn id_of_calendar(answer: &Value, name: &str) -> anyhow::Result<String> {
    let calendars = answer["calendars"].as_array().context("no list of calendars")?;
    let found = calendars.iter().find(|calendar| calendar["name"] == name);
    Ok(found
        .and_then(|calendar| calendar["id"].as_str())
        .with_context(|| format!("no calendar is called {name}"))?
        .to_owned())
}

fn show(arguments: &[&str], secret: &str) {
    let typed = if secret.is_empty() { "" } else { "   # you would be asked instead" };
    println!("$ calrelay {}{typed}", arguments.join(" "));
}

fn indented(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().map(|line| format!("  {line}\n")).collect()
}
