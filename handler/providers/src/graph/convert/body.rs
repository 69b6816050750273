//! Descriptions that Microsoft answers as pages, though text is asked for.

use super::super::wire::WireBody;
use crate::html;

/// A description as plain text, with line ends as `\n`.
pub(super) fn text(body: &WireBody) -> String {
    let is_page =
        body.content_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
    if is_page { page(&body.content) } else { line_ends(&body.content) }
}

pub(super) fn line_ends(text: &str) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}

/// The text of a page. Other than in a description of Google's, white space in it is one blank, and
/// an unknown tag or a comment is not text.
fn page(page: &str) -> String {
    let mut flat = String::with_capacity(page.len());
    let mut push = |text: &str| {
        for c in text.chars() {
            let c = if c.is_ascii_whitespace() { ' ' } else { c };
            if c != ' ' || !flat.ends_with(' ') {
                flat.push(c);
            }
        }
    };
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        push(&rest[..at]);
        rest = &rest[at..];
        let Some(length) = markup(rest) else {
            // No tag ends from here on.
            break;
        };
        if html::begins_with_tag(rest) || !is_markup(rest) {
            push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    push(rest);
    let text = html::to_text(&flat);
    text.split('\n').map(str::trim).collect::<Vec<_>>().join("\n")
}

/// The length of the tag or comment that a text begins with; 1 where it begins with none. `None`
/// where nothing in the rest of the text ends one.
fn markup(text: &str) -> Option<usize> {
    if !is_markup(text) {
        return Some(1);
    }
    if text.starts_with("<!--") {
        return text.find("-->").map(|at| at + 3);
    }
    text.find('>').map(|at| at + 1)
}

fn is_markup(text: &str) -> bool {
    let inner = text.strip_prefix('<').unwrap_or(text);
    inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
}
