//! Against a Graph that answers what was prepared.

mod calendars;
mod changes;
mod place;
mod series;
mod stub;
mod watches;
mod writes;

use engine::event::{
    Busy, Content, Draft, EventId, Exception, Moment, OriginalStart, Series, Span, Visibility, Zone,
};
use engine::pair::Window;
use jiff::civil::date;
use serde_json::{Value, json};

use super::wire::MARKER;
use crate::NewCopy;

const WINDOW: Window = Window { start: date(2026, 3, 1), end: date(2026, 4, 1) };

/// A single event of an hour.
fn single(id: &str, day: i8) -> Value {
    json!({
        "id": id, "@odata.etag": format!("W/\"{id}1\""), "type": "singleInstance", "iCalUId": format!("uid-{id}"),
        "subject": id, "body": { "contentType": "text", "content": "" }, "isAllDay": false,
        "start": { "dateTime": format!("2026-03-{day:02}T08:00:00.0000000"), "timeZone": "UTC" },
        "end": { "dateTime": format!("2026-03-{day:02}T09:00:00.0000000"), "timeZone": "UTC" },
        "location": { "displayName": "" }, "showAs": "busy", "sensitivity": "normal",
        "isOrganizer": true, "isCancelled": false,
    })
}

fn with(mut item: Value, members: &Value) -> Value {
    let members = members.as_object().unwrap().clone();
    item.as_object_mut().unwrap().extend(members);
    item
}

/// A daily series of ten days from the second of March.
fn master(id: &str) -> Value {
    with(
        single(id, 2),
        &json!({ "type": "seriesMaster", "originalStartTimeZone": "UTC", "recurrence": {
            "pattern": { "type": "daily", "interval": 1 },
            "range": { "type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 10 },
        } }),
    )
}

fn marked(item: Value, mark: &str) -> Value {
    with(item, &json!({ "singleValueExtendedProperties": [{ "id": MARKER, "value": mark }] }))
}

/// One occurrence of [`master`].
fn occurrence(master: &str, day: i8) -> Value {
    let id = format!("{master}-{day}");
    with(
        single(&id, day),
        &json!({
            "type": "occurrence", "seriesMasterId": master, "subject": master,
            "@odata.etag": format!("W/\"{master}1\""),
            "originalStart": format!("2026-03-{day:02}T08:00:00Z"),
        }),
    )
}

fn at(day: i8) -> OriginalStart {
    OriginalStart::At(format!("2026-03-{day:02}T08:00:00Z").parse().unwrap())
}

fn instance(master: &str, day: i8) -> EventId {
    EventId::instance(master, at(day))
}

fn content(title: &str, day: i8) -> Content {
    let moment = |hour| Moment { local: date(2026, 3, day).at(hour, 0, 0, 0), zone: Zone::Utc };
    Content {
        span: Span::Timed { start: moment(8), end: moment(9) },
        title: title.into(),
        description: String::new(),
        location: String::new(),
        attendees: vec![],
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

/// What [`master`] shows, with these exceptions.
fn daily(title: &str, exceptions: &[(i8, Exception)]) -> Draft {
    let series = Series {
        rules: vec!["FREQ=DAILY;COUNT=10".into()],
        extra: vec![],
        exceptions: exceptions.iter().map(|(day, e)| (at(*day), e.clone())).collect(),
    };
    Draft { content: content(title, 2), series: Some(series) }
}

fn changed(title: &str, day: i8) -> Exception {
    Exception::Changed(Box::new(content(title, day)))
}

fn copy(draft: &Draft) -> NewCopy<'_> {
    NewCopy {
        uid: "calrelay-abc",
        marker: "h2.k.map.first.mac",
        draft,
        now: "2026-03-01T12:00:00Z".parse().unwrap(),
    }
}
