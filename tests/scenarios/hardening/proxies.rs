//! Proxies on the same machine, whose requests come from the loopback as the operator's do.

use simulators::caldav::Manners;
use simulators::client::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::builder::Builder;
use crate::support::cli::Cli;
use crate::support::running::Running;

/// The answer to a request that is sent byte for byte.
async fn raw(running: &Running, request: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(running.url.socket_addrs(|| None)?[0]).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn what_a_proxy_forwards_is_not_the_operators() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    let running = Running::start(&env.cli).await?;
    assert_eq!(running.get("/health/detail", &[]).await?.0, 200, "the machine's own user");
    for name in [
        "x-real-ip",
        "x-forwarded-for",
        "x-forwarded-proto",
        "forwarded",
        "via",
        "cf-connecting-ip",
    ] {
        assert_eq!(running.get("/health/detail", &[(name, "192.0.2.1")]).await?.0, 403, "{name}");
    }
    let host = format!("127.0.0.1:{}", running.url.port().unwrap_or_default());
    let old = raw(
        &running,
        &format!("GET /health/detail HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    )
    .await?;
    assert!(
        old.starts_with("HTTP/1.0 403"),
        "a proxy that speaks HTTP/1.0 and says nothing: {old}"
    );
    let two = raw(
        &running,
        &format!(
            "GET /health HTTP/1.1\r\nHost: {host}\r\nHost: example.org\r\nConnection: close\r\n\r\n"
        ),
    )
    .await?;
    assert!(two.starts_with("HTTP/1.1 400"), "{two}");
    assert_eq!(running.terminate().await?, 0);
    Ok(())
}

/// A plain proxy adds no header: where a public address is set, a request from the loopback may be
/// any client's.
#[tokio::test]
async fn behind_a_public_address_no_request_is_the_operators() -> anyhow::Result<()> {
    for (url, status, hsts) in
        [("https://calendars.example.org", 403, true), ("http://localhost:7071", 200, false)]
    {
        let env = Builder::caldav(Manners::generic())
            .build_cli_with(Cli::new()?.with("CALRELAY_PUBLIC_URL", url))
            .await?;
        let running = Running::start(&env.cli).await?;
        assert_eq!(running.get("/health/detail", &[]).await?.0, status, "{url}");
        // A person with read access to the service's own files is its operator, behind any proxy.
        let token = std::fs::read_to_string(env.cli.data_dir().join("operator.token"))?;
        let bearer = format!("Bearer {}", token.trim());
        let shown = [("authorization", bearer.as_str()), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(running.get("/health/detail", &shown).await?.0, 200, "{url}");
        let wrong = format!("Bearer {}", "A".repeat(43));
        assert_eq!(
            running.get("/health/detail", &[("authorization", &wrong)]).await?.0,
            403,
            "{url}"
        );
        let answer = Client::new(&running.url).send("GET", "/health", &[], "").await?;
        assert_eq!(
            (answer.status, answer.header("strict-transport-security").is_empty()),
            (200, !hsts),
            "{url}"
        );
        assert_eq!(running.terminate().await?, 0);
    }
    Ok(())
}
