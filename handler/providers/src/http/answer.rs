//! An answer: its head, and a body that is read no further than its limit and no slower than our patience.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::io::StreamReader;

use crate::{Error, Result};

/// An answer whose body has not been read yet.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    host: String,
    response: reqwest::Response,
    patience: Duration,
    permit: OwnedSemaphorePermit,
}

impl Answer {
    pub(super) fn new(mut response: reqwest::Response, host: String, patience: Duration, permit: OwnedSemaphorePermit) -> Self {
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
        reader.read_to_end(&mut body).await.map_err(|_| Error::Unreachable(format!("{host} broke off in the middle of its answer")))?;
        Ok(if body.len() as u64 > limit { None } else { Some(body) })
    }
}

type Chunk = tokio_util::bytes::Bytes;

/// The body's chunks; a pause longer than `patience` is a failure.
fn patient(
    response: reqwest::Response,
    patience: Duration,
    permit: OwnedSemaphorePermit,
) -> Pin<Box<dyn Stream<Item = io::Result<Chunk>> + Send>> {
    let chunks = response.bytes_stream().map_err(|_| io::Error::new(io::ErrorKind::ConnectionAborted, "the connection broke off"));
    let state = (Box::pin(chunks), permit);
    futures::stream::unfold(state, move |(mut chunks, permit)| async move {
        let chunk = match tokio::time::timeout(patience, chunks.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the server fell silent in the middle of its answer")),
        };
        Some((chunk, (chunks, permit)))
    })
    .fuse()
    .boxed()
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
                Poll::Ready(Err(io::Error::new(io::ErrorKind::FileTooLarge, "the answer is larger than any calendar")))
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
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, target: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        read_buffered(self, cx, target)
    }
}

/// `poll_read` in terms of `poll_fill_buf`, for readers that only filter what stands below them.
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
