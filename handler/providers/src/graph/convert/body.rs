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

/// The text of a page. Other than in a description of Google's, white space in it is one blank, or
/// none where a line begins or ends, and an unknown tag or a comment is not text.
fn page(page: &str) -> String {
    let mut flat = FlatPage { html: String::with_capacity(page.len()), begins_line: true };
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        flat.text(&rest[..at]);
        rest = &rest[at..];
        // `None` where no tag ends from here on.
        let Some(length) = markup(rest) else { break };
        let (markup, after) = rest.split_at(length);
        if !is_markup(markup) {
            flat.text(markup);
        } else if html::begins_with_tag(rest) {
            flat.tag(markup, html::begins_with_line_tag(rest));
        }
        rest = after;
    }
    flat.text(rest);
    html::to_text(&flat.html)
}

/// A page whose line ends are those that its tags make.
struct FlatPage {
    html: String,
    begins_line: bool,
}

impl FlatPage {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            let is_blank = c.is_ascii_whitespace();
            if !is_blank || !(self.begins_line || self.html.ends_with(' ')) {
                self.html.push(if is_blank { ' ' } else { c });
            }
            self.begins_line &= is_blank;
        }
    }

    fn tag(&mut self, tag: &str, ends_line: bool) {
        if ends_line {
            self.html.truncate(self.html.trim_end_matches(' ').len());
        }
        self.html.push_str(tag);
        self.begins_line |= ends_line;
    }
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
