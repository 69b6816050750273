//! Property values (RFC 5545 section 3.3): texts, dates, times, durations and periods, read
//! leniently and written strictly.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::property::{Property, push_parameter};

/// A date or a time as a property has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PropertyTime {
    /// `VALUE=DATE`.
    Day(Date),
    /// A time.
    Time(DateTime, TimeForm),
}

/// The three forms of a time (RFC 5545 section 3.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// Form 1: in no zone.
    Floating,
    /// Form 2: `…Z`.
    Utc,
    /// Form 3: with this TZID.
    Zone(String),
}

impl PropertyTime {
    /// Reads one value of a property. What it is follows from its shape, not from `VALUE`, which is
    /// often wrong; `Z` beats TZID.
    pub(crate) fn parse(value: &str, property: &Property<'_>) -> Option<Self> {
        let value = value.trim();
        let (date, time) = match value.split_once(['T', 't']) {
            None => return date(value).map(Self::Day),
            Some(parts) => parts,
        };
        let (time, utc) = match time.strip_suffix(['Z', 'z']) {
            Some(time) => (time, true),
            None => (time, false),
        };
        let local = self::date(date)?.to_datetime(self::time(time)?);
        let form = match property.parameter("TZID") {
            _ if utc => TimeForm::Utc,
            Some(tzid) if !tzid.is_empty() => TimeForm::Zone(tzid),
            _ => TimeForm::Floating,
        };
        Some(Self::Time(local, form))
    }

    /// The content line that says it.
    pub(crate) fn line(&self, name: &str) -> String {
        let mut line = name.to_owned();
        match self {
            Self::Day(_) => line.push_str(";VALUE=DATE"),
            Self::Time(_, TimeForm::Zone(tzid)) => push_parameter(&mut line, "TZID", tzid),
            Self::Time(..) => {}
        }
        line.push(':');
        line.push_str(&self.value());
        line
    }

    /// The bare value.
    pub(crate) fn value(&self) -> String {
        match self {
            Self::Day(date) => basic_date(*date),
            Self::Time(local, TimeForm::Utc) => format!("{}Z", basic(*local)),
            Self::Time(local, _) => basic(*local),
        }
    }

    /// An instant, in UTC.
    pub(crate) fn utc(instant: Timestamp) -> Self {
        Self::Time(TimeZone::UTC.to_datetime(instant), TimeForm::Utc)
    }
}

fn digits(text: &str, length: usize) -> Option<i32> {
    (text.len() == length && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.len() != 8 || !text.is_ascii() {
        return None;
    }
    let (year, month, day) =
        (digits(&text[..4], 4)?, digits(&text[4..6], 2)?, digits(&text[6..], 2)?);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn time(text: &str) -> Option<Time> {
    if !text.is_ascii() || !(text.len() == 6 || text.len() == 4) {
        return None;
    }
    let (hour, minute) = (digits(&text[..2], 2)?, digits(&text[2..4], 2)?);
    // A leap second is shown as the second before it.
    let second = if text.len() == 6 { digits(&text[4..], 2)?.min(59) } else { 0 };
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0)
        .ok()
}

fn basic_date(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year().max(0), date.month(), date.day())
}

/// A time in the basic format, without zone.
pub(crate) fn basic(local: DateTime) -> String {
    format!(
        "{}T{:02}{:02}{:02}",
        basic_date(local.date()),
        local.hour(),
        local.minute(),
        local.second()
    )
}

/// A duration: days are nominal, the rest is exact (RFC 5545 section 3.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duration {
    /// Days, weeks included.
    pub(crate) days: i64,
    /// Hours, minutes and seconds, as seconds.
    pub(crate) seconds: i64,
}

impl Duration {
    /// Reads a duration; a part that does not fit any calendar is refused.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let (sign, text) = match text.as_bytes().first()? {
            b'-' => (-1, &text[1..]),
            b'+' => (1, &text[1..]),
            _ => (1, text.as_str()),
        };
        let mut duration = Self { days: 0, seconds: 0 };
        let mut number: Option<i64> = None;
        let mut in_time = false;
        for c in text.strip_prefix('P')?.chars() {
            if let Some(digit) = c.to_digit(10) {
                let grown = number.unwrap_or(0) * 10 + i64::from(digit);
                number = Some(Some(grown).filter(|&n| n < 100_000_000_000)?);
                continue;
            }
            if c == 'T' && number.is_none() && !in_time {
                in_time = true;
                continue;
            }
            let n = number.take()? * sign;
            match (c, in_time) {
                ('W', false) => duration.days += n * 7,
                ('D', false) => duration.days += n,
                ('H', true) => duration.seconds += n * 3600,
                ('M', true) => duration.seconds += n * 60,
                ('S', true) => duration.seconds += n,
                _ => return None,
            }
        }
        number.is_none().then_some(duration)
    }
}

/// TEXT as it is meant (RFC 5545 section 3.3.11). A backslash before a character that needs none is
/// kept: some texts contain unescaped paths.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escaped = match rest.as_bytes().get(at + 1) {
            Some(b'n' | b'N') => Some('\n'),
            Some(&c @ (b'\\' | b',' | b';' | b':' | b'"')) => Some(char::from(c)),
            _ => None,
        };
        out.push(escaped.unwrap_or('\\'));
        rest = &rest[at + if escaped.is_some() { 2 } else { 1 }..];
    }
    out.push_str(rest);
    if out.contains('\r') { out.replace("\r\n", "\n").replace('\r', "\n") } else { out }
}

/// TEXT as it is written. Line ends become `\n`; what no line may hold is dropped.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in plain(text).chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\\' | ',' | ';' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A text as it comes back after it was written: the one normalisation that TEXT needs.
pub(crate) fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|&c| !engine::text::is_unwritable(c))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn when(line: &str) -> Option<PropertyTime> {
        let property = Property::parse(line).unwrap();
        PropertyTime::parse(property.value, &property)
    }

    #[test]
    fn dates_and_times_follow_their_shape() {
        let day = jiff::civil::date(2026, 3, 10);
        let ten = day.at(10, 0, 0, 0);
        for (line, expected) in [
            ("DTSTART;VALUE=DATE:20260310", Some(PropertyTime::Day(day))),
            ("DTSTART:20260310 ", Some(PropertyTime::Day(day))),
            (
                "DTSTART;VALUE=DATE:20260310T100000",
                Some(PropertyTime::Time(ten, TimeForm::Floating)),
            ),
            (
                "DTSTART;VALUE=DATE-TIME:20260310T100000Z",
                Some(PropertyTime::Time(ten, TimeForm::Utc)),
            ),
            (
                "DTSTART;TZID=Europe/Berlin:20260310T100000Z",
                Some(PropertyTime::Time(ten, TimeForm::Utc)),
            ),
            (
                "DTSTART;TZID=\"Europe/Berlin\":20260310T100000",
                Some(PropertyTime::Time(ten, TimeForm::Zone("Europe/Berlin".into()))),
            ),
            ("DTSTART;TZID=:20260310t1000", Some(PropertyTime::Time(ten, TimeForm::Floating))),
            (
                "DTSTART:20260310T235960",
                Some(PropertyTime::Time(day.at(23, 59, 59, 0), TimeForm::Floating)),
            ),
            ("DTSTART:20260230", None),
            ("DTSTART:20260310T", None),
            ("DTSTART:20260310T250000", None),
            ("DTSTART:2026031é", None),
            ("DTSTART:20260310Té000", None),
            ("DTSTART:", None),
        ] {
            assert_eq!(when(line), expected, "{line}");
        }
    }

    #[test]
    fn durations() {
        let duration = |days, seconds| Some(Duration { days, seconds });
        for (text, expected) in [
            ("P1W", duration(7, 0)),
            ("P1DT2H3M4S", duration(1, 7384)),
            ("-PT15M", duration(0, -900)),
            ("+p1d", duration(1, 0)),
            ("PT0S", duration(0, 0)),
            ("P", duration(0, 0)),
            ("PT", duration(0, 0)),
            ("P1", None),
            ("1D", None),
            ("P1H", None),
            ("PT1D", None),
            ("PT99999999999999999999S", None),
            ("", None),
            ("Pé", None),
        ] {
            assert_eq!(Duration::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn texts() {
        for (text, expected) in [
            ("a\\, b\\; c\\\\ d\\n\\Ne\\:\\\"", "a, b; c\\ d\n\ne:\""),
            ("C:\\Users\\temp\\", "C:\\Users\\temp\\"),
            ("\\\\n", "\\n"),
            ("a\rb\r\nc", "a\nb\nc"),
        ] {
            assert_eq!(unescape(text), expected, "{text}");
        }
        assert_eq!(escape("a\0b\u{7}\tc\r\nd\u{85}\u{ffff}e"), "ab\tc\\nde");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in any::<String>()) {
            prop_assert_eq!(unescape(&escape(&text)), plain(&text));
            prop_assert!(!escape(&text).contains(['\n', '\r']));
        }
        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            unescape(&text);
            Duration::parse(&text);
            date(&text);
            time(&text);
        }
    }
}
