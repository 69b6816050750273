//! A real browser, Chromium, used as a person uses it: the test opens addresses, finds elements by
//! the names that screen readers read, clicks at their position, and presses keys.
//!
//! `tests/setup/browser.sh` installs the browser when it is first needed. The test controls it by
//! the DevTools protocol (`pipe.rs`), over pipes that only this process holds: the browser ends
//! with its [`Browser`], and also when the test's process ends in any other way. `window.rs` is one
//! of its windows.
//!
//! Properties:
//! - The browser reaches nothing but the loopback, and the names of [`Front`]s, which are there.
//! - Every [`Window`] is a separate user: no cookie and no cache is shared.
//! - Complaints of a page are kept ([`Window::complaints`]): refusals by its policy, errors on its
//!   console, the browser's advice. So are all requests of a page ([`Window::asked`]).

mod pipe;
mod window;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use self::pipe::Pipe;
pub use self::window::{Look, Window};
use crate::tls::Front;

/// A running browser. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    pipe: Arc<Pipe>,
    _process: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one that knows these fronts, and trusts their certificates.
    ///
    /// # Errors
    /// Where it cannot be installed, or does not start.
    pub async fn start(fronts: &[&Front]) -> anyhow::Result<Self> {
        let program = program().await?;
        let profile = tempfile::tempdir()?;
        let mapped: String = fronts
            .iter()
            .map(|front| format!("MAP {} {},", front.name(), front.address()))
            .collect();
        let trusted: Vec<&str> = fronts.iter().map(|front| front.fingerprint()).collect();
        let mut process = Command::new(program)
            .args([
                "--headless=shell",
                "--remote-debugging-pipe",
                "--no-first-run",
                "--lang=en-US",
                "--hide-scrollbars",
            ])
            // The browser shows pages of the product only, and also runs as the user root of a
            // container, where its sandbox is not available.
            .args([
                "--no-sandbox",
                "--no-zygote",
                "--disable-gpu",
                "--disable-software-rasterizer",
                "--disable-dev-shm-usage",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--disable-sync",
            ])
            .arg(format!(
                "--host-resolver-rules={mapped}MAP * ~NOTFOUND,EXCLUDE 127.0.0.1,EXCLUDE localhost"
            ))
            .arg(format!("--ignore-certificate-errors-spki-list={}", trusted.join(",")))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env_remove("DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It talks of graphics cards and message buses that are not there.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("the browser does not start")?;
        let (inward, outward) =
            (process.stdin.take().context("a pipe")?, process.stdout.take().context("a pipe")?);
        let pipe = Arc::new(Pipe::new(inward, outward));
        let version = pipe
            .call(None, "Browser.getVersion", json!({}))
            .await
            .context("the browser does not answer")?;
        ensure!(
            version["product"].as_str().is_some_and(|name| name.contains("Chrom")),
            "another browser than was expected: {version}"
        );
        Ok(Self { pipe, _process: process, _profile: profile })
    }

    /// The first window of a user.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn window(&self) -> anyhow::Result<Window> {
        Window::new(&self.pipe).await
    }
}

/// The command that runs it, installed if need be.
async fn program() -> anyhow::Result<&'static PathBuf> {
    static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
    PROGRAM
        .get_or_try_init(|| async {
            let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/browser.sh");
            let output =
                Command::new(setup).stdin(Stdio::null()).stderr(Stdio::inherit()).output().await?;
            ensure!(output.status.success(), "tests/setup/browser.sh failed");
            Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
        })
        .await
}

#[cfg(test)]
mod tests;
