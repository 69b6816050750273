//! The UNTIL of a rule, in the form that its DTSTART asks for (RFC 5545 section 3.3.10).
//!
//! Calendar programs get it wrong in every way; servers and other programs refuse such rules. What
//! UNTIL means is kept, the rest of the rule is not touched.

use engine::event::{Moment, Span, Zone};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::observance::Rules;
use crate::property::Property;
use crate::value::{PropertyTime, TimeForm};

/// The rule with its UNTIL in form; as it is, where that is so already or where it cannot be read.
pub(crate) fn normalised(rule: &str, start: &Span, floating: Option<&str>) -> String {
    let parts = rule.split(';').map(|part| match part.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("UNTIL") => {
            match in_form(value, start, floating) {
                Some(when) => format!("UNTIL={}", when.value()),
                None => part.to_owned(),
            }
        }
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(";")
}

fn in_form(value: &str, start: &Span, floating: Option<&str>) -> Option<PropertyTime> {
    let until = PropertyTime::parse(value, &Property::parse("UNTIL:")?)?;
    let start = match start {
        Span::AllDay { .. } => {
            return match until {
                PropertyTime::Day(_) => None,
                PropertyTime::Time(local, _) => Some(PropertyTime::Day(local.date())),
            };
        }
        Span::Timed { start, .. } => start,
    };
    match until {
        PropertyTime::Time(_, TimeForm::Utc) if start.zone != Zone::Floating => None,
        PropertyTime::Time(_, TimeForm::Floating | TimeForm::Zone(_))
            if start.zone == Zone::Floating =>
        {
            None
        }
        PropertyTime::Time(local, TimeForm::Utc) => {
            Some(PropertyTime::Time(out_of_utc(local, floating), TimeForm::Floating))
        }
        PropertyTime::Time(local, _) => Some(at(local, start)),
        PropertyTime::Day(day) => Some(at(last_second(day), start)),
    }
}

/// The UNTIL of a series that ends before an instant.
pub(crate) fn before(end: jiff::Timestamp, start: &Span) -> String {
    let last = end.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(end);
    let local = TimeZone::UTC.to_datetime(last);
    let when = match start {
        Span::AllDay { .. } => PropertyTime::Day(local.date()),
        Span::Timed { start, .. } if start.zone == Zone::Floating => {
            PropertyTime::Time(local, TimeForm::Floating)
        }
        Span::Timed { .. } => PropertyTime::Time(local, TimeForm::Utc),
    };
    when.value()
}

/// An UNTIL on a wall clock with rules of its own; `None` where it is so already, or cannot be
/// read.
pub(crate) fn on_clock(value: &str, clock: &Rules) -> Option<String> {
    match PropertyTime::parse(value, &Property::parse("UNTIL:")?)? {
        PropertyTime::Time(local, TimeForm::Utc) => Some(
            PropertyTime::Time(
                clock.local(TimeZone::UTC.to_timestamp(local).ok()?),
                TimeForm::Floating,
            )
            .value(),
        ),
        PropertyTime::Day(day) => {
            Some(PropertyTime::Time(last_second(day), TimeForm::Floating).value())
        }
        PropertyTime::Time(..) => None,
    }
}

fn at(local: DateTime, start: &Moment) -> PropertyTime {
    match start.zone {
        Zone::Floating => PropertyTime::Time(local, TimeForm::Floating),
        _ => PropertyTime::utc(engine::zone::instant(
            &Moment { local, zone: start.zone.clone() },
            None,
        )),
    }
}

fn out_of_utc(local: DateTime, floating: Option<&str>) -> DateTime {
    let instant = engine::zone::instant_in(local, &TimeZone::UTC);
    engine::zone::rules(&Zone::Floating, floating).to_datetime(instant)
}

fn last_second(day: Date) -> DateTime {
    day.at(23, 59, 59, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(zone: Zone) -> Span {
        let start = Moment { local: jiff::civil::datetime(2026, 3, 10, 10, 0, 0, 0), zone };
        Span::Timed { end: start.clone(), start }
    }

    #[test]
    fn until_takes_the_form_of_the_start() {
        let berlin = timed(Zone::Iana("Europe/Berlin".into()));
        let (utc, floating) = (timed(Zone::Utc), timed(Zone::Floating));
        let day = jiff::civil::date(2026, 3, 10);
        let all_day = Span::AllDay { start: day, end: day };
        for (rule, start, expected) in [
            ("FREQ=DAILY;UNTIL=20260401;X=1", &berlin, "FREQ=DAILY;UNTIL=20260401T215959Z;X=1"),
            ("UNTIL=20260301T100000;FREQ=DAILY", &berlin, "UNTIL=20260301T090000Z;FREQ=DAILY"),
            ("FREQ=DAILY;until=20260301T100000Z", &berlin, "FREQ=DAILY;until=20260301T100000Z"),
            ("FREQ=DAILY;UNTIL=20260301T100000", &utc, "FREQ=DAILY;UNTIL=20260301T100000Z"),
            ("FREQ=DAILY;UNTIL=20260301T100000Z", &floating, "FREQ=DAILY;UNTIL=20260301T190000"),
            ("FREQ=DAILY;UNTIL=20260301", &floating, "FREQ=DAILY;UNTIL=20260301T235959"),
            ("FREQ=DAILY;UNTIL=20260301T100000", &floating, "FREQ=DAILY;UNTIL=20260301T100000"),
            ("FREQ=DAILY;UNTIL=20260301T100000Z", &all_day, "FREQ=DAILY;UNTIL=20260301"),
            ("FREQ=DAILY;UNTIL=20260301", &all_day, "FREQ=DAILY;UNTIL=20260301"),
            ("FREQ=DAILY;UNTIL=soon;COUNT", &berlin, "FREQ=DAILY;UNTIL=soon;COUNT"),
            ("freq=weekly;byday=mo", &berlin, "freq=weekly;byday=mo"),
        ] {
            assert_eq!(normalised(rule, start, Some("Asia/Tokyo")), expected, "{rule}");
            assert_eq!(normalised(expected, start, Some("Asia/Tokyo")), expected, "again {rule}");
        }
    }

    #[test]
    fn a_series_ends_a_second_before_an_instant() {
        let day = jiff::civil::date(2026, 3, 10);
        let all_day = Span::AllDay { start: day, end: day };
        for (end, start, expected) in [
            ("2026-03-10T10:00:00Z", timed(Zone::Iana("Europe/Berlin".into())), "20260310T095959Z"),
            ("2026-03-10T10:00:00Z", timed(Zone::Utc), "20260310T095959Z"),
            ("2026-03-10T10:00:00Z", timed(Zone::Floating), "20260310T095959"),
            ("2026-03-10T00:00:00Z", all_day.clone(), "20260309"),
            ("2026-03-10T00:00:01Z", all_day, "20260310"),
        ] {
            assert_eq!(before(end.parse().unwrap(), &start), expected, "{end}");
        }
    }

    #[test]
    fn on_a_clock_of_its_own_an_until_is_what_that_clock_shows() {
        let zone = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0217\nTZOFFSETTO:+0217\n\
            END:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n";
        let object = crate::tree::Object::parse(zone.as_bytes()).unwrap();
        let clock =
            Rules::parse(object.components().next().unwrap().components().next().unwrap()).unwrap();
        for (value, expected) in [
            ("20260701T100000Z", Some("20260701T121700")),
            ("20260701T230000Z", Some("20260702T011700")),
            ("20260701", Some("20260701T235959")),
            ("20260701T100000", None),
            ("soon", None),
        ] {
            assert_eq!(on_clock(value, &clock).as_deref(), expected, "{value}");
        }
    }
}
