//! What is shared by the tests of recurrence.

use jiff::civil::{Date, DateTime};

use super::*;
use crate::event::{Busy, Exception, Moment, Visibility, Zone};

mod carried;
mod carry;
mod exceptions;
mod folds;
mod guards;
mod moved;
mod properties;
mod recorded;

fn content(span: Span) -> Content {
    Content {
        span,
        title: "Review".into(),
        description: String::new(),
        location: String::new(),
        attendees: Vec::new(),
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

/// Minutes from a local time in a zone.
fn timed(start: DateTime, minutes: i64, zone: &Zone) -> Span {
    let moment = |local| Moment { local, zone: zone.clone() };
    Span::Timed { start: moment(start), end: moment(start + SignedDuration::from_mins(minutes)) }
}

fn berlin() -> Zone {
    Zone::Iana("Europe/Berlin".into())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn local(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn series(rules: &[&str]) -> Series {
    Series { rules: rules.iter().map(|rule| (*rule).to_owned()).collect(), ..Series::default() }
}

fn starts(found: &[Occurrence]) -> Vec<String> {
    found.iter().map(|occurrence| zone::start(&occurrence.span, None).to_string()).collect()
}
