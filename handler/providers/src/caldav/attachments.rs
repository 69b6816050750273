//! Inline attachments of megabytes (ATTACH with its data in the line, RFC 5545 section 3.8.1.1),
//! dropped while an object arrives: nothing of them is ever carried over, and an event is not to be
//! passed over for what hangs on it.
//!
//! # Properties
//! * Only the value of an ATTACH line is dropped, and only from a certain length on; the line ends
//!   where it ended.
//! * Memory does not grow with what is dropped. It works on objects as they are, and on objects
//!   within XML, where a line end may be a character reference and markup ends everything.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use crate::http::read_buffered;

/// The bytes of an attachment that are kept: enough for a link, and not for content.
const KEPT: usize = 8 << 10;
const NAME: &[u8] = b"ATTACH";
/// Carriage returns as XML has them.
const REFERENCES: [&[u8]; 3] = [b"&#13;", b"&#xD;", b"&#xd;"];

/// Lets objects through without their large attachments.
#[derive(Default)]
pub(super) struct Sieve {
    state: ParserState,
    /// What may turn out to be a fold or a reference within an attachment.
    pending: Vec<u8>,
    in_reference: bool,
    longest: usize,
    dropped: bool,
}

#[derive(Clone, Copy, Default)]
enum ParserState {
    /// So many bytes of the line are those of the name.
    #[default]
    Start,
    Name(usize),
    Other,
    /// In the line of an attachment, so many bytes on.
    Attachment(usize),
}

impl Sieve {
    /// Whether anything was dropped.
    pub(super) fn has_dropped(&self) -> bool {
        self.dropped
    }

    /// The length of the longest attachment.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Takes some bytes, and appends those that stay.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            self.one(byte, out);
        }
    }

    /// No more bytes come.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.pending);
    }

    fn one(&mut self, byte: u8, out: &mut Vec<u8>) {
        if let ParserState::Attachment(_) = self.state {
            return self.in_attachment(byte, out);
        }
        out.push(byte);
        self.state = match (self.state, byte) {
            // Markup may come right before the first line.
            (_, b'\n' | b'>') => ParserState::Start,
            (ParserState::Start, _) if byte.eq_ignore_ascii_case(&NAME[0]) => ParserState::Name(1),
            (ParserState::Name(n), _) if n < NAME.len() && byte.eq_ignore_ascii_case(&NAME[n]) => {
                ParserState::Name(n + 1)
            }
            (ParserState::Name(n), b';' | b':') if n == NAME.len() => ParserState::Attachment(0),
            _ => ParserState::Other,
        };
    }

    fn in_attachment(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.pending.last() == Some(&b'\n') {
            if matches!(byte, b' ' | b'\t') {
                // A fold: the line goes on.
                self.pending.push(byte);
                let folded = std::mem::take(&mut self.pending);
                folded.into_iter().for_each(|byte| self.keep(byte, out));
                return;
            }
            out.append(&mut self.pending);
            self.state = ParserState::Start;
            self.in_reference = false;
            return self.one(byte, out);
        }
        if self.pending.first() == Some(&b'&') {
            let before = self.pending.len();
            self.pending.push(byte);
            let is_reference = |text: &[u8]| REFERENCES.contains(&text);
            let begins = REFERENCES.iter().any(|reference| reference.starts_with(&self.pending));
            if begins || (byte == b'\n' && is_reference(&self.pending[..before])) {
                return;
            }
            self.pending.truncate(before);
            let other = std::mem::take(&mut self.pending);
            other.into_iter().for_each(|byte| self.keep(byte, out));
            return self.in_attachment(byte, out);
        }
        match byte {
            b'\r' if self.pending.is_empty() => self.pending.push(byte),
            b'\n' => self.pending.push(byte),
            b'&' if self.pending.is_empty() => self.pending.push(byte),
            b'<' => {
                out.append(&mut self.pending);
                out.push(byte);
                self.state = ParserState::Other;
                self.in_reference = false;
            }
            _ => {
                let other = std::mem::take(&mut self.pending);
                other.into_iter().chain([byte]).for_each(|byte| self.keep(byte, out));
            }
        }
    }

    /// A byte of an attachment.
    fn keep(&mut self, byte: u8, out: &mut Vec<u8>) {
        let ParserState::Attachment(length) = &mut self.state else { return out.push(byte) };
        *length += 1;
        self.longest = self.longest.max(*length);
        // Characters, and references that have begun, stay whole; so does the end of a section of
        // character data.
        if *length <= KEPT || self.in_reference || !byte.is_ascii() || matches!(byte, b']' | b'>') {
            self.in_reference = (byte == b'&' || self.in_reference) && byte != b';';
            out.push(byte);
        } else {
            self.dropped = true;
        }
    }
}

/// A reader of XML through a [`Sieve`].
pub(super) struct Sieved<R> {
    inner: R,
    sieve: Sieve,
    out: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R> Sieved<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, sieve: Sieve::default(), out: Vec::new(), at: 0, ended: false }
    }
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for Sieved<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.at == this.out.len() && !this.ended {
            this.out.clear();
            this.at = 0;
            let length = match Pin::new(&mut this.inner).poll_fill_buf(cx) {
                Poll::Ready(Ok(buffer)) => {
                    this.sieve.push(buffer, &mut this.out);
                    buffer.len()
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            Pin::new(&mut this.inner).consume(length);
            if length == 0 {
                this.sieve.finish(&mut this.out);
                this.ended = true;
            }
        }
        Poll::Ready(Ok(&this.out[this.at..]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.at = (this.at + amount).min(this.out.len());
    }
}

impl<R: AsyncBufRead + Unpin> AsyncRead for Sieved<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        read_buffered(self, cx, target)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sieved(bytes: &[u8], step: usize) -> (Vec<u8>, bool) {
        let (mut sieve, mut out) = (Sieve::default(), Vec::new());
        bytes.chunks(step).for_each(|chunk| sieve.push(chunk, &mut out));
        sieve.finish(&mut out);
        (out, sieve.has_dropped())
    }

    #[test]
    fn only_large_attachments_go() {
        let data = "QUJD".repeat(1 << 19);
        for end in ["\r\n", "\n", "&#13;\n"] {
            let folded: Vec<&str> = data
                .as_bytes()
                .chunks(74)
                .map(|chunk| std::str::from_utf8(chunk).unwrap())
                .collect();
            let folded = folded.join(&format!("{end} "));
            let object = |attachment: &str| {
                format!(
                    "<c>BEGIN:VEVENT{end}ATTACHED:no{end}attach;ENCODING=BASE64:{attachment}{end}SUMMARY:kept &amp; whole{end}</c>"
                )
            };
            for attachment in [&data, &folded] {
                let (out, dropped) = sieved(object(attachment).as_bytes(), 1000);
                let text = String::from_utf8(out).unwrap();
                assert!(dropped && text.len() < 2 * KEPT, "{}", text.len());
                assert!(text.starts_with(&format!(
                    "<c>BEGIN:VEVENT{end}ATTACHED:no{end}attach;ENCODING=BASE64:QUJD"
                )));
                assert!(
                    text.ends_with(&format!("{end}SUMMARY:kept &amp; whole{end}</c>")),
                    "{end:?}"
                );
            }
            let referred = object(&data.replace("QUJDQUJD", "QUJD&#61;&amp;"));
            let text = String::from_utf8(sieved(referred.as_bytes(), 999).0).unwrap();
            assert!(text.len() < 2 * KEPT && text.ends_with("</c>"));
            assert!(
                text.split('&').skip(1).all(|rest| rest[..8.min(rest.len())].contains(';')),
                "no reference is cut"
            );
            let link = object("https://example.org/a&amp;b");
            assert_eq!(sieved(link.as_bytes(), 7), (link.clone().into_bytes(), false));
        }
        let other = format!("X-ATTACH:{data}\nDESCRIPTION:{data}\n");
        assert_eq!(sieved(other.as_bytes(), 4096), (other.into_bytes(), false));
        let open = format!("ATTACH:{data}");
        assert!(sieved(open.as_bytes(), 4096).0.len() <= KEPT + 8);
    }

    proptest! {
        #[test]
        fn what_is_small_stays_as_it_is(
            bytes in proptest::collection::vec(prop_oneof![
                Just(b"ATTACH:".to_vec()), Just(b"\r\n".to_vec()), Just(b"\n ".to_vec()), Just(b"&#13;\n".to_vec()), Just(b"&#".to_vec()),
                Just(b"<".to_vec()), Just(b"\r".to_vec()), proptest::collection::vec(any::<u8>(), 0..4),
            ], 0..40),
            step in 1usize..9,
        ) {
            let bytes = bytes.concat();
            prop_assert_eq!(sieved(&bytes, step), (bytes, false));
        }
    }
}
