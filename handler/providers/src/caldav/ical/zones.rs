//! What a TZID means in one object: a zone of the database, by its name or by the rules of its VTIMEZONE.
//!
//! In this order: the name itself (IANA, behind a maker's prefix, Windows), the VTIMEZONE's X-LIC-LOCATION, a zone of the database
//! that follows the VTIMEZONE's rules. Where there is none, a single time becomes the instant that the rules give it, in UTC;
//! a series cannot (its wall time would drift) and becomes floating, as does everything with a TZID that nothing explains.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use engine::event::{Moment, Zone};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::observance::Rules;
use super::tree::Component;
use super::value::Form;

/// Rules are compared from here on too: a VTIMEZONE often holds today's rules only, whatever the age of the event.
const TODAYS_RULES: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How many zones of an object are found by their rules: each costs a comparison with the whole database.
const MAX_COMPARED: usize = 8;

/// The zones of one object.
pub(super) struct Zones<'a> {
    described: HashMap<String, &'a Component>,
    known: RefCell<HashMap<String, Meaning>>,
    compared: Cell<usize>,
    floating: Option<&'a str>,
}

/// What a TZID turned out to mean.
#[derive(Clone)]
enum Meaning {
    Zone(Zone),
    Rules(Rc<Rules>),
    Nothing,
}

impl<'a> Zones<'a> {
    /// The zones of a VCALENDAR; floating times are meant in `floating` where an instant is needed.
    pub(super) fn new(calendar: &'a Component, floating: Option<&'a str>) -> Self {
        let mut described = HashMap::new();
        for zone in calendar.components().filter(|component| component.name() == "VTIMEZONE") {
            if let Some(tzid) = zone.property("TZID") {
                described.entry(tzid.value.trim().to_owned()).or_insert(zone);
            }
        }
        Self { described, known: RefCell::default(), compared: Cell::new(0), floating }
    }

    /// The zone of the calendar, in which floating times are meant.
    pub(super) fn floating(&self) -> Option<&'a str> {
        self.floating
    }

    /// A time as a moment. `repeats` says that it anchors a series.
    pub(super) fn moment(&self, local: DateTime, form: &Form, repeats: bool) -> Moment {
        let zone = match form {
            Form::Utc => Zone::Utc,
            Form::Floating => Zone::Floating,
            Form::Zone(tzid) => match self.meaning(tzid, local) {
                Meaning::Zone(zone) => zone,
                Meaning::Rules(rules) if !repeats => match rules.instant(local) {
                    Some(instant) => return Moment { local: TimeZone::UTC.to_datetime(instant), zone: Zone::Utc },
                    None => Zone::Floating,
                },
                Meaning::Rules(_) | Meaning::Nothing => Zone::Floating,
            },
        };
        Moment { local, zone }
    }

    /// A time as an instant; `None` where it is floating.
    pub(super) fn instant(&self, local: DateTime, form: &Form) -> Option<Timestamp> {
        let zone = match form {
            Form::Utc => Zone::Utc,
            Form::Floating => return None,
            Form::Zone(tzid) => match self.meaning(tzid, local) {
                Meaning::Zone(Zone::Floating) | Meaning::Nothing => return None,
                Meaning::Zone(zone) => zone,
                Meaning::Rules(rules) => return rules.instant(local),
            },
        };
        Some(engine::zone::instant_in(local, &engine::zone::rules(&zone, None)))
    }

    fn meaning(&self, tzid: &str, near: DateTime) -> Meaning {
        if let Some(meaning) = self.known.borrow().get(tzid) {
            return meaning.clone();
        }
        let meaning = self.find(tzid, near);
        self.known.borrow_mut().insert(tzid.to_owned(), meaning.clone());
        meaning
    }

    fn find(&self, tzid: &str, near: DateTime) -> Meaning {
        if let Some(zone) = engine::zone::resolve(tzid) {
            return Meaning::Zone(zone);
        }
        let Some(described) = self.described.get(tzid.trim()) else { return Meaning::Nothing };
        let location = described.property("X-LIC-LOCATION");
        if let Some(zone) = location.and_then(|location| engine::zone::resolve(location.value)) {
            return Meaning::Zone(zone);
        }
        let Some(rules) = Rules::parse(described) else { return Meaning::Nothing };
        self.compared.set(self.compared.get() + 1);
        if self.compared.get() > MAX_COMPARED {
            return Meaning::Rules(Rc::new(rules));
        }
        let starts = [rules.instant(near), Some(TODAYS_RULES)];
        match starts.into_iter().flatten().find_map(|start| like(&rules, start)) {
            Some(zone) => Meaning::Zone(zone),
            None => Meaning::Rules(Rc::new(rules)),
        }
    }
}

/// The zone of the database with the same rules, from an instant on.
fn like(rules: &Rules, near: Timestamp) -> Option<Zone> {
    let year = TimeZone::UTC.to_datetime(near).year();
    let timeline = rules.timeline(year, year.saturating_add(3));
    let name = engine::zone::zone_like(|at| timeline.offset(at), near)?;
    engine::zone::resolve(&name)
}

#[cfg(test)]
mod tests;
