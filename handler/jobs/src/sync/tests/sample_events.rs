//! Events as a person creates them.

use engine::event::{
    Busy, Content, Draft, Event, EventId, Moment, Organizer, Series, Span, Stamps, Visibility, Zone,
};
use jiff::civil::{Date, DateTime, date};

/// What shows a draft, without a name.
pub fn of(draft: &Draft) -> Event {
    Event {
        id: EventId::new(""),
        uid: String::new(),
        etag: None,
        sequence: 0,
        content: draft.content.clone(),
        series: draft.series.clone(),
        organizer: None,
        others: false,
        cancelled: false,
        declined: false,
        marker: None,
        stamps: Stamps::default(),
        updated: None,
        zone_guessed: false,
    }
}

/// An hour from nine o'clock UTC on that day.
pub fn on(day: Date) -> Span {
    at(day.at(9, 0, 0, 0), 1)
}

/// So many hours from then, in UTC.
pub fn at(start: DateTime, hours: i64) -> Span {
    let moment = |local| Moment { local, zone: Zone::Utc };
    Span::Timed {
        start: moment(start),
        end: moment(start + jiff::SignedDuration::from_hours(hours)),
    }
}

/// The event `name.ics` in April 2026, whose title is its name.
pub fn april(name: &str, day: i8) -> Event {
    event(name, name, on(date(2026, 4, day)))
}

pub fn event(name: &str, title: &str, span: Span) -> Event {
    let content = Content {
        span,
        title: title.into(),
        description: "what is to be done".into(),
        location: "room 1".into(),
        attendees: Vec::new(),
        visibility: Visibility::Public,
        busy: Busy::Busy,
    };
    Event {
        id: EventId::new(format!("{name}.ics")),
        uid: format!("{name}@example.org"),
        ..of(&Draft { content, series: None })
    }
}

/// A weekly series of so many events.
pub fn weekly(event: Event, count: u32) -> Event {
    Event {
        series: Some(Series {
            rules: vec![format!("FREQ=WEEKLY;COUNT={count}")],
            ..Series::default()
        }),
        ..event
    }
}

/// Another person is its organizer.
pub fn with_guests(mut event: Event) -> Event {
    event.content.attendees = vec!["bob@example.org".into()];
    Event { organizer: Some(Organizer { email: "bob@example.org".into(), is_me: false }), ..event }
}
