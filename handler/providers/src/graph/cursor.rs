//! How far a calendar was read: the link to its next round of changes, and the window of the round.
//!
//! Graph freezes the window inside the link and does not show it, but the occurrences of a series
//! that changed have to be read for the same window.

use engine::change::Cursor;
use engine::pair::Window;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The form of a cursor. Another form is read as a cursor that is no longer known.
const VERSION: u8 = 1;
/// The longest cursor that is read or made.
const MAX_LENGTH: usize = 16 << 10;

/// A cursor as it is stored.
#[derive(Deserialize, Serialize)]
struct CursorText {
    v: u8,
    /// The `@odata.deltaLink`; empty where no round came to its end.
    link: String,
    start: Date,
    end: Date,
}

/// The start of a round of changes.
pub(super) struct DeltaPosition {
    pub link: String,
    pub window: Window,
}

impl DeltaPosition {
    /// `None` for a cursor of another form, and for one without a link: list the window.
    pub(super) fn read(cursor: &Cursor) -> Option<Self> {
        if cursor.0.len() > MAX_LENGTH {
            return None;
        }
        let text: CursorText = serde_json::from_str(&cursor.0).ok()?;
        let window = Window { start: text.start, end: text.end };
        let is_usable = text.v == VERSION && !text.link.is_empty() && window.start < window.end;
        is_usable.then_some(Self { link: text.link, window })
    }
}

/// A cursor for the next round; without a link, the next listing lists the window.
pub(super) fn cursor(link: Option<&str>, window: Window) -> Cursor {
    let text = |link: &str| {
        let text =
            CursorText { v: VERSION, link: link.to_owned(), start: window.start, end: window.end };
        serde_json::to_string(&text).unwrap_or_default()
    };
    let full = text(link.unwrap_or_default());
    Cursor(if full.len() > MAX_LENGTH { text("") } else { full })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const WINDOW: Window = Window { start: date(2026, 3, 1), end: date(2027, 3, 1) };

    #[test]
    fn a_cursor_is_read_back_with_its_window() {
        let link = "https://graph.microsoft.com/v1.0/me/x?$deltatoken=a\"b";
        let read = DeltaPosition::read(&cursor(Some(link), WINDOW)).unwrap();
        assert_eq!((read.link.as_str(), read.window), (link, WINDOW));
    }

    #[test]
    fn anything_else_is_no_cursor() {
        assert!(DeltaPosition::read(&cursor(None, WINDOW)).is_none());
        assert!(DeltaPosition::read(&cursor(Some(&"x".repeat(MAX_LENGTH)), WINDOW)).is_none());
        let empty = Window { start: date(2026, 3, 1), end: date(2026, 3, 1) };
        assert!(DeltaPosition::read(&cursor(Some("l"), empty)).is_none());
        for text in [
            "",
            "{}",
            "token",
            r#"{"v":2,"link":"l","start":"2026-03-01","end":"2027-03-01"}"#,
            r#"{"v":1,"link":"l","start":"2026-03-32","end":"2027-03-01"}"#,
        ] {
            assert!(DeltaPosition::read(&Cursor(text.into())).is_none(), "{text}");
        }
    }
}
