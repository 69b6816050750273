//! Content lines (RFC 5545 section 3.1): bytes in, unfolded lines out, each with the bytes it was
//! made of.
//!
//! Properties kept: the raw bytes of all lines, one after the other, are the input (without its
//! byte order mark); lines are unfolded as bytes and only then decoded, so that a fold inside a
//! code point does no harm; time and memory are linear in the input; and nothing beyond the limits
//! below is ever held.

use crate::error::Unreadable;

/// The largest object that is read, in bytes.
pub(crate) const MAX_OBJECT: usize = 1 << 20;
/// The longest line, unfolded, in bytes.
const MAX_LINE: usize = 256 << 10;
/// The most lines in an object.
const MAX_LINES: usize = 50_000;
/// The most parameters in a line.
const MAX_PARAMETERS: usize = 1_000;
/// The longest line that is written, in bytes, without its line end (RFC 5545 section 3.1).
const FOLD_AT: usize = 75;

/// The UTF-8 byte order mark.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// How lines end in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// As the RFC has it.
    CrLf,
    /// As some tools leave it.
    Lf,
}

impl LineEnd {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// One content line: what it says, and the bytes that said it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ContentLine {
    raw: Vec<u8>,
    text: String,
}

impl ContentLine {
    /// A line of ours: folded, with a line end.
    pub(crate) fn new(text: String, end: LineEnd) -> Self {
        let mut raw = Vec::with_capacity(text.len() + 8);
        fold(&text, end, &mut raw);
        Self { raw, text }
    }

    /// The bytes, folds and line end included.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The unfolded text, without line end. Bytes that are no UTF-8 show as U+FFFD here, and are
    /// kept in [`ContentLine::raw`].
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The property's name as written; empty where the line is no property.
    pub(crate) fn name(&self) -> &str {
        match self.text.find([';', ':']) {
            Some(at) => self.text[..at].trim_end(),
            None => "",
        }
    }

    /// Whether this line is that property.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }
}

/// Cuts an object into content lines.
pub(crate) fn split(object: &[u8]) -> Result<Vec<ContentLine>, Unreadable> {
    if object.len() > MAX_OBJECT {
        return Err(Unreadable("it is larger than 1 MiB".into()));
    }
    let mut lines = Vec::new();
    let mut rest = object.strip_prefix(BOM).unwrap_or(object);
    while !rest.is_empty() {
        if lines.len() == MAX_LINES {
            return Err(Unreadable("it has more than 50,000 lines".into()));
        }
        let (line, after) = logical(rest)?;
        lines.push(line);
        rest = after;
    }
    Ok(lines)
}

/// The first logical line, and what follows it.
fn logical(bytes: &[u8]) -> Result<(ContentLine, &[u8]), Unreadable> {
    let mut unfolded = Vec::new();
    let mut at = 0;
    loop {
        let end = bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n + 1);
        let mut content = &bytes[at..end];
        content = content.strip_suffix(b"\n").unwrap_or(content);
        while let Some(shorter) = content.strip_suffix(b"\r") {
            content = shorter;
        }
        unfolded.extend_from_slice(content);
        if unfolded.len() > MAX_LINE {
            return Err(Unreadable("one of its lines is longer than 256 KiB".into()));
        }
        match bytes.get(end) {
            Some(b' ' | b'\t') if end > 0 => at = end + 1,
            _ => {
                let text = String::from_utf8(unfolded)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                if too_many_parameters(&text) {
                    return Err(Unreadable(
                        "one of its lines has more than 1,000 parameters".into(),
                    ));
                }
                return Ok((ContentLine { raw: bytes[..end].to_vec(), text }, &bytes[end..]));
            }
        }
    }
}

fn too_many_parameters(text: &str) -> bool {
    text.bytes().filter(|&b| b == b';').count() > MAX_PARAMETERS
        && crate::property::Property::parse(text)
            .is_some_and(|property| property.parameters() > MAX_PARAMETERS)
}

/// Appends a line, folded at 75 octets; a code point is never cut.
pub(crate) fn fold(text: &str, end: LineEnd, out: &mut Vec<u8>) {
    let mut rest = text;
    let mut room = FOLD_AT;
    while rest.len() > room {
        let cut = (0..=room).rev().find(|&at| rest.is_char_boundary(at)).unwrap_or(room);
        out.extend_from_slice(&rest.as_bytes()[..cut]);
        out.extend_from_slice(end.bytes());
        out.push(b' ');
        rest = &rest[cut..];
        room = FOLD_AT - 1;
    }
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(end.bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(object: &[u8]) -> Vec<String> {
        split(object).unwrap().iter().map(|line| line.text().to_owned()).collect()
    }

    #[test]
    fn unfolds_before_it_decodes() {
        assert_eq!(texts("SUMMARY:caf\u{e9}\r\n".as_bytes()), ["SUMMARY:café"]);
        assert_eq!(texts(b"SUMMARY:caf\xc3\r\n \xa9\r\nUID:1\r\n"), ["SUMMARY:café", "UID:1"]);
        assert_eq!(texts(b"A:1\n\t2\n 3\r\n  4\nB:5"), ["A:123 4", "B:5"]);
        assert_eq!(texts(b"\xef\xbb\xbfA:1\r\r\n\r\nB:2"), ["A:1", "", "B:2"]);
        assert_eq!(texts(b" A:1\r\n"), [" A:1"]);
    }

    #[test]
    fn limits_hold() {
        let line = |n: usize| [b"A:".as_slice(), &vec![b'x'; n]].concat();
        assert!(split(&line(MAX_LINE - 2)).is_ok());
        assert!(split(&line(MAX_LINE - 1)).is_err());
        assert!(split(&b"A:1\r\n ".repeat(150_000)).is_err());
        assert!(split(&b"\n".repeat(MAX_LINES)).is_ok());
        assert!(split(&b"\n".repeat(MAX_LINES + 1)).is_err());
        assert!(split(&vec![b' '; MAX_OBJECT + 1]).is_err());
        assert!(split(format!("A{}:1", ";X=1".repeat(1_000)).as_bytes()).is_ok());
        assert!(split(format!("A{}:1", ";X=1".repeat(1_001)).as_bytes()).is_err());
        assert!(split(format!("A:1{}", ";X=1".repeat(20_000)).as_bytes()).is_ok());
    }

    #[test]
    fn a_name_ends_at_the_first_mark() {
        let name = |text: &str| split(text.as_bytes()).unwrap()[0].name().to_owned();
        assert_eq!(name("Summary;LANGUAGE=en:x"), "Summary");
        assert_eq!(name("SUMMARY :x"), "SUMMARY");
        assert_eq!(name("no colon here"), "");
    }

    proptest! {
        #[test]
        fn raw_bytes_are_the_input(object in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()], 0..300)) {
            let lines = split(&object).unwrap();
            let raw: Vec<u8> = lines.iter().flat_map(|line| line.raw().to_vec()).collect();
            prop_assert_eq!(raw, object.strip_prefix(BOM).unwrap_or(&object));
        }

        #[test]
        fn folding_is_undone_by_unfolding(text in "[^\r\n\u{feff} ][^\r\n]{0,300}") {
            for end in [LineEnd::CrLf, LineEnd::Lf] {
                let line = ContentLine::new(text.clone(), end);
                prop_assert!(line.raw().split(|&b| b == b'\n').all(|physical| physical.len() <= FOLD_AT + 1));
                prop_assert!(line.raw().split(|&b| b == b'\n').all(|physical| std::str::from_utf8(physical).is_ok()));
                prop_assert_eq!(split(line.raw()).unwrap(), [line]);
            }
        }
    }

    impl std::fmt::Debug for ContentLine {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.text)
        }
    }
}
