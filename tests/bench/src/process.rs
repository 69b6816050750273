//! A program from its start to its end: how long it took, and the most memory that it held.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// How often the memory is looked at. The mark is the system's own high-water mark, so only growth
/// in the last moment can be missed.
const LOOK: Duration = Duration::from_millis(5);

/// A program that takes longer has come to a stop.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What a run of a program came to.
#[derive(Debug)]
pub struct Run {
    /// From its start to its end.
    pub wall: Duration,
    /// The most memory that it held (resident), in KiB.
    pub peak: u64,
    /// What it printed.
    pub stdout: String,
}

/// Runs a program to its end.
///
/// # Errors
/// Where it does not start, or ends with anything but 0; the words hold what it said.
pub async fn run(mut command: Command, stdin: &str) -> anyhow::Result<Run> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} does not start", command.as_std().get_program().display()))?;
    let status_file = format!("/proc/{}/status", child.id().unwrap_or_default());
    let stdout = tokio::spawn(whole(child.stdout.take()));
    let stderr = tokio::spawn(whole(child.stderr.take()));
    if let Some(mut input) = child.stdin.take() {
        // A program that reads nothing closes its end.
        let _ = input.write_all(stdin.as_bytes()).await;
    }
    let mut peak = 0;
    let status = loop {
        peak = peak.max(
            tokio::fs::read_to_string(&status_file)
                .await
                .ok()
                .as_deref()
                .and_then(high_water)
                .unwrap_or(0),
        );
        match tokio::time::timeout(LOOK, child.wait()).await {
            Ok(status) => break status?,
            Err(_) => ensure!(
                begun.elapsed() < PATIENCE,
                "{} does not end",
                command.as_std().get_program().display()
            ),
        }
    };
    let wall = begun.elapsed();
    let (stdout, stderr) = (stdout.await?, stderr.await?);
    if !status.success() {
        bail!(
            "{} ended with {status}:\n{stdout}\n{stderr}",
            command.as_std().get_program().display()
        );
    }
    Ok(Run { wall, peak, stdout })
}

async fn whole(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What is there until the pipe breaks is all that there is.
        let _ = stream.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `VmHWM` of a `/proc/PID/status`, in KiB. A process that has ended has none.
fn high_water(status: &str) -> Option<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_found() {
        assert_eq!(
            high_water("Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t   12345 kB\nVmRSS:\t 1 kB\n"),
            Some(12_345)
        );
        assert_eq!(high_water("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[tokio::test]
    async fn a_program_is_run_to_its_end() {
        let mut command = Command::new("sh");
        command.args(["-c", "read word; sleep 0.05; echo \"$word\""]);
        let run = run(command, "hello\n").await.unwrap();
        assert_eq!(run.stdout, "hello\n");
        assert!(run.wall >= Duration::from_millis(50));
        assert!(run.peak > 0, "a process that lives is seen");
    }

    #[tokio::test]
    async fn a_failure_says_what_the_program_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo why >&2; exit 3"]);
        let error = run(command, "").await.unwrap_err().to_string();
        assert!(error.contains("why") && error.contains('3'), "{error}");
    }
}
