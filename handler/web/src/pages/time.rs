//! Times on pages.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::words::Words;

const WORDS: Words = Words;

/// When something was, and how long ago.
pub fn when(at: Option<Timestamp>, now: Timestamp) -> Markup {
    let Some(at) = at else { return html! { (WORDS.never()) } };
    let shown = at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string();
    let ago = now.duration_since(at).max(SignedDuration::ZERO);
    html! { time datetime=(at) { (shown) } ", " (WORDS.ago(ago)) }
}

/// A day.
pub fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}
