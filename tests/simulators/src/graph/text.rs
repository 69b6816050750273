//! Bodies: what Exchange makes of text where HTML is asked for, and of HTML where text is.

/// Text as HTML.
pub(super) fn to_html(text: &str) -> String {
    let inner = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace("\r\n", "\n")
        .replace('\n', "<br>\r\n");
    format!(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\
         \r\n<meta name=\"Generator\" content=\"Microsoft Exchange Server\">\r\n<!-- converted \
         from text -->\r\n</head>\r\n<body>\r\n<font size=\"2\"><span style=\"font-size:11pt;\">\
         <div class=\"PlainText\">{inner}</div></span></font>\r\n</body>\r\n</html>\r\n"
    )
}

/// HTML as it is read: within a whole document.
pub(super) fn wrapped(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let inner = match (lower.find("<body"), lower.rfind("</body>")) {
        (Some(open), Some(end)) => {
            let from = lower[open..].find('>').map_or(open, |close| open + close + 1);
            html.get(from..end).unwrap_or(html)
        }
        _ => html,
    };
    format!(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\
         </head>\r\n<body>\r\n{}\r\n</body>\r\n</html>\r\n",
        inner.trim_matches(['\r', '\n'])
    )
}

/// Text with the ends of lines that it is read with.
pub(super) fn with_returns(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// HTML as text.
pub(super) fn to_text(html: &str) -> String {
    let mut out = String::new();
    let mut links: Vec<(usize, String)> = Vec::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        words(&mut out, &rest[..open]);
        rest = &rest[open..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.find("-->").map_or("", |end| &after[end + 3..]);
            continue;
        }
        let Some(close) = rest.find('>') else { break };
        let tag = &rest[1..close];
        rest = &rest[close + 1..];
        let name: String =
            tag.chars().take_while(|c| *c == '/' || c.is_ascii_alphanumeric()).collect();
        match name.to_ascii_lowercase().as_str() {
            hidden @ ("head" | "style" | "script" | "title") => {
                let end = format!("</{hidden}>");
                let lower = rest.to_ascii_lowercase();
                rest = lower.find(&end).map_or("", |at| &rest[at + end.len()..]);
            }
            "br" | "/p" | "/div" | "/tr" | "/ul" | "/ol" | "/h1" | "/h2" | "/h3" => line(&mut out),
            "li" => {
                if !out.ends_with('\n') && !out.is_empty() {
                    line(&mut out);
                }
                out.push_str("  *   ");
            }
            "a" => links.push((out.len(), attribute(tag, "href").unwrap_or_default())),
            "/a" => {
                if let Some((from, target)) = links.pop()
                    && !target.is_empty()
                    && out.get(from..).is_some_and(|shown| shown.trim() != target)
                {
                    out.push_str(&format!("<{target}>"));
                }
            }
            _ => {}
        }
    }
    words(&mut out, rest);
    with_returns(out.trim_matches(' '))
}

fn line(out: &mut String) {
    let end = out.trim_end_matches(' ').len();
    out.truncate(end);
    out.push('\n');
}

/// Appends words, with white space as one blank and entities resolved.
fn words(out: &mut String, text: &str) {
    let mut text = text;
    let mut push = |c: char| {
        let blank = c.is_whitespace();
        let skip = blank && (out.is_empty() || out.ends_with([' ', '\n']));
        if !skip {
            out.push(if blank { ' ' } else { c });
        }
    };
    while let Some(c) = text.chars().next() {
        if c == '&'
            && let Some(end) = text.bytes().take(12).position(|b| b == b';')
            && let Some(entity) = entity(&text[1..end])
        {
            push(entity);
            text = &text[end + 1..];
            continue;
        }
        push(c);
        text = &text[c.len_utf8()..];
    }
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let from = tag.to_ascii_lowercase().find(&format!("{name}=\""))? + name.len() + 2;
    let value = &tag[from..];
    Some(value[..value.find('"')?].replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_went_through_html_is_the_text() {
        let text = "One & two <three>\r\nand \"four\"";
        assert_eq!(to_text(&to_html(text)).trim(), text);
    }

    #[test]
    fn html_as_text() {
        let html = "<html><head><style>p{}</style></head><body><p>Hello&nbsp;<b>you</b></p>\
                    <ul><li>one</li></ul><a href=\"https://x.example.org/?a=1&amp;b\">here</a>\
                    <!-- <p>no</p> --></body></html>";
        let text = to_text(html);
        assert_eq!(text, "Hello you\r\n  *   one\r\nhere<https://x.example.org/?a=1&b>");
        assert!(wrapped("<p>x</p>").contains("<body>\r\n<p>x</p>\r\n</body>"));
    }
}
