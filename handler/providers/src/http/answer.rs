//! An answer: its head, and a body that is read no further than its limit, for no longer than our
//! patience, and at no lower rate than a slow line's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::io::StreamReader;

use crate::{Error, Result};

/// An answer whose body has not been read yet.
pub(crate) struct HttpAnswer {
    status: StatusCode,
    headers: HeaderMap,
    host: String,
    response: reqwest::Response,
    patience: Duration,
    permit: OwnedSemaphorePermit,
}

impl HttpAnswer {
    pub(super) fn new(
        mut response: reqwest::Response,
        host: String,
        patience: Duration,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let headers = std::mem::take(response.headers_mut());
        Self { status: response.status(), headers, host, response, patience, permit }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// A header, if it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as it arrives. Reading beyond `limit` bytes fails.
    pub(crate) fn reader(self, limit: u64) -> impl AsyncBufRead + Send + Unpin {
        let Self { response, patience, permit, .. } = self;
        Capped::new(StreamReader::new(patient(response, patience, permit)), limit)
    }

    /// The whole body; `None` if it is larger than `limit`.
    pub(crate) async fn bytes(self, limit: u64) -> Result<Option<Vec<u8>>> {
        let Self { response, patience, permit, host, .. } = self;
        let mut body = Vec::new();
        let mut reader = StreamReader::new(patient(response, patience, permit)).take(limit + 1);
        reader.read_to_end(&mut body).await.map_err(|_| {
            Error::Unreachable(format!("{host} broke off in the middle of its answer"))
        })?;
        Ok(if body.len() as u64 > limit { None } else { Some(body) })
    }
}

type Chunk = tokio_util::bytes::Bytes;

/// A body comes at this rate at least, on average: bytes a second. The slowest lines in use give
/// several times as many.
const LEAST_RATE: u64 = 512;

/// The minimum transfer rate of a body applies after this time.
const ANY_RATE: Duration = Duration::from_secs(30);

/// The body's chunks, all of which come within `patience`: a server that sends a byte now and then
/// delays its caller no longer than that.
fn patient(
    response: reqwest::Response,
    patience: Duration,
    permit: OwnedSemaphorePermit,
) -> Pin<Box<dyn Stream<Item = io::Result<Chunk>> + Send>> {
    let chunks = response
        .bytes_stream()
        .map_err(|_| io::Error::new(io::ErrorKind::ConnectionAborted, "the connection broke off"));
    let begun = Instant::now();
    let state = (Box::pin(chunks), 0_u64, permit);
    futures::stream::unfold(state, move |(mut chunks, mut come, permit)| async move {
        let chunk = match tokio::time::timeout_at(begun + patience, chunks.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => Err(late("the server did not come to the end of its answer in time")),
        };
        come += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        let elapsed = begun.elapsed();
        let is_dripping = elapsed > ANY_RATE && come < elapsed.as_secs() * LEAST_RATE;
        let chunk = if is_dripping && chunk.is_ok() {
            Err(late("the server sends its answer too slowly"))
        } else {
            chunk
        };
        Some((chunk, (chunks, come, permit)))
    })
    .fuse()
    .boxed()
}

fn late(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, words)
}

/// A reader with an end that it may not pass.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R> Capped<R> {
    fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit }
    }
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for Capped<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        let left = this.left;
        match Pin::new(&mut this.inner).poll_fill_buf(cx) {
            Poll::Ready(Ok(buffer)) if left == 0 && !buffer.is_empty() => {
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "the answer is larger than any calendar",
                )))
            }
            Poll::Ready(Ok(buffer)) => {
                let end = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                Poll::Ready(Ok(&buffer[..end]))
            }
            other => other,
        }
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.left = this.left.saturating_sub(amount as u64);
        Pin::new(&mut this.inner).consume(amount);
    }
}

impl<R: AsyncBufRead + Unpin> AsyncRead for Capped<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        read_buffered(self, cx, target)
    }
}

/// `poll_read` in terms of `poll_fill_buf`, for readers that only filter another reader.
pub(crate) fn read_buffered<R: AsyncBufRead>(
    mut reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    target: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    let count = match reader.as_mut().poll_fill_buf(cx) {
        Poll::Ready(Ok(buffer)) => {
            let count = buffer.len().min(target.remaining());
            target.put_slice(&buffer[..count]);
            count
        }
        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        Poll::Pending => return Poll::Pending,
    };
    reader.consume(count);
    Poll::Ready(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// A body of chunks of this size, each after so many seconds.
    async fn read(patience: u64, chunks: Vec<(u64, usize)>) -> (Result<Option<Vec<u8>>>, u64) {
        let body = futures::stream::iter(chunks).then(|(seconds, size)| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            io::Result::Ok(vec![b'x'; size])
        });
        let response = http::Response::new(reqwest::Body::wrap_stream(body)).into();
        let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let begun = Instant::now();
        let read = HttpAnswer::new(
            response,
            "calendar.example.org".into(),
            Duration::from_secs(patience),
            permit,
        )
        .bytes(1 << 20)
        .await;
        (read, begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up() {
        for (patience, most) in [(30, 30), (240, 40)] {
            let (read, elapsed) = read(patience, vec![(10, 1); 1_000]).await;
            assert!(
                matches!(read, Err(Error::Unreachable(_))) && elapsed <= most,
                "{patience}: {elapsed} s"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_and_a_server_that_thinks_are_borne_with() {
        for chunks in [vec![(1, 1_024); 200], vec![(0, 10), (100, 200_000), (100, 100)]] {
            let size: usize = chunks.iter().map(|(_, size)| size).sum();
            assert_eq!(read(240, chunks).await.0.unwrap().map(|body| body.len()), Some(size));
        }
        let (read, elapsed) = read(240, vec![(1, 1_024); 1_000]).await;
        assert!(read.is_err() && elapsed == 240, "{elapsed}");
    }
}
