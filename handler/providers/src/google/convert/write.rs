//! Bodies of writes. Nothing in here can name a guest: there is no field for one.

use std::collections::BTreeSet;

use engine::event::{Busy, Content, Draft, Field, Series, Span, Visibility};
use ical::recurrence;
use serde_json::{Map, Value, json};

use super::super::wire::EventDateTime;
use super::time;
use crate::html;

/// The private extended property that carries the loop mark.
pub(in super::super) const MARKER: &str = "calrelayOrigin";

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Purpose {
    /// The whole event: what is not in it is not in the event.
    Whole,
    /// A part: what is to go must be said.
    Patch,
}

/// A copy, whole.
pub(in super::super) fn copy(draft: &Draft, mark: &str) -> Map<String, Value> {
    let mut body = fields(&draft.content, &Field::ALL.into(), Purpose::Whole);
    if let Some(series) = draft.series.as_ref().filter(|series| repeats(series)) {
        body.insert("recurrence".into(), recurrence(series, &draft.content.span).into());
    }
    body.insert("status".into(), "confirmed".into());
    body.insert("reminders".into(), json!({ "useDefault": false, "overrides": [] }));
    marker(&mut body, mark);
    body
}

/// Some fields of a content.
pub(in super::super) fn fields(
    content: &Content,
    which: &BTreeSet<Field>,
    purpose: Purpose,
) -> Map<String, Value> {
    let mut body = Map::new();
    for field in which {
        let (name, value): (&str, Value) = match field {
            Field::Time => {
                let (start, end) = time::write(&content.span);
                body.insert("start".into(), bound(&start, purpose));
                ("end", bound(&end, purpose))
            }
            Field::Title => ("summary", clean(&content.title).into()),
            Field::Description => {
                ("description", html::from_text(&clean(&content.description)).into())
            }
            Field::Location => ("location", clean(&content.location).into()),
            Field::Visibility => ("visibility", visibility(content.visibility).into()),
            Field::Busy => ("transparency", transparency(content.busy).into()),
            Field::Attendees => continue,
        };
        body.insert(name.into(), value);
    }
    body
}

/// A text without characters that are invisible and that some programs reject.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !engine::text::is_unwritable(*c)).collect()
}

/// A day or a time. Where it may replace the other kind, that one is taken away by name.
fn bound(bound: &EventDateTime, purpose: Purpose) -> Value {
    match (purpose, &bound.date) {
        (Purpose::Whole, _) => json!(bound),
        (Purpose::Patch, Some(date)) => json!({ "date": date, "dateTime": null, "timeZone": null }),
        (Purpose::Patch, None) => {
            json!({ "date": null, "dateTime": bound.date_time, "timeZone": bound.time_zone })
        }
    }
}

/// The `recurrence` of a series: its rules, further dates and cancelled occurrences.
pub(in super::super) fn recurrence(series: &Series, span: &Span) -> Vec<String> {
    recurrence::lines(series, span)
}

/// Puts the loop mark on an event; other programs' properties stay.
pub(in super::super) fn marker(body: &mut Map<String, Value>, marker: &str) {
    body.insert("extendedProperties".into(), json!({ "private": { MARKER: marker } }));
}

fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Default => "default",
        Visibility::Public => "public",
        Visibility::Private => "private",
        Visibility::Confidential => "confidential",
    }
}

pub(super) fn transparency(busy: Busy) -> &'static str {
    match busy {
        Busy::Free | Busy::WorkingElsewhere => "transparent",
        Busy::Tentative | Busy::Busy | Busy::Oof => "opaque",
    }
}

/// Whether a series repeats at all.
pub(in super::super) fn repeats(series: &Series) -> bool {
    !series.rules.is_empty() || !series.extra.is_empty()
}
