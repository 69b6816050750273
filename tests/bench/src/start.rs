//! From the start of the program to its first answer, under the environment that the Functions host
//! gives it.
//!
//! Between two starts of it, in turn, start a program that does nothing, and one that answers HTTP
//! with as little as that takes: what they need is the machine's part. Files are in the system's
//! cache, as they are when an instance that has just unpacked them starts them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use simulators::azurite::Azurite;

use crate::calrelay::Calrelay;
use crate::hosted::{self, Folder};
use crate::options::{Kind, Options};
use crate::stage::End;
use crate::stats::{median, ratio, time};
use crate::table::Table;

/// The most that may pass until the first answer.
const AIM: Duration = Duration::from_millis(50);
/// Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_micros(200);

/// What is started, and when it answered.
#[derive(Default)]
struct Starts {
    first: Vec<Duration>,
    well: Vec<Duration>,
}

/// Measures, and shows one table.
///
/// # Errors
/// Where something is broken; never because of a time.
pub async fn measure(
    options: &Options,
    calrelay: &Path,
    show: &mut impl FnMut(Table),
) -> anyhow::Result<()> {
    eprintln!("The program is started {} times on each storage…", options.starts);
    let folder = Folder::lay(calrelay)?;
    let azurite = Azurite::start().await?;
    let ends = [End::start(Kind::Memory).await?, End::start(Kind::Memory).await?];
    ends[0].calendar("source").await?;
    ends[1].calendar("target").await?;
    let mut installed = Vec::new();
    for settings in [hosted::embedded(), hosted::azure(&azurite.connection_string())] {
        let calrelay = Calrelay::new(calrelay, settings)?;
        calrelay.join(&ends, "source", "target").await?;
        installed.push(calrelay);
    }
    let mut nothing = Vec::new();
    let mut floor = Starts::default();
    let mut ours = [Starts::default(), Starts::default()];
    let bench = std::env::current_exe()?;
    for _ in 0..options.starts {
        nothing.push(tokio::task::spawn_blocking(to_the_end).await??);
        let bench = bench.clone();
        one(&mut floor, move |port| {
            let mut command = Command::new(&bench);
            command.env_clear().arg("--answer-at").arg(port.to_string());
            command
        })
        .await?;
        for (starts, installation) in ours.iter_mut().zip(&installed) {
            let (program, root, environment) =
                (folder.program(), folder.path().to_owned(), installation.environment());
            one(starts, move |port| under_the_host(&program, &root, environment.clone(), port))
                .await?;
        }
    }
    let title = format!("From the start to the first answer (median of {})", options.starts);
    let mut table =
        Table::new(title, &["true", "bare answer", hosted::STORAGES[0], hosted::STORAGES[1]]);
    let all =
        [&floor, &ours[0], &ours[1]].map(|starts| (median(&starts.first), median(&starts.well)));
    table.row(
        "to the first answer",
        [time(median(&nothing)), time(all[0].0), time(all[1].0), time(all[2].0)],
    );
    table.target("at most 50 ms", all[1].0.max(all[2].0) <= AIM);
    let to_floor = |first: Duration| format!("{:.1}", ratio(first, all[0].0));
    table.row(
        "to the bare answer",
        [String::new(), "1".into(), to_floor(all[1].0), to_floor(all[2].0)],
    );
    table.row(
        "to /health, storage and all",
        [String::new(), String::new(), time(all[1].1), time(all[2].1)],
    );
    let slowest = |starts: &Starts| time(starts.first.iter().max().copied().unwrap_or_default());
    table.row(
        "the slowest first answer",
        [String::new(), slowest(&floor), slowest(&ours[0]), slowest(&ours[1])],
    );
    show(table);
    Ok(())
}

/// Answers every request at this port with an empty 200, one after the other, until the process is
/// ended.
///
/// # Errors
/// Where the port cannot be had.
pub fn answer_at(port: u16) -> std::io::Result<()> {
    for stream in TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.incoming() {
        let mut stream = stream?;
        // The client sends a small request in one piece.
        if stream.read(&mut [0; 1024])? > 0 {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        }
    }
    Ok(())
}

/// What the host gives its handler.
fn under_the_host(
    program: &Path,
    root: &Path,
    environment: Vec<(String, String)>,
    port: u16,
) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root).env_clear().envs(environment);
    command
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
        .env("FUNCTIONS_APP_ROOT_PATH", root);
    command
}

async fn one(
    starts: &mut Starts,
    command: impl Fn(u16) -> Command + Send + 'static,
) -> anyhow::Result<()> {
    let (first, well) = tokio::task::spawn_blocking(move || to_the_first_answer(command)).await??;
    starts.first.push(first);
    starts.well.push(well);
    Ok(())
}

/// `true` from its start to its end: what it takes the system to start anything at all.
fn to_the_end() -> anyhow::Result<Duration> {
    let begun = Instant::now();
    ensure!(
        Command::new("true").status().context("true does not start")?.success(),
        "true is not true"
    );
    Ok(begun.elapsed())
}

/// From the start to the first answer, and to a good answer of `/health`.
fn to_the_first_answer(command: impl Fn(u16) -> Command) -> anyhow::Result<(Duration, Duration)> {
    // Free a moment ago. Where a stranger takes it in between, the program ends, and that is an
    // error.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut command = command(address.port());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().context("the program does not start")?;
    let measured = (|| {
        let first = loop {
            if ask(address, "/").is_ok() {
                break begun.elapsed();
            }
            if let Some(status) = child.try_wait()? {
                bail!("the program ended at its start: {status}");
            }
            ensure!(begun.elapsed() < PATIENCE, "the program does not answer");
            std::thread::sleep(LOOK);
        };
        let status = ask(address, "/health")?;
        ensure!(status.starts_with("HTTP/1.1 200"), "/health: {status}");
        Ok((first, begun.elapsed()))
    })();
    // One that has ended already is as good.
    let _ = child.kill();
    let _ = child.wait();
    measured
}

/// The first line of the answer.
fn ask(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    answer.lines().next().map(str::to_owned).context("nothing was answered")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_answers() {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        std::thread::spawn(move || answer_at(address.port()));
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Ok(line) = ask(address, "/") {
                assert_eq!(line, "HTTP/1.1 200 OK");
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("it never answered");
    }

    #[test]
    fn a_program_that_ends_at_its_start_is_no_measurement() {
        let error = to_the_first_answer(|_| Command::new("false")).unwrap_err().to_string();
        assert!(error.contains("ended at its start"), "{error}");
    }
}
