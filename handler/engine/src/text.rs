//! Texts as they are compared, hashed and carried over.
//!
//! Providers change texts that they store: line ends, trailing blanks, the composition of letters.
//! Two texts that normalise to the same value are the same text to the engine. Every function here
//! is pure and idempotent.

use unicode_normalization::UnicodeNormalization;

/// Whether a character has no place in a text: control characters other than LF and TAB, which
/// iCalendar does not have (RFC 5545 section 3.1), and U+FFFE and U+FFFF, which XML does not have.
pub fn is_unwritable(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Whether a terminal obeys a character instead of showing it: control characters, line and
/// paragraph separators, and the characters that change the direction of text (UAX #9).
pub fn is_terminal_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The canonical form of a text of several lines.
///
/// Unicode NFC; CRLF and lone CR become LF; what [`is_unwritable`] is dropped; blanks at the end of
/// each line and blank lines at either end are trimmed. Indentation is kept.
pub fn normalise(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => plain.push('\n'),
            c if is_unwritable(c) => {}
            c => plain.push(c),
        }
    }
    let composed: String = plain.nfc().collect();
    let mut out = String::with_capacity(composed.len());
    let mut blank_lines = 0;
    for line in composed.split('\n').map(str::trim_end) {
        if line.is_empty() {
            blank_lines += 1;
            continue;
        }
        if !out.is_empty() {
            (0..=blank_lines).for_each(|_| out.push('\n'));
        }
        blank_lines = 0;
        out.push_str(line);
    }
    out
}

/// The canonical form of a text of one line (a title): [`normalise`], and every run of white space
/// is one space.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in normalise(text).split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The rest of `lines` without those of `dropped`, in normal form.
///
/// Where lines went away, the blank lines around the gap are reduced to the longest stretch of
/// them, at most two, so that no hole remains; blank lines elsewhere are the author's and stay.
pub(crate) fn without<S: AsRef<str>>(lines: &[S], dropped: impl Fn(usize) -> bool) -> String {
    let mut out: Vec<&str> = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let (mut stretch, mut longest, mut total, mut gap) = (0, 0, 0, false);
        while at < lines.len() {
            if dropped(at) {
                gap = true;
                stretch = 0;
            } else if lines[at].as_ref().trim().is_empty() {
                stretch += 1;
                total += 1;
                longest = longest.max(stretch);
            } else {
                break;
            }
            at += 1;
        }
        out.resize(out.len() + if gap { longest.min(2) } else { total }, "");
        if at < lines.len() {
            out.push(lines[at].as_ref());
            at += 1;
        }
    }
    normalise(&out.join("\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn line_ends_blanks_and_controls_are_brought_into_one_form() {
        assert_eq!(
            normalise("\r\n \t\r\n  one \t\r\ntwo\rthree\u{0}\u{7}\n\n\nfour\u{a0}\n\n"),
            "  one\ntwo\nthree\n\n\nfour"
        );
        assert_eq!(normalise("a\tb"), "a\tb");
        assert_eq!(normalise(" \r\n\t\n"), "");
    }

    #[test]
    fn letters_are_composed_even_across_a_dropped_control() {
        assert_eq!(normalise("Jo\u{308}geva"), "J\u{f6}geva");
        assert_eq!(normalise("o\u{1}\u{ffff}\u{308}"), "\u{f6}");
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(one_line("  Budget\r\n\treview\u{a0} 2027 "), "Budget review 2027");
    }

    #[test]
    fn a_gap_leaves_no_hole_and_the_authors_blank_lines_stay() {
        let lines = ["a", "", "", "", "b", "", "x", "", "", "", "c", "x", "d", "", "x"];
        assert_eq!(without(&lines, |i| lines[i] == "x"), "a\n\n\n\nb\n\n\nc\nd");
        assert_eq!(without(&["x", "", "a"], |i| i == 0), "a");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "[a-z \t\r\n\u{0}\u{85}\u{301}\u{308}\u{a0}\u{2028}o]{0,60}|\\PC{0,60}|(?s).{0,60}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once.clone());
            prop_assert!(!once.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            prop_assert!(once.split('\n').all(|line| line == line.trim_end()));
            let title = one_line(&text);
            prop_assert_eq!(one_line(&title), title.clone());
            prop_assert!(!title.contains('\n'));
        }

        #[test]
        fn dropping_nothing_is_normalising(text in "[a \n]{0,40}") {
            let lines: Vec<&str> = text.split('\n').collect();
            prop_assert_eq!(without(&lines, |_| false), normalise(&text));
        }
    }
}
