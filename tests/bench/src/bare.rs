//! The floor: nothing but the PUTs. Eight connections that stay open, one object after the other on
//! each, every one as new.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::body::Body;
use axum::http::Request;
use data_encoding::BASE64;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::stage::End;

/// PUTs under way at once: as many as calrelay has on a server that it knows nothing about.
pub const PARALLEL: usize = 8;

/// Puts all objects into an empty calendar, through the proxy.
///
/// # Errors
/// Where the server does not take one.
pub async fn put_all(
    end: &End,
    calendar: &str,
    objects: &[(String, String)],
) -> anyhow::Result<Duration> {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    futures::future::try_join_all((0..PARALLEL).map(|_| worker(end, calendar, objects, &next)))
        .await?;
    Ok(begun.elapsed())
}

async fn worker(
    end: &End,
    calendar: &str,
    objects: &[(String, String)],
    next: &AtomicUsize,
) -> anyhow::Result<()> {
    let url = end.url();
    let authority =
        format!("{}:{}", url.host_str().context("no host")?, url.port().context("no port")?);
    let login =
        format!("Basic {}", BASE64.encode(format!("{}:{}", end.user, end.password).as_bytes()));
    let stream = TcpStream::connect(&authority).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    while let Some((name, ics)) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
        sender.ready().await?;
        let request = Request::put(format!("{calendar}{name}"))
            .header("host", &authority)
            .header("authorization", &login)
            .header("content-type", "text/calendar; charset=utf-8")
            .header("if-none-match", "*")
            .body(Body::from(ics.clone()))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        axum::body::to_bytes(Body::new(answer.into_body()), 1 << 20).await?;
        ensure!(status.is_success(), "a bare PUT was answered with {status}");
    }
    connection.abort();
    Ok(())
}
