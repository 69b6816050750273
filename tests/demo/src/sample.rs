//! The invented events of the demo, as calendar programs write them.

use jiff::ToSpan as _;
use jiff::civil::{Date, Time};

/// The zone that Anna lives in.
pub const ZONE: &str = "Europe/Berlin";

/// The first of the four weeks that the demo shows.
#[derive(Clone, Copy, Debug)]
pub struct Weeks {
    /// Its Monday.
    pub monday: Date,
}

impl Weeks {
    /// Of the work calendar: name of the object and its text.
    pub fn work(self) -> [(&'static str, String); 5] {
        let standup = self.timed(0, ["09:30", "09:45"], "Team stand-up")
            + "RRULE:FREQ=WEEKLY;COUNT=4\n"
            + &self.line("EXDATE", 14, "09:30");
        let moved = self.timed(8, ["11:00", "11:15"], "Team stand-up")
            + &self.line("RECURRENCE-ID", 7, "09:30");
        let review = self.timed(2, ["13:00", "14:00"], "Design review")
            + "LOCATION:Room Aalto\nDESCRIPTION:Bring the new sketches.\n";
        [
            ("standup.ics", object("standup", &[standup, moved])),
            ("lunch.ics", object("lunch", &[self.timed(1, ["12:00", "13:00"], "Team lunch")])),
            ("review.ics", object("review", &[review])),
            (
                "planning.ics",
                object(
                    "planning",
                    &[self.timed(3, ["10:00", "11:00"], "Quarter planning") + MEETING],
                ),
            ),
            ("fair.ics", object("fair", &[self.whole(4, "Trade fair")])),
        ]
    }

    /// Of the home calendar.
    pub fn home(self) -> [(&'static str, String); 2] {
        [
            ("dentist.ics", object("dentist", &[self.timed(1, ["08:15", "09:00"], "Dentist")])),
            ("picnic.ics", object("picnic", &[self.whole(5, "Family picnic")])),
        ]
    }

    /// What comes up at home in the meantime.
    pub fn school(self) -> (&'static str, String) {
        ("school.ics", object("school", &[self.timed(3, ["18:00", "19:30"], "Parents' evening")]))
    }

    /// An object with its times an hour later, of the event on this day that lasts from `from` to
    /// `to`. `None` where the object has other times.
    pub fn an_hour_later(self, ics: &str, day: i64, [from, to]: [&str; 2]) -> Option<String> {
        let mut later = ics.replace("\r\n", "\n");
        // The end first: its old value may be the new start.
        for (name, time) in [("DTEND", to), ("DTSTART", from)] {
            let line = self.line(name, day, time);
            let time: Time = time.parse().ok()?;
            if !later.contains(&line) {
                return None;
            }
            later = later.replace(
                &line,
                &self.line(name, day, &(time + 1.hour()).strftime("%H:%M").to_string()),
            );
        }
        Some(later)
    }

    fn timed(self, day: i64, [from, to]: [&str; 2], title: &str) -> String {
        format!("SUMMARY:{title}\n")
            + &self.line("DTSTART", day, from)
            + &self.line("DTEND", day, to)
    }

    fn whole(self, day: i64, title: &str) -> String {
        let date = |day: i64| (self.monday + day.days()).strftime("%Y%m%d").to_string();
        format!(
            "SUMMARY:{title}\nDTSTART;VALUE=DATE:{}\nDTEND;VALUE=DATE:{}\nTRANSP:OPAQUE\n",
            date(day),
            date(day + 1)
        )
    }

    /// A property with a time on a day, counted from Monday.
    fn line(self, name: &str, day: i64, time: &str) -> String {
        let time: Time = time.parse().expect("a time such as 09:30");
        let moment = (self.monday + day.days()).to_datetime(time);
        format!("{name};TZID={ZONE}:{}\n", moment.strftime("%Y%m%dT%H%M%S"))
    }
}

/// One object: the master of the event, and its exceptions.
fn object(uid: &str, events: &[String]) -> String {
    let mut text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Calrelay//Demo//EN\n{BERLIN}");
    for event in events {
        text += &format!(
            "BEGIN:VEVENT\nUID:{uid}@anna.example\nDTSTAMP:20260101T000000Z\n{event}END:VEVENT\n"
        );
    }
    text + "END:VCALENDAR\n"
}

const BERLIN: &str = "BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
END:STANDARD
END:VTIMEZONE
";

/// A meeting to which others were asked, with the block that a conference program puts below the
/// text.
const MEETING: &str = "LOCATION:Microsoft Teams Meeting
DESCRIPTION:Numbers first\\, then plans.\\n\\n____________________________________
 ____________________________________________\\nMicrosoft Teams meeting\\nJoin on yo
 ur computer or mobile app\\nClick here to join the meeting<https://teams.micros
 oft.com/l/meetup-join/19%3ameeting_demo/0?context=%7b%7d>\\nMeeting ID: 000 111
  222 33\\nPasscode: demo\\n____________________________________________________
 ____________________________
ORGANIZER;CN=Anna:mailto:anna@work.example
ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@work.example
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bo@work.example
ATTENDEE;PARTSTAT=TENTATIVE:mailto:chris@partner.example
";
