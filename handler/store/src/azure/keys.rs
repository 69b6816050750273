//! Encodes keys so that Azure Tables accept them and keep their order.
//!
//! A partition or row key must not hold `/`, `\`, `#`, `?` or a control character, the service is
//! known to read `%` as an escape, and its order of characters other than ASCII is not documented.
//! So each key is encoded in visible ASCII, character by character:
//!
//! | character | encoding |
//! |---|---|
//! | control characters, the space, `!` | `!` and two hexadecimal digits |
//! | `#` `%` `/` `?` `\` | the character before it, then `1`: `"1` `$1` `.1` `>1` `[1` |
//! | `"` `$` `.` `>` `[` | itself, then `0` |
//! | `~` | `~0` |
//! | all others | `~1` and six hexadecimal digits |
//! | any other visible ASCII | itself |
//!
//! # Properties
//! * Every key has one encoding, and every encoding can be decoded.
//! * Encodings have the order of the keys by code points, which is the order of UTF-8 and of
//!   SQLite. Azure compares keys by code units, and all code units of an encoding are visible
//!   ASCII.
//! * The encoding of a prefix is a prefix of the encoding.
//! * Keys of letters, digits, `-`, `_`, `:`, `|` and the like stay as they are.

use std::fmt::Write as _;

/// The longest key that the service accepts, in characters.
const MAX: usize = 512;

/// Encodes a key.
pub(super) fn write(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 8);
    for c in key.chars() {
        match c {
            '\0'..='!' => push_hex(&mut out, '!', u32::from(c), 2),
            '#' => out.push_str("\"1"),
            '%' => out.push_str("$1"),
            '/' => out.push_str(".1"),
            '?' => out.push_str(">1"),
            '\\' => out.push_str("[1"),
            '"' | '$' | '.' | '>' | '[' | '~' => out.extend([c, '0']),
            '\u{7f}'.. => {
                out.push('~');
                push_hex(&mut out, '1', u32::from(c), 6);
            }
            _ => out.push(c),
        }
    }
    out
}

fn push_hex(out: &mut String, sign: char, number: u32, digits: usize) {
    // Writing to a string does not fail.
    let _ = write!(out, "{sign}{number:0digits$x}");
}

/// Whether the service accepts an encoded key.
pub(super) fn fits(written: &str) -> bool {
    written.len() <= MAX
}

/// Decodes a key; `None` for a text that [`write()`] does not produce.
pub(super) fn read(written: &str) -> Option<String> {
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let mut take = |count: usize| {
            let (taken, left) = rest.split_at_checked(count)?;
            rest = left;
            Some(taken)
        };
        let number = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        out.push(match c {
            '!' => number(take(2)?)?,
            '"' | '$' | '.' | '>' | '[' => match take(1)? {
                "0" => c,
                "1" => char::from_u32(u32::from(c) + 1)?,
                _ => return None,
            },
            '~' => match take(1)? {
                "0" => c,
                "1" => number(take(6)?)?,
                _ => return None,
            },
            _ => c,
        });
    }
    Some(out)
}

/// The smallest text above all texts that begin with this encoding; `None` for the empty prefix.
pub(super) fn above(prefix: &str) -> Option<String> {
    // No encoding ends in `~`, so the next character is visible ASCII.
    let last = prefix.chars().next_back()?;
    let next = char::from_u32(u32::from(last) + 1)?;
    Some(format!("{}{next}", &prefix[..prefix.len() - last.len_utf8()]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_keys_that_we_use_stay_as_they_are() {
        for key in ["m:ABCDEFG234567", "account:a1b2", "local", "s", "p:x_y-z|1"] {
            assert_eq!(write(key), key);
        }
    }

    #[test]
    fn what_the_service_refuses_is_not_in_a_writing() {
        let all: String = ('\0'..'\u{120}').chain(['📅', '\u{10ffff}']).collect();
        let written = write(&all);
        assert!(
            written.bytes().all(|b| (0x21..0x7f).contains(&b) && !b"/\\#?%".contains(&b)),
            "{written}"
        );
        assert_eq!(read(&written).as_deref(), Some(all.as_str()));
    }

    #[test]
    fn a_text_that_is_no_encoding_is_not_decoded() {
        for foreign in ["!", "!2", "!zz", ".", ".2", "~", "~1", "~1zzzzzz", "~1d80000", "~1é", "!é"]
        {
            assert_eq!(read(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn a_key_comes_back_and_order_and_prefixes_stay(a in "[ -~]{0,6}|.{0,6}", b in "[ -~]{0,6}|.{0,6}", more in ".{0,3}") {
            let (x, y) = (write(&a), write(&b));
            prop_assert_eq!(read(&x), Some(a.clone()));
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(b.starts_with(&a), y.starts_with(&x));
            if let Some(above) = above(&x) {
                let longer = format!("{a}{more}");
                prop_assert!(write(&longer) < above);
                prop_assert_eq!(y >= x && y < above, b.starts_with(&a));
            }
        }
    }
}
