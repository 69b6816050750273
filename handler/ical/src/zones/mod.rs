//! What a TZID means in one object: a zone of the database, by its name or by the rules of its
//! VTIMEZONE.
//!
//! In this order: the name of a place (IANA, behind a maker's prefix too); the VTIMEZONE's
//! X-LIC-LOCATION; what the name means by convention (`EST`, Windows names, display names,
//! offsets), unless the VTIMEZONE has other rules; a zone of the database that follows the
//! VTIMEZONE's rules. Where there is none, a time is the instant that the rules give it, in UTC,
//! and a series is what its rule gives on that clock. A TZID that nothing explains means the zone
//! of the calendar, and the event says that this was guessed.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use engine::event::{Moment, Zone};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::observance::Rules;
use crate::tree::Component;
use crate::value::{TimeForm, unescape};

/// Rules are compared from here on too: a VTIMEZONE often holds today's rules only, even for an old
/// event.
const TODAYS_RULES: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How many zones of an object are found by their rules: each costs a comparison with the whole
/// database.
const MAX_COMPARED: usize = 8;

/// The zones of one object.
pub(crate) struct Zones<'a> {
    described: HashMap<String, &'a Component>,
    known: RefCell<HashMap<String, Meaning>>,
    compared: Cell<usize>,
    guessed: Cell<bool>,
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
    pub(crate) fn new(calendar: &'a Component, floating: Option<&'a str>) -> Self {
        let mut described = HashMap::new();
        for zone in calendar.components().filter(|component| component.name() == "VTIMEZONE") {
            if let Some(tzid) = zone.property("TZID") {
                described.entry(tzid.value.trim().to_owned()).or_insert(zone);
                // A text as its own property, and none as a parameter.
                described.entry(unescape(tzid.value).trim().to_owned()).or_insert(zone);
            }
        }
        Self::with(described, floating)
    }

    fn with(described: HashMap<String, &'a Component>, floating: Option<&'a str>) -> Self {
        Self {
            described,
            known: RefCell::default(),
            compared: Cell::new(0),
            guessed: Cell::new(false),
            floating,
        }
    }

    /// The zone of the calendar, in which floating times are meant.
    pub(crate) fn floating(&self) -> Option<&'a str> {
        self.floating
    }

    /// Whether the zone of the calendar was taken for one that nothing explains.
    pub(crate) fn guessed(&self) -> bool {
        self.guessed.get()
    }

    /// A time as a moment.
    pub(crate) fn moment(&self, local: DateTime, form: &TimeForm) -> Moment {
        let zone = match form {
            TimeForm::Utc => Zone::Utc,
            TimeForm::Floating => Zone::Floating,
            TimeForm::Zone(tzid) => match self.meaning(tzid, local) {
                Meaning::Zone(zone) => zone,
                Meaning::Rules(rules) => match rules.instant(local) {
                    Some(instant) => {
                        return Moment {
                            local: TimeZone::UTC.to_datetime(instant),
                            zone: Zone::Utc,
                        };
                    }
                    None => self.guess(),
                },
                Meaning::Nothing => self.guess(),
            },
        };
        Moment { local, zone }
    }

    /// The rules of a zone that no zone of the database follows.
    pub(crate) fn own_rules(&self, local: DateTime, form: &TimeForm) -> Option<Rc<Rules>> {
        match form {
            TimeForm::Zone(tzid) => match self.meaning(tzid, local) {
                Meaning::Rules(rules) => Some(rules),
                Meaning::Zone(_) | Meaning::Nothing => None,
            },
            TimeForm::Utc | TimeForm::Floating => None,
        }
    }

    fn guess(&self) -> Zone {
        self.guessed.set(true);
        self.floating.and_then(engine::zone::resolve).unwrap_or(Zone::Floating)
    }

    /// A time as an instant; `None` where it is floating.
    pub(crate) fn instant(&self, local: DateTime, form: &TimeForm) -> Option<Timestamp> {
        let zone = match form {
            TimeForm::Utc => Zone::Utc,
            TimeForm::Floating => return None,
            TimeForm::Zone(tzid) => match self.meaning(tzid, local) {
                Meaning::Zone(zone) => zone,
                Meaning::Rules(rules) => return rules.instant(local),
                Meaning::Nothing => match self.guess() {
                    Zone::Floating => return None,
                    zone => zone,
                },
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
        let usual = engine::zone::resolve(tzid);
        let by_name = || usual.clone().map_or(Meaning::Nothing, Meaning::Zone);
        let Some(described) =
            self.described.get(tzid.trim()).filter(|_| !engine::zone::is_place(tzid))
        else {
            return by_name();
        };
        let location = described.property("X-LIC-LOCATION");
        if let Some(zone) = location.and_then(|location| engine::zone::resolve(location.value)) {
            return Meaning::Zone(zone);
        }
        let Some(rules) = Rules::parse(described) else { return by_name() };
        self.compared.set(self.compared.get() + 1);
        if self.compared.get() > MAX_COMPARED {
            return Meaning::Rules(Rc::new(rules));
        }
        let starts = [rules.instant(near), Some(TODAYS_RULES)];
        if let Some(zone) =
            usual.filter(|zone| starts.iter().flatten().any(|start| follows(&rules, zone, *start)))
        {
            return Meaning::Zone(zone);
        }
        match starts.into_iter().flatten().find_map(|start| like(&rules, start)) {
            Some(zone) => Meaning::Zone(zone),
            None => Meaning::Rules(Rc::new(rules)),
        }
    }
}

/// The zone of a calendar by its `calendar-timezone` (RFC 4791 section 5.2.2): a VTIMEZONE, in a
/// VCALENDAR or bare, by name, place or rules; or just a name, as some servers have it.
pub fn calendar_zone(text: &str) -> Option<String> {
    let zone = match crate::tree::Object::parse(text.as_bytes()) {
        Ok(object) => of_calendar(&object).or_else(|| engine::zone::resolve(text)),
        Err(_) => None,
    };
    match zone? {
        Zone::Iana(name) => Some(name),
        Zone::Utc => Some("UTC".to_owned()),
        Zone::Floating => None,
    }
}

/// The zone that the first VTIMEZONE of a `calendar-timezone` describes.
pub(crate) fn of_calendar(object: &crate::tree::Object) -> Option<Zone> {
    let outer = object
        .components()
        .flat_map(|component| std::iter::once(component).chain(component.components()));
    let described = outer.into_iter().find(|component| component.name() == "VTIMEZONE")?;
    let tzid = described
        .property("TZID")
        .map(|tzid| unescape(tzid.value).trim().to_owned())
        .unwrap_or_default();
    let zones = Zones::with([(tzid.clone(), described)].into(), None);
    match zones.meaning(&tzid, TimeZone::UTC.to_datetime(TODAYS_RULES)) {
        Meaning::Zone(zone) => Some(zone),
        Meaning::Rules(_) | Meaning::Nothing => None,
    }
}

/// Whether a zone has the same rules, from an instant on.
fn follows(rules: &Rules, zone: &Zone, near: Timestamp) -> bool {
    let timeline = timeline(rules, near);
    engine::zone::follows(&engine::zone::rules(zone, None), |at| timeline.offset(at), near)
}

fn timeline(rules: &Rules, near: Timestamp) -> crate::observance::Timeline {
    let year = TimeZone::UTC.to_datetime(near).year();
    rules.timeline(year, year.saturating_add(3))
}

/// The zone of the database with the same rules, from an instant on.
fn like(rules: &Rules, near: Timestamp) -> Option<Zone> {
    let timeline = timeline(rules, near);
    let name = engine::zone::zone_like(|at| timeline.offset(at), near)?;
    engine::zone::resolve(&name)
}

#[cfg(test)]
mod tests;
