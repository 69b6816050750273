//! Descriptions as HTML. Google keeps them as HTML or as plain text and does not say which;
//! Microsoft keeps pages, and gives text where it is asked for.
//!
//! # Properties
//! * What [`from_text`] writes, [`to_text`] reads back as it was, for every text: a plain text
//!   in which something looks like a tag or an entity is written so that it does not.
//! * Line ends are line ends in both forms, as Google's own pages show them.
//! * Linear in the length of the text, however it is made: a tag or an entity is looked for over a
//!   bounded distance only.
//! * Nothing but text comes out: unknown tags are text (`<alice@example.org>`), known ones go, of a
//!   link its address is kept.

/// The longest tag that is taken for one; a link's address may be long.
const LONGEST_TAG: usize = 4096;
/// The longest entity: `&thetasym;` is long enough, and so is any number.
const LONGEST_ENTITY: usize = 12;

/// What a tag does to the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TagEffect {
    /// A line end of its own.
    Break,
    /// Begins and ends lines.
    Block,
    /// A link.
    Link,
    /// Nothing: letters look different.
    Inline,
    /// Its content is not shown to people.
    Hidden,
}

/// The tags that Google's pages and its peers write; everything else in angle brackets is text.
const TAGS: [(&str, TagEffect); 48] = [
    ("a", TagEffect::Link),
    ("abbr", TagEffect::Inline),
    ("b", TagEffect::Inline),
    ("big", TagEffect::Inline),
    ("blockquote", TagEffect::Block),
    ("body", TagEffect::Block),
    ("br", TagEffect::Break),
    ("center", TagEffect::Block),
    ("code", TagEffect::Inline),
    ("div", TagEffect::Block),
    ("em", TagEffect::Inline),
    ("font", TagEffect::Inline),
    ("h1", TagEffect::Block),
    ("h2", TagEffect::Block),
    ("h3", TagEffect::Block),
    ("h4", TagEffect::Block),
    ("h5", TagEffect::Block),
    ("h6", TagEffect::Block),
    ("head", TagEffect::Hidden),
    ("hr", TagEffect::Block),
    ("html", TagEffect::Block),
    ("html-blob", TagEffect::Block),
    ("i", TagEffect::Inline),
    ("img", TagEffect::Inline),
    ("li", TagEffect::Block),
    ("mark", TagEffect::Inline),
    ("ol", TagEffect::Block),
    ("p", TagEffect::Block),
    ("pre", TagEffect::Block),
    ("q", TagEffect::Inline),
    ("s", TagEffect::Inline),
    ("script", TagEffect::Hidden),
    ("small", TagEffect::Inline),
    ("span", TagEffect::Inline),
    ("strike", TagEffect::Inline),
    ("strong", TagEffect::Inline),
    ("style", TagEffect::Hidden),
    ("sub", TagEffect::Inline),
    ("sup", TagEffect::Inline),
    ("table", TagEffect::Block),
    ("tbody", TagEffect::Block),
    ("td", TagEffect::Inline),
    ("th", TagEffect::Inline),
    ("thead", TagEffect::Block),
    ("tr", TagEffect::Block),
    ("tt", TagEffect::Inline),
    ("u", TagEffect::Inline),
    ("ul", TagEffect::Block),
];

/// A tag at the beginning of a text.
struct HtmlTag<'a> {
    kind: TagEffect,
    closing: bool,
    /// The text between its name and its `>`.
    attributes: &'a str,
    /// Its whole length.
    length: usize,
}

/// A description as plain text.
pub(crate) fn to_text(html: &str) -> String {
    let mut reader =
        HtmlReader { out: String::with_capacity(html.len()), link: None, hidden: 0, fresh: false };
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        reader.text(&rest[..at]);
        rest = &rest[at..];
        let length = if rest.starts_with('<') {
            match tag(rest) {
                Some(tag) => {
                    reader.tag(&tag);
                    tag.length
                }
                None => {
                    reader.text("<");
                    1
                }
            }
        } else {
            match entity(rest) {
                Some((c, length)) => {
                    reader.text(c.encode_utf8(&mut [0; 4]));
                    length
                }
                None => {
                    reader.text("&");
                    1
                }
            }
        };
        rest = &rest[length..];
    }
    reader.text(rest);
    reader.out
}

/// Whether a text begins with a tag that is known: with another one, it is shown as it is.
pub(crate) fn begins_with_tag(text: &str) -> bool {
    name(text).is_some()
}

/// Whether a text begins with a tag that begins or ends a line.
pub(crate) fn begins_with_line_tag(text: &str) -> bool {
    name(text).is_some_and(|(kind, _)| matches!(kind, TagEffect::Break | TagEffect::Block))
}

/// A plain text as a description: its characters, except those that would be read as a tag or an
/// entity.
pub(crate) fn from_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.as_bytes()[0] {
            b'<' if name(rest).is_some() => out.push_str("&lt;"),
            b'&' if entity(rest).is_some() => out.push_str("&amp;"),
            other => out.push(char::from(other)),
        }
        rest = &rest[1..];
    }
    out.push_str(rest);
    out
}

struct HtmlReader {
    out: String,
    /// The address of the link that we are in, and where its words begin.
    link: Option<(String, usize)>,
    /// How deep we are in what is not for people.
    hidden: usize,
    /// A block has just ended or begun: the next text begins a line.
    fresh: bool,
}

impl HtmlReader {
    fn text(&mut self, text: &str) {
        if self.hidden > 0 || text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.fresh)
            && !self.out.is_empty()
            && !self.out.ends_with('\n')
            && !text.starts_with('\n')
        {
            self.out.push('\n');
        }
        self.out.push_str(text);
    }

    fn tag(&mut self, tag: &HtmlTag<'_>) {
        match tag.kind {
            TagEffect::Hidden => {
                self.hidden =
                    if tag.closing { self.hidden.saturating_sub(1) } else { self.hidden + 1 }
            }
            TagEffect::Break if self.hidden == 0 => {
                self.fresh = false;
                self.out.push('\n');
            }
            TagEffect::Block => self.fresh = true,
            TagEffect::Link if tag.closing => self.end_link(),
            TagEffect::Link => {
                self.end_link();
                self.link = href(tag.attributes).map(|address| (address, self.out.len()));
            }
            TagEffect::Break | TagEffect::Inline => {}
        }
    }

    /// The address of a link behind its words, unless they are the address.
    fn end_link(&mut self) {
        let Some((address, begin)) = self.link.take() else { return };
        let words = self.out.get(begin..).unwrap_or_default().trim();
        let bare = |text: &str| {
            let text = text
                .trim_start_matches("https://")
                .trim_start_matches("http://")
                .trim_start_matches("mailto:");
            text.trim_end_matches('/').to_lowercase()
        };
        let same = words.is_empty() || bare(words) == bare(&address);
        if words.is_empty() {
            self.text(&address);
        } else if !same {
            self.text(&format!(" <{address}>"));
        }
    }
}

/// What the name means that a text begins with, as that of a tag, and where it ends.
fn name(text: &str) -> Option<(TagEffect, usize)> {
    let inner = text.strip_prefix('<')?;
    let begin = 1 + usize::from(inner.starts_with('/'));
    let named = &text[begin..];
    let length =
        named.bytes().take(16).take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
    let name = named[..length].to_ascii_lowercase();
    let (_, kind) = TAGS[TAGS.binary_search_by_key(&name.as_str(), |(name, _)| *name).ok()?];
    named[length..].starts_with(['>', '/', ' ', '\t', '\n', '\r']).then_some((kind, begin + length))
}

/// The tag that a text begins with.
fn tag(text: &str) -> Option<HtmlTag<'_>> {
    let (kind, end) = name(text)?;
    let closing = text.starts_with("</");
    let rest = &text[end..];
    // A `>` inside of a quoted attribute does not end the tag.
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate().take(LONGEST_TAG) {
        match (quote, byte) {
            (None, b'>') => {
                return Some(HtmlTag {
                    kind,
                    closing,
                    attributes: &rest[..at],
                    length: end + at + 1,
                });
            }
            (None, b'<') => return None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The address of a link, if it is one that leads somewhere.
fn href(attributes: &str) -> Option<String> {
    let lower = attributes.to_ascii_lowercase();
    let at = lower.find("href=")? + "href=".len();
    let value = &attributes[at..];
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split_ascii_whitespace().next()?,
    };
    let address = decoded(value);
    let scheme = ["http://", "https://", "mailto:", "tel:"]
        .iter()
        .any(|scheme| address.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    (scheme && !address.contains(['<', '>', '\n'])).then_some(address)
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (c, length) = entity(rest).unwrap_or(('&', 1));
        out.push(c);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// The character that the entity at the beginning of a text means, and its length.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(LONGEST_ENTITY).position(|b| b == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "bull" => '•',
        "copy" => '©',
        "reg" => '®',
        "euro" => '€',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    u32::from_str_radix(hex, 16).ok()?
                }
                None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok()?,
                _ => return None,
            };
            char::from_u32(code).filter(|c| !c.is_control() || *c == '\n' || *c == '\t')?
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests;
