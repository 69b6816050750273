//! Calendar objects as people's programs write them, on days counted from today: the program reads
//! the system's clock.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Berlin's rules, as programs put them beside an event.
pub const BERLIN: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:DAYLIGHT\nDTSTART:19810329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nBEGIN:STANDARD\nDTSTART:19961027T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n";

/// So many days from today, as a date of iCalendar.
pub fn day(after: i64) -> String {
    today().saturating_add(after.days()).strftime("%Y%m%d").to_string()
}

/// That day at a full hour, UTC.
pub fn at(after: i64, hour: u8) -> String {
    format!("{}T{hour:02}0000Z", day(after))
}

/// That day at a full hour on the wall clock.
pub fn wall(after: i64, hour: u8) -> String {
    format!("{}T{hour:02}0000", day(after))
}

/// An object with these components.
pub fn calendar(components: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Somebody//A calendar \
        program//EN\n{components}END:VCALENDAR\n"
    )
}

/// A VEVENT with these further lines.
pub fn vevent(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20250101T000000Z\n{}\nEND:VEVENT\n",
        lines.trim_matches('\n')
    )
}

/// An object with one VEVENT.
pub fn object(uid: &str, lines: &str) -> String {
    calendar(&vevent(uid, lines))
}

/// An hour on that day.
pub fn hour(uid: &str, after: i64, hour: u8, title: &str) -> String {
    object(
        uid,
        &format!("DTSTART:{}\nDTEND:{}\nSUMMARY:{title}", at(after, hour), at(after, hour + 1)),
    )
}

/// So many hours on the days to come, with names `e0.ics`, `e1.ics`…
pub fn many(count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|n| {
            (
                format!("e{n}.ics"),
                hour(
                    &format!("uid-{n}"),
                    1 + (n as i64) % 200,
                    8 + (n as u8) % 9,
                    &format!("Event {n}"),
                ),
            )
        })
        .collect()
}

/// A minute from now, as a stamp of iCalendar: later than all that is done meanwhile.
pub fn stamp() -> String {
    (now() + jiff::SignedDuration::from_mins(1)).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Now, as a stamp of iCalendar.
pub fn stamp_now() -> String {
    now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn today() -> Date {
    now().to_zoned(TimeZone::UTC).date()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program under test reads the system's clock, so its calendars are filled by it"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
