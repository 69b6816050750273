//! Thins out texts that are too long for anything, so that one monstrous object costs neither
//! memory nor the rest of the answer.
//!
//! The XML reader collects a text up to the next markup, however long it is. This reader is below
//! it and, once a text has run on for more than a limit, lets only those bytes pass that can end it
//! (`<`, `&`, `]`, `>` and the ends of comments and instructions). The structure stays whole, the
//! entry is known to be too large (the text is longer than [`super::limits::MAX_OBJECT`]), and its
//! remaining megabytes are dropped unseen.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use crate::http::read_buffered;

/// From here on a text is thinned out: above every limit on what is kept of it.
const LIMIT: usize = super::limits::MAX_OBJECT + (64 << 10);
/// What may still be kept beyond it before the whole answer is given up.
const SLACK: usize = 1 << 20;

pub(super) struct TextLimiter<R> {
    inner: R,
    /// Bytes passed on since the last event began.
    passed: usize,
    /// Bytes are being dropped. It begins at the end of a character, so that what has passed stays
    /// UTF-8.
    thinning: bool,
}

impl<R> TextLimiter<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, passed: 0, thinning: false }
    }

    /// A new event begins: counts from zero.
    pub(super) fn begin(&mut self) {
        self.passed = 0;
        self.thinning = false;
    }
}

/// Whether a byte can be part of what ends a text, a comment or an instruction.
fn ends_something(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'&' | b']' | b'-' | b'?')
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for TextLimiter<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.passed >= LIMIT + SLACK {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "a text has no end",
            )));
        }
        if this.passed < LIMIT {
            let room = LIMIT - this.passed;
            return match Pin::new(&mut this.inner).poll_fill_buf(cx) {
                Poll::Ready(Ok(buffer)) => Poll::Ready(Ok(&buffer[..buffer.len().min(room)])),
                other => other,
            };
        }
        loop {
            let skip = match Pin::new(&mut this.inner).poll_fill_buf(cx) {
                Poll::Ready(Ok(buffer)) => {
                    this.thinning |=
                        buffer.first().is_some_and(|byte| !(0x80..0xc0).contains(byte));
                    if this.thinning {
                        buffer.iter().take_while(|byte| !ends_something(**byte)).count()
                    } else {
                        0
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            if skip == 0 {
                break;
            }
            Pin::new(&mut this.inner).consume(skip);
        }
        match Pin::new(&mut this.inner).poll_fill_buf(cx) {
            Poll::Ready(Ok(buffer)) => Poll::Ready(Ok(&buffer[..buffer.len().min(1)])),
            other => other,
        }
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.passed += amount;
        Pin::new(&mut this.inner).consume(amount);
    }
}

impl<R: AsyncBufRead + Unpin> AsyncRead for TextLimiter<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        read_buffered(self, cx, target)
    }
}
