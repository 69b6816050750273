//! The case table of `plan.rs`, case by case.

mod apart;
mod crashes;
mod drift;
mod edits;
mod gone;
mod guests;
mod merges;
mod places;
mod series;
mod shown;
mod table;
mod unknown;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::calendar::{CalendarId, PairId};
use crate::event::{
    Busy, Content, Exception, Field, Moment, Organizer, OriginalStart, Series, Span, Stamps,
    Visibility, Zone,
};
use crate::mapping::MappingState;

struct PlanWorld {
    pair: Pair,
    marks: Marks,
    prints: Fingerprinter,
    now: Timestamp,
    full: bool,
}

fn world() -> PlanWorld {
    let pair = Pair {
        id: PairId::new("p1"),
        from: CalendarId::new("ca"),
        to: CalendarId::new("cb"),
        two_way: true,
        private: false,
        private_back: false,
        window_past: "3mo".parse().unwrap(),
        window_future: "12mo".parse().unwrap(),
        paused: false,
        draft: false,
    };
    PlanWorld {
        pair,
        marks: Marks::new(&[1; 32]),
        prints: Fingerprinter::new(&[2; 32], "p1"),
        now: "2026-03-10T12:00:00Z".parse().unwrap(),
        full: false,
    }
}

impl PlanWorld {
    fn one_way(mut self) -> Self {
        self.pair.two_way = false;
        self
    }
    fn private(mut self) -> Self {
        self.pair.private = true;
        self
    }
    fn planner(&self) -> Planner<'_> {
        Planner {
            pass: 1,
            pair: &self.pair,
            kinds: [ProviderKind::Caldav; 2].into(),
            zones: PerSide::default(),
            marks: &self.marks,
            calendars: std::slice::from_ref(&self.pair.to),
            prints: &self.prints,
            window: self.pair.window(self.now),
            now: self.now,
            full: self.full,
        }
    }
    fn known(&self, mapping: &Mapping, origin: Observed, copy: Observed) -> Decision {
        self.planner().known(mapping, origin, copy)
    }
    /// An event of the one calendar that no mapping knows.
    fn unknown(&self, event: &Event, beside: Beside<'_>) -> Decision {
        let planner = self.planner();
        let (id, copy_id) =
            (planner.mapping_id(Side::From, &event.id, 0), EventId::new("copy.ics"));
        planner.unknown(Unknown {
            side: Side::From,
            event,
            id,
            copy_id,
            beside,
            marked_as_copy: false,
            first: None,
        })
    }
    /// A mapping in step, and the two events as they stand.
    fn synced(&self, origin: Event) -> (Mapping, Event, Event) {
        let Decision::Create(create) = self.unknown(&origin, Beside::Nothing) else {
            panic!("an ordinary event is copied")
        };
        let mut mapping = create.mapping;
        mapping.state = MappingState::Live;
        mapping.copy.etag = Some("c1".into());
        let mark = self.marks.mint(Role::Copy, mapping.id, mapping.first());
        let copy = Event {
            id: mapping.copy.id.clone(),
            uid: mapping.id.copy_uid(0),
            etag: Some("c1".into()),
            marker: Some(mark),
            content: create.draft.content,
            series: create.draft.series,
            organizer: None,
            ..origin.clone()
        };
        (mapping, origin, copy)
    }
}

fn at(local: &str) -> Moment {
    Moment { local: local.parse().unwrap(), zone: Zone::Iana("Europe/Berlin".into()) }
}

fn event() -> Event {
    Event {
        id: EventId::new("1.ics"),
        uid: "1".into(),
        etag: Some("o1".into()),
        sequence: 0,
        content: Content {
            span: Span::Timed { start: at("2026-03-12T10:00"), end: at("2026-03-12T11:00") },
            title: "Review".into(),
            description: "Bring numbers".into(),
            location: "Room 5".into(),
            attendees: vec![],
            visibility: Visibility::Default,
            busy: Busy::Busy,
        },
        series: None,
        organizer: None,
        cancelled: false,
        declined: false,
        others: false,
        marker: None,
        stamps: Stamps::default(),
        updated: None,
        zone_guessed: false,
    }
}

fn weekly() -> Event {
    let mut event = event();
    event.series = Some(Series {
        rules: vec!["FREQ=WEEKLY".into()],
        extra: vec![],
        exceptions: BTreeMap::new(),
    });
    event
}

fn start(text: &str) -> OriginalStart {
    OriginalStart::At(text.parse().unwrap())
}

fn edited(event: &Event, etag: &str, edit: impl FnOnce(&mut Event)) -> Observed {
    let mut event = event.clone();
    event.etag = Some(etag.into());
    edit(&mut event);
    Observed::Event(Box::new(event))
}

fn here(seen: Observed) -> Event {
    match seen {
        Observed::Event(event) => *event,
        other => panic!("expected an event, got {other:?}"),
    }
}

fn write(decision: Decision) -> Write {
    match decision {
        Decision::Write(write) => *write,
        other => panic!("expected a write, got {other:?}"),
    }
}

fn fields(change: &Option<Change>) -> Vec<Field> {
    change.as_ref().map(|change| change.parts.fields.iter().copied().collect()).unwrap_or_default()
}

fn skipped(decision: &Decision) -> Reason {
    match decision {
        Decision::Skip { reason, .. } => *reason,
        other => panic!("expected a skip, got {other:?}"),
    }
}
