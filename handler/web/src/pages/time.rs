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

/// The times of an event in a zone: instants as RFC 3339, or days, as the API has them.
pub fn span(start: Option<&str>, end: Option<&str>, zone: &str) -> Markup {
    let Some(start) = start else { return html! { "-" } };
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let shown = |text: &str, form: &str| {
        let at: Option<Timestamp> = text.parse().ok();
        at.map(|at| at.to_zoned(zone.clone()).strftime(form).to_string())
    };
    let Some(begin) = shown(start, "%-d %B %Y, %H:%M") else {
        return html! { time datetime=(start) { (start) } " " (WORDS.all_day()) };
    };
    html! {
        time datetime=(start) { (begin) }
        @if let Some((end, text)) = end.and_then(|end| Some((end, shown(end, "%H:%M")?))) {
            " to " time datetime=(end) { (text) }
        }
    }
}
