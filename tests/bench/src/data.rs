//! The measured calendar: invented, and equal in every run except for its days, which are around
//! today so that they are within the window.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Days on which events lie, before and after today: within the default window of a pair.
const DAYS: std::ops::RangeInclusive<i64> = -80..=340;

const ZONE: &str = "BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
";

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no service here; the programs that are measured go by the same clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Today.
pub fn today() -> Date {
    now().to_zoned(TimeZone::UTC).date()
}

/// The objects of a calendar, with their names: of twenty events fifteen single ones, three whole
/// days, two weekly series.
pub fn objects(count: u64, today: Date) -> impl Iterator<Item = (String, String)> {
    (0..count).map(move |n| (format!("event-{n:06}.ics"), object(n, count, today)))
}

/// What a person does to an event: another title.
pub fn edited(ics: &str, round: u64) -> String {
    ics.replacen("SUMMARY:", &format!("SUMMARY:Moved {round} times: "), 1)
}

fn object(n: u64, count: u64, today: Date) -> String {
    let days = (DAYS.end() - DAYS.start()) as u64;
    let offset = DAYS.start() + (n * days / count) as i64;
    let day = today.saturating_add(offset.days());
    let date = day.strftime("%Y%m%d");
    let (hour, minute) = (8 + n % 9, (n % 4) * 15);
    let (zone, times) = match n % 20 {
        0..15 => (
            ZONE,
            format!(
                "DTSTART;TZID=Europe/Berlin:{date}T{hour:02}{minute:02}00\nDTEND;TZID=Europe/Berlin:{date}T{:02}{minute:02}00",
                hour + 1
            ),
        ),
        15..18 => (
            "",
            format!(
                "DTSTART;VALUE=DATE:{date}\nDTEND;VALUE=DATE:{}",
                day.saturating_add(1.day()).strftime("%Y%m%d")
            ),
        ),
        _ => (
            ZONE,
            format!(
                "DTSTART;TZID=Europe/Berlin:{date}T{hour:02}{minute:02}00\nDTEND;TZID=Europe/Berlin:{date}T{:02}{minute:02}00\nRRULE:FREQ=WEEKLY;COUNT=8",
                hour + 1
            ),
        ),
    };
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Calrelay//Bench//EN\n{zone}BEGIN:VEVENT\nUID:bench-{n}@calendars.example\nDTSTAMP:20260101T000000Z\n\
         {times}\nSUMMARY:Meeting number {n}\nLOCATION:Room {}, second floor\nDESCRIPTION:Agenda: what was done\\, what is next\\, what is in the \
         way.\n  Notes of the last time are in the folder of the team. Number {n}.\nSTATUS:CONFIRMED\nBEGIN:VALARM\nACTION:DISPLAY\n\
         TRIGGER:-PT15M\nDESCRIPTION:Reminder\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n",
        n % 30
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_lies_in_the_window_and_is_well_formed() {
        let today = Date::constant(2026, 3, 10);
        let all: Vec<_> = objects(1_000, today).collect();
        for (name, ics) in &all {
            let flaw = simulators::lint::check(&simulators::caldav::crlf(ics)).err();
            assert!(flaw.is_none(), "{name}: {flaw:?}");
        }
        let starts: Vec<&str> = all
            .iter()
            .filter_map(|(_, ics)| ics.lines().find(|l| l.starts_with("DTSTART;"))?.split_once(':'))
            .map(|(_, at)| &at[..8])
            .collect();
        assert_eq!((starts.len(), starts[0], starts[999]), (1_000, "20251220", "20270212"));
    }

    #[test]
    fn an_edit_changes_the_title_alone() {
        let (_, ics) = objects(20, Date::constant(2026, 3, 10)).next().unwrap();
        let edited = edited(&ics, 2);
        assert_eq!(
            edited.lines().filter(|line| !ics.contains(line)).collect::<Vec<_>>(),
            ["SUMMARY:Moved 2 times: Meeting number 0"]
        );
    }
}
