//! Clients that take connections and give nothing back.

use std::time::Duration;

use simulators::caldav::Manners;
use simulators::client::Client;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::builder::Builder;
use crate::support::cli::{Cli, TWO_WAY};
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;
use crate::support::running::{Running, until};

/// More than the program may have descriptors.
const CLIENTS: usize = 400;
const DESCRIPTORS: u32 = 256;

/// Half a head, half a body, nothing at all, and a request after which nothing follows.
const OPENINGS: [&str; 4] = [
    "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "POST /webhooks/google HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nabc",
    "",
    "GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
];

async fn paired_env() -> anyhow::Result<CliEnv> {
    let cli = Cli::new()?.with("CALRELAY_POLL_SECONDS", "1").with_descriptors(DESCRIPTORS);
    let env = Builder::caldav(Manners::generic()).build_cli_with(cli).await?;
    env.pair(TWO_WAY).await?;
    Ok(env)
}

/// Opens connections, and new ones for those that are closed, until it is dropped.
fn crowd(running: &Running) -> anyhow::Result<JoinSet<()>> {
    let address = running.url.socket_addrs(|| None)?[0];
    let mut crowd = JoinSet::new();
    for n in 0..CLIENTS {
        crowd.spawn(async move {
            loop {
                if let Ok(mut stream) = TcpStream::connect(address).await {
                    let _ = stream.write_all(OPENINGS[n % OPENINGS.len()].as_bytes()).await;
                    while stream.readable().await.is_ok()
                        && stream.try_read(&mut [0; 1024]).is_ok_and(|read| read > 0)
                    {
                    }
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
    Ok(crowd)
}

#[tokio::test]
async fn slow_clients_keep_neither_a_change_nor_an_answer_waiting() -> anyhow::Result<()> {
    let env = paired_env().await?;
    let [anna, ben] = &env.people;
    let running = Running::start(&env.cli).await?;
    anna.put("first.ics", &hour("first", 2, 9, "First"));
    until("the first copy", || ben.len() == 1).await?;
    let crowd = crowd(&running)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for n in 0..3 {
        anna.put(&format!("{n}.ics"), &hour(&format!("{n}"), 3 + n, 9, "One"));
        let took = until("the copy", || ben.len() == 2 + n as usize).await?;
        assert!(took < Duration::from_secs(10), "{took:?}");
        // On a busy machine new connections may displace this one before its request is read; a
        // second try succeeds.
        let answered = async {
            loop {
                match Client::new(&running.url).send("GET", "/health", &[], "").await {
                    Ok(answer) => return answer.status,
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        assert_eq!(tokio::time::timeout(Duration::from_secs(10), answered).await?, 200);
    }
    drop(crowd);
    assert_eq!(running.terminate().await?, 0);
    env.check_at_rest().await
}

/// A body that is announced and not sent takes no memory.
#[tokio::test]
async fn bodies_that_do_not_come_take_no_memory() -> anyhow::Result<()> {
    let env = paired_env().await?;
    let running = Running::start(&env.cli).await?;
    let address = running.url.socket_addrs(|| None)?[0];
    let memory = || -> anyhow::Result<u64> {
        let Ok(status) = std::fs::read_to_string(format!(
            "/proc/{}/status",
            running.child.id().unwrap_or_default()
        )) else {
            return Ok(0);
        };
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        Ok(line.split_whitespace().nth(1).unwrap_or("0").parse()?)
    };
    let before = memory()?;
    let mut stalled = Vec::new();
    for n in 0..60 {
        let mut stream = TcpStream::connect(address).await?;
        let path = ["/connect/google", "/webhooks/google", "/health"][n % 3];
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = tokio::time::timeout(
            Duration::from_millis(50),
            stream.write_all(&vec![b'x'; 1_000_000]),
        )
        .await;
        stalled.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let grown = memory()?.saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more");
    let (status, _) = running.get("/health", &[]).await?;
    assert_eq!((status, running.terminate().await?), (200, 0));
    Ok(())
}
