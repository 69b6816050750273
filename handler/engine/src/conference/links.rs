//! Conference links within one line, and the line without them.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::hosts;

/// A link that was taken out of a line.
#[derive(Clone)]
pub(super) struct Link {
    /// As it was in the text.
    pub(super) text: String,
    /// The listed host that it leads to, or [`hosts::DIAL_IN`].
    pub(super) host: &'static str,
}

/// A line that had links.
pub(super) struct Cleaned {
    /// What is left: without trailing blanks, or empty.
    pub(super) rest: String,
    /// What was taken out, in order.
    pub(super) links: Vec<Link>,
}

/// Brackets and quotation marks: they end a link, and go with it if nothing else is between them.
const PAIRS: [(char, char); 11] = [
    ('<', '>'),
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('"', '"'),
    ('“', '”'),
    ('„', '“'),
    ('„', '”'),
    ('«', '»'),
    ('»', '«'),
    ('`', '`'),
];

static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"[^\s|<>()\[\]{}"“”„«»`]+"#).expect("a constant pattern"));
/// A word and an address with only punctuation between them, where the word is no address itself.
static GLUED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)^[^/?=%]*?[.,;:!](https?://)").expect("a constant pattern"));
static ANCHOR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)<a\s[^<>]*>").expect("a constant pattern"));
static ANCHOR_END: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)</a\s*>").expect("a constant pattern"));
static MARKDOWN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[([^\[\]]*)\]\(([^()\[\]\s]*)\)").expect("a constant pattern"));

/// Takes the conference links out of `line`; `None` if it has none.
///
/// The label of an HTML or Markdown link stays, and so does the punctuation after a link.
pub(super) fn clean(line: &str) -> Option<Cleaned> {
    let mut links = Vec::new();
    let anchors = ANCHOR.replace_all(line, |found: &Captures| {
        let tag = &found[0];
        let before = links.len();
        links.extend(words(tag).filter_map(|(start, end)| link(&tag[start..end])));
        if links.len() > before { String::new() } else { tag.to_owned() }
    });
    let unanchored = if links.is_empty() {
        anchors
    } else {
        ANCHOR_END.replace_all(&anchors, "").into_owned().into()
    };
    let labelled = MARKDOWN.replace_all(&unanchored, |found: &Captures| match link(&found[2]) {
        Some(target) => {
            links.push(target);
            found[1].to_owned()
        }
        None => found[0].to_owned(),
    });

    let mut rest = String::with_capacity(labelled.len());
    let mut from = 0;
    for (start, end) in words(&labelled) {
        let Some(found) = link(&labelled[start..end]) else { continue };
        links.push(found);
        let (start, end) = with_brackets(&labelled, from, start, end);
        join(&mut rest, &labelled[from..start], from > 0);
        from = end;
    }
    if links.is_empty() {
        return None;
    }
    join(&mut rest, &labelled[from..], from > 0);
    let rest = if rest.trim().is_empty() { String::new() } else { rest.trim_end().to_owned() };
    Some(Cleaned { rest, links })
}

fn link(word: &str) -> Option<Link> {
    hosts::conference_of(word).map(|host| Link { text: word.to_owned(), host })
}

/// The spans of `text` between white space, brackets and quotation marks, without the punctuation
/// at their ends.
fn words(text: &str) -> impl Iterator<Item = (usize, usize)> {
    WORD.find_iter(text).map(|found| {
        let word = found.as_str();
        let address =
            GLUED.captures(word).and_then(|parts| parts.get(1)).map_or(0, |scheme| scheme.start());
        let end = word.trim_end_matches(punctuation).len();
        (found.start() + address.min(end), found.start() + end)
    })
}

/// What may follow a link in a sentence and is no part of it.
fn punctuation(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '’')
}

/// The span widened over the brackets that hold nothing else, not before `from`.
fn with_brackets(text: &str, from: usize, mut start: usize, mut end: usize) -> (usize, usize) {
    loop {
        let before = text[from..start].trim_end();
        let after = text[end..].trim_start_matches(|c: char| c.is_whitespace() || punctuation(c));
        match (before.chars().next_back(), after.chars().next()) {
            (Some(open), Some(close)) if PAIRS.contains(&(open, close)) => {
                start = from + before.len() - open.len_utf8();
                end = text.len() - after.len() + close.len_utf8();
            }
            _ => return (start, end),
        }
    }
}

/// Puts `next` after `out`; at a `seam`, where a link was taken out, without a doubled or a missing
/// space.
fn join(out: &mut String, next: &str, seam: bool) {
    if !seam || next.is_empty() {
        out.push_str(next);
        return;
    }
    let text = next.trim_start_matches(|c: char| c.is_whitespace() || punctuation(c));
    if out.trim().is_empty() {
        out.push_str(text);
        return;
    }
    out.truncate(out.trim_end().len());
    let ends_sentence = next.starts_with(punctuation)
        && (text.is_empty() || next[..next.len() - text.len()].ends_with(char::is_whitespace));
    if !ends_sentence {
        out.push(' ');
    }
    out.push_str(if ends_sentence { next } else { next.trim_start() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(line: &str) -> String {
        clean(line).expect("a link").rest
    }

    #[test]
    fn the_sentence_around_a_link_still_reads() {
        assert_eq!(rest("Meet at https://zoom.us/j/1, then read"), "Meet at, then read");
        assert_eq!(rest("See (https://zoom.us/j/1) today."), "See today.");
        assert_eq!(rest("See https://zoom.us/j/1."), "See.");
        assert_eq!(
            rest("Talk <https://zoom.us/j/1> and <https://example.org>"),
            "Talk and <https://example.org>"
        );
        assert_eq!(rest("a<https://zoom.us/j/1>b"), "a b");
        assert_eq!(
            rest("one https://zoom.us/j/1 two https://meet.jit.si/x three"),
            "one two three"
        );
        assert_eq!(rest("Room 5;https://zoom.us/j/1"), "Room 5;");
        assert_eq!(rest("Read this:https://zoom.us/j/1 now"), "Read this: now");
        assert_eq!(rest("https://zoom.us/j/1: our call"), "our call");
        assert_eq!(rest("  - call (https://zoom.us/j/1.)"), "  - call");
        assert_eq!(rest("< https://zoom.us/j/1 >"), "");
    }

    #[test]
    fn labels_of_links_stay() {
        assert_eq!(rest("Take [the call](https://zoom.us/j/1) today"), "Take the call today");
        assert_eq!(
            rest("Take <a class=\"x\" href=\"https://zoom.us/j/1\">the call</A> today"),
            "Take the call today"
        );
        assert_eq!(rest("[https://zoom.us/j/1](https://zoom.us/j/1)"), "");
        assert_eq!(
            rest("  - [the call](https://zoom.us/j/1)"),
            "  - the call",
            "its indentation stays"
        );
        assert_eq!(
            rest("<a href=\"https://example.org\">x</a> https://zoom.us/j/1"),
            "<a href=\"https://example.org\">x</a>"
        );
        assert!(
            clean("[notes](https://example.org) <a href=\"https://example.org\">x</a>").is_none()
        );
    }

    #[test]
    fn what_was_taken_out_is_told() {
        let cleaned = clean("[a](https://zoom.us/j/1) b tel:+3726000000,,1# c").expect("links");
        let texts: Vec<&str> = cleaned.links.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(texts, ["https://zoom.us/j/1", "tel:+3726000000,,1#"]);
        assert_eq!(cleaned.rest, "a b c");
    }
}
