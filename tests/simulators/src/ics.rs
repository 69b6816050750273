//! An independent, simple reader of iCalendar (RFC 5545): lines, properties, components, and the
//! times in them.
//!
//! It shares nothing with the product's own reader, so that the two cannot be wrong together.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A component: VCALENDAR, VEVENT, VTIMEZONE and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// Its name, in capitals.
    pub name: String,
    /// Its properties, in their order.
    pub properties: Vec<Property>,
    /// The components inside, in their order.
    pub components: Vec<Component>,
}

/// A content line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name, in capitals.
    pub name: String,
    /// Its parameters: names in capitals, values without quotation marks.
    pub parameters: Vec<(String, String)>,
    /// The value, unchanged.
    pub value: String,
}

impl Component {
    /// The first property of this name.
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|p| p.name == name)
    }

    /// The value of the first property of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|p| p.value.as_str())
    }

    /// All properties of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |p| p.name == name)
    }

    /// The components of this name inside.
    pub fn inside<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Component> {
        self.components.iter().filter(move |c| c.name == name)
    }
}

impl Property {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The time of the value, if it is one.
    pub fn when(&self) -> Option<When> {
        When::read(&self.value, self.parameter("TZID"))
    }

    /// Its TEXT without escapes (RFC 5545, section 3.3.11).
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(self.value.len());
        let mut characters = self.value.chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some('n' | 'N') => out.push('\n'),
                    Some(other) => out.push(other),
                    None => {}
                },
                other => out.push(other),
            }
        }
        out
    }
}

/// A time in the form of iCalendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// A day.
    Day(Date),
    /// In UTC.
    Utc(DateTime),
    /// In the zone of this TZID.
    Zoned(DateTime, String),
    /// Wherever one is.
    Floating(DateTime),
}

impl When {
    fn read(value: &str, tzid: Option<&str>) -> Option<Self> {
        let digits = |s: &str| {
            s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<i16>().ok()).flatten()
        };
        let date = |s: &str| {
            (s.len() == 8 && s.is_ascii()).then_some(())?;
            Date::new(digits(&s[..4])?, digits(&s[4..6])? as i8, digits(&s[6..])? as i8).ok()
        };
        let Some((day, time)) = value.split_once('T') else { return date(value).map(Self::Day) };
        let (time, utc) = time.strip_suffix('Z').map_or((time, false), |t| (t, true));
        (time.len() == 6 && time.is_ascii()).then_some(())?;
        // A leap second counts as the second before it.
        let second = digits(&time[4..])?.min(59);
        let at = jiff::civil::Time::new(
            digits(&time[..2])? as i8,
            digits(&time[2..4])? as i8,
            second as i8,
            0,
        )
        .ok()?;
        let at = date(day)?.to_datetime(at);
        Some(match (utc, tzid) {
            (true, _) => Self::Utc(at),
            (false, Some(tzid)) => Self::Zoned(at, tzid.to_owned()),
            (false, None) => Self::Floating(at),
        })
    }

    /// What the clock on the wall shows.
    pub fn civil(&self) -> DateTime {
        match self {
            Self::Day(day) => day.to_datetime(jiff::civil::Time::midnight()),
            Self::Utc(at) | Self::Zoned(at, _) | Self::Floating(at) => *at,
        }
    }

    /// Whether it is a whole day.
    pub fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// The earliest and the latest instant, in seconds of Unix time, that it can mean. They are
    /// equal where the zone is known.
    pub fn bounds(&self) -> (i64, i64) {
        // The zones of the world are at most 14 hours apart from UTC.
        const FARTHEST: i64 = 14 * 3600;
        let as_utc = self.civil().to_zoned(TimeZone::UTC).map_or(0, |z| z.timestamp().as_second());
        match self {
            Self::Utc(_) => (as_utc, as_utc),
            Self::Zoned(at, tzid) => {
                let known = TimeZone::get(tzid)
                    .ok()
                    .and_then(|zone| at.to_zoned(zone).ok())
                    .map(|z| z.timestamp().as_second());
                known.map_or((as_utc - FARTHEST, as_utc + FARTHEST), |second| (second, second))
            }
            Self::Day(_) | Self::Floating(_) => (as_utc - FARTHEST, as_utc + FARTHEST),
        }
    }
}

/// Joins folded lines (RFC 5545, section 3.1) and cuts the text into lines, with any line ending.
pub fn unfold(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// A line with its fold at 60 octets (RFC 5545 allows any place up to 75) and its CRLF.
pub(crate) fn folded(line: &str) -> String {
    let (mut out, mut room) = (String::with_capacity(line.len() + 8), 60);
    for character in line.chars() {
        if character.len_utf8() > room {
            out.push_str("\r\n ");
            room = 59;
        }
        room -= character.len_utf8();
        out.push(character);
    }
    out + "\r\n"
}

/// Reads an object.
///
/// # Errors
/// Where a line is no property, or components do not close in order; the words quote no value.
pub fn read(text: &str) -> Result<Component, String> {
    const DEEPEST: usize = 8;
    let mut open: Vec<Component> = vec![Component::default()];
    for line in unfold(text) {
        let property = property(&line)?;
        match property.name.as_str() {
            "BEGIN" if open.len() > DEEPEST => return Err("components lie too deep".into()),
            "BEGIN" => open.push(Component {
                name: property.value.to_ascii_uppercase(),
                ..Component::default()
            }),
            "END" => {
                let closed = open.pop().filter(|c| c.name == property.value.to_ascii_uppercase());
                match (closed, open.last_mut()) {
                    (Some(closed), Some(parent)) => parent.components.push(closed),
                    _ => return Err("a component ends that did not begin".into()),
                }
            }
            _ => match open.last_mut() {
                Some(top) if !top.name.is_empty() => top.properties.push(property),
                _ => {
                    return Err(format!("the property {} is outside the calendar", property.name));
                }
            },
        }
    }
    match (open.pop(), open.len()) {
        (Some(mut top), 0)
            if top.components.len() == 1 && top.components[0].name == "VCALENDAR" =>
        {
            Ok(top.components.remove(0))
        }
        _ => Err("it is not one whole VCALENDAR".into()),
    }
}

/// Reads one line, unfolded.
pub(crate) fn property(line: &str) -> Result<Property, String> {
    let end = line.find([':', ';']).ok_or("a line is no property")?;
    let (name, mut rest) = line.split_at(end);
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err("a property has no proper name".into());
    }
    let name = name.to_ascii_uppercase();
    let mut parameters = Vec::new();
    while let Some(parameter) = rest.strip_prefix(';') {
        let (key, value) = parameter
            .split_once('=')
            .ok_or_else(|| format!("a parameter of {name} has no value"))?;
        // The value ends at the first colon or semicolon outside quotation marks.
        let mut quoted = false;
        let end = value.find(|c| {
            quoted ^= c == '"';
            !quoted && matches!(c, ':' | ';')
        });
        let (value, after) = value.split_at(end.ok_or_else(|| format!("{name} has no value"))?);
        parameters.push((key.to_ascii_uppercase(), value.replace('"', "")));
        rest = after;
    }
    Ok(Property { name, parameters, value: rest.strip_prefix(':').unwrap_or_default().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_folded_lines_parameters_and_escapes() {
        let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY;X-A=\"a:b;c\";LANGUAGE=en:Lo\r\n \
        ng\\, and\\n\r\n  short\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let calendar = read(text).unwrap();
        let summary = calendar.components[0].get("SUMMARY").unwrap();
        assert_eq!(summary.text(), "Long, and\n short");
        assert_eq!(summary.parameter("X-A"), Some("a:b;c"));
    }

    #[test]
    fn refuses_what_is_not_whole() {
        for bad in [
            "",
            "nonsense",
            "BEGIN:VCALENDAR",
            "BEGIN:VCALENDAR\nEND:VEVENT",
            "X:1\nBEGIN:VCALENDAR\nEND:VCALENDAR",
            "BEGIN:VEVENT\nEND:VEVENT",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_of_all_forms() {
        let when = |v: &str, z: Option<&str>| When::read(v, z);
        assert_eq!(when("20260310T100000Z", None).unwrap().bounds().0, 1_773_136_800);
        assert_eq!(
            when("20260310T120000", Some("Europe/Tallinn")).unwrap().bounds(),
            (1_773_136_800, 1_773_136_800)
        );
        assert!(when("20260310", None).unwrap().is_day());
        let (early, late) = when("20260310T100000", None).unwrap().bounds();
        assert_eq!(late - early, 28 * 3600);
        for bad in
            ["20260231", "2026031", "20260310T1000", "20260310T250000Z", "2026-03-10", "+0260310"]
        {
            assert_eq!(when(bad, None), None, "{bad}");
        }
    }
}
