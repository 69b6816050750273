//! Which components of an object are the event, and which are changed occurrences of it (RFC 4791
//! section 4.1: one UID an object).

use crate::error::Unreadable;
use crate::stamps::{sequence, stamp};
use crate::tree::{Component, Node, Object};
use crate::value::PropertyTime;

/// The places of the event's components among the items of its VCALENDAR.
pub(crate) struct Layout {
    /// The event or the master; where the object holds changed occurrences only, the one that
    /// speaks for it.
    pub(crate) main: usize,
    /// `main` is no master but a changed occurrence: the owner was invited to single occurrences.
    pub(crate) orphaned: bool,
    /// The other changed occurrences.
    pub(crate) overrides: Vec<usize>,
    /// Those of them whose change is for all that follow too.
    pub(crate) ranges: Vec<usize>,
}

impl Layout {
    /// Looks over a VCALENDAR.
    ///
    /// # Errors
    /// No VEVENT, or several UIDs.
    pub(crate) fn of(calendar: &Component) -> Result<Self, Unreadable> {
        let events = events(calendar);
        if events.is_empty() {
            let other = calendar
                .components()
                .map(Component::name)
                .find(|name| matches!(*name, "VTODO" | "VJOURNAL" | "VFREEBUSY"));
            return Err(Unreadable(match other {
                Some("VTODO") => "it is a task, not an event".into(),
                Some("VJOURNAL") => "it is a journal entry, not an event".into(),
                Some(_) => "it is free/busy data, not an event".into(),
                None => "there is no event in it".into(),
            }));
        }
        // Some programs leave the UID out; the components of one resource are one event
        // nevertheless.
        let mut uids: Vec<&str> = events.iter().filter_map(|(_, event)| uid(event)).collect();
        uids.sort_unstable();
        uids.dedup();
        if uids.len() > 1 {
            return Err(Unreadable("it holds events with different UIDs".into()));
        }
        let mut overrides = Vec::new();
        let mut ranges = Vec::new();
        let mut masters = Vec::new();
        for &(at, event) in &events {
            match event.property("RECURRENCE-ID") {
                None => masters.push((at, event)),
                Some(id) => {
                    overrides.push(at);
                    ranges.extend(id.has("RANGE", "THISANDFUTURE").then_some(at));
                }
            }
        }
        let newest =
            masters.into_iter().rev().max_by_key(|(_, event)| version(event)).map(|(at, _)| at);
        match newest {
            Some(main) => Ok(Self { main, orphaned: false, overrides, ranges }),
            None => {
                let main = speaker(&events);
                overrides.retain(|&at| at != main);
                Ok(Self { main, orphaned: true, overrides, ranges: Vec::new() })
            }
        }
    }
}

/// The one VCALENDAR of an object.
///
/// # Errors
/// There is none, or more than one, or a component in it was not closed: what is cut off may lack
/// the very line that said that an occurrence was cancelled.
pub(crate) fn calendar(object: &Object) -> Result<&Component, Unreadable> {
    let mut calendars = object.components().filter(|component| component.name() == "VCALENDAR");
    match (calendars.next(), calendars.next()) {
        (None, _) => Err(Unreadable("it is no iCalendar object".into())),
        (Some(_), Some(_)) => Err(Unreadable("it holds more than one calendar".into())),
        (Some(calendar), None) if !calendar.is_closed() => {
            Err(Unreadable("it is cut off, or one of its components has no end".into()))
        }
        (Some(calendar), None) => Ok(calendar),
    }
}

/// The VEVENTs of a VCALENDAR with their places.
pub(crate) fn events(calendar: &Component) -> Vec<(usize, &Component)> {
    let items = calendar.items().iter().enumerate();
    items
        .filter_map(|(at, item)| match item {
            Node::Component(component) if component.name() == "VEVENT" => Some((at, component)),
            _ => None,
        })
        .collect()
}

/// The component at a place that [`Layout`] named.
pub(crate) fn component(calendar: &Component, at: usize) -> Option<&Component> {
    match calendar.items().get(at) {
        Some(Node::Component(component)) => Some(component),
        _ => None,
    }
}

/// As [`component`], to be changed.
pub(crate) fn component_mut(calendar: &mut Component, at: usize) -> Option<&mut Component> {
    match calendar.items_mut().get_mut(at) {
        Some(Node::Component(component)) => Some(component),
        _ => None,
    }
}

/// The UID of an event.
pub(crate) fn uid(event: &Component) -> Option<&str> {
    event
        .lines()
        .find(|line| line.is("UID"))?
        .text()
        .split_once(':')
        .map(|(_, value)| value.trim())
        .filter(|uid| !uid.is_empty())
}

/// How new a component is: of two with equal versions, the first counts (RFC 5546
/// section 2.1.5).
pub(crate) fn version(event: &Component) -> (u32, Option<jiff::Timestamp>) {
    (sequence(event), stamp(event, "DTSTAMP"))
}

/// The UID of an object, if it has one.
pub(crate) fn uid_of(calendar: &Component) -> Option<&str> {
    events(calendar).into_iter().find_map(|(_, event)| uid(event))
}

/// Whether an event is cancelled (RFC 5545 section 3.8.1.11).
pub(crate) fn is_cancelled(event: &Component) -> bool {
    event
        .property("STATUS")
        .is_some_and(|status| status.value.trim().eq_ignore_ascii_case("CANCELLED"))
}

/// Of several changed occurrences, the earliest that takes place.
fn speaker(events: &[(usize, &Component)]) -> usize {
    let key = |event: &Component| {
        let id = event.property("RECURRENCE-ID");
        let local = id.and_then(|id| PropertyTime::parse(id.value, &id)).map(|when| match when {
            PropertyTime::Day(day) => day.at(0, 0, 0, 0),
            PropertyTime::Time(local, _) => local,
        });
        (is_cancelled(event), local)
    };
    events.iter().min_by_key(|(_, event)| key(event)).map_or(0, |(at, _)| *at)
}
