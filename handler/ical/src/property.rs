//! A content line taken apart: name, parameters, value (RFC 5545 section 3.1, RFC 6868).

use std::fmt::Write as _;

/// The property that carries the loop mark.
pub(crate) const MARKER: &str = "X-CALRELAY-ORIGIN";

/// A property of a content line.
#[derive(Clone)]
pub(crate) struct Property<'a> {
    /// Between the name and the colon, without either.
    head: &'a str,
    /// Where parameters begin in `head`, after their semicolon.
    starts: Vec<usize>,
    /// Everything after the colon.
    pub(crate) value: &'a str,
}

/// The properties whose values are dates and times, with the sign behind their names.
const TIMES: [&str; 5] = ["DTSTART;", "DTEND;", "RECURRENCE-ID;", "RDATE;", "EXDATE;"];

impl<'a> Property<'a> {
    /// Takes a line apart; `None` where there is no colon. A quote that is never closed counts as
    /// an ordinary character. The value of a date or time begins after the last colon: it has none,
    /// and names of zones with a colon in them occur without quotes (`TZID=(UTC-05:00) Eastern
    /// Time`).
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let has_time = TIMES.iter().any(|name| {
            text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        });
        Self::scan(text, true, has_time).or_else(|| Self::scan(text, false, has_time))
    }

    fn scan(text: &'a str, quotes: bool, last: bool) -> Option<Self> {
        let mut quoted = false;
        let mut starts = Vec::new();
        let mut colon = None;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'"' if quotes => quoted = !quoted,
                b';' if !quoted => starts.push(at + 1),
                b':' if !quoted => {
                    colon = Some(at);
                    if !last {
                        break;
                    }
                }
                _ => {}
            }
        }
        let at = colon.filter(|_| !quoted)?;
        starts.retain(|start| *start <= at);
        Some(Self { head: &text[..at], starts, value: &text[at + 1..] })
    }

    /// How many parameters there are.
    pub(crate) fn parameters(&self) -> usize {
        self.starts.len()
    }

    /// The name and the parameters as written, without the colon.
    pub(crate) fn head(&self) -> &'a str {
        self.head
    }

    /// The value of a parameter, decoded; the first one where it occurs twice.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.starts.iter().enumerate().find_map(|(n, &start)| {
            let end = self.starts.get(n + 1).map_or(self.head.len(), |next| next - 1);
            let (key, value) = self.head[start..end].split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| decode(value))
        })
    }

    /// Whether a parameter has this value, without regard to case.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.parameter(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    }
}

/// A parameter value: quotes taken off, RFC 6868 escapes undone, blanks around it dropped.
fn decode(value: &str) -> String {
    let value = value.trim();
    let value =
        value.strip_prefix('"').map_or(value, |rest| rest.strip_suffix('"').unwrap_or(rest));
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('^') {
        out.push_str(&rest[..at]);
        let (decoded, length) = match rest.as_bytes().get(at + 1) {
            Some(b'n') => ('\n', 2),
            Some(b'\'') => ('"', 2),
            Some(b'^') => ('^', 2),
            _ => ('^', 1),
        };
        out.push(decoded);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out
}

/// Appends `;NAME=value`, quoted and escaped where needed. Control characters cannot be written and
/// are dropped.
pub(crate) fn push_parameter(out: &mut String, name: &str, value: &str) {
    let mut encoded = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' => encoded.push_str("^n"),
            '"' => encoded.push_str("^'"),
            '^' => encoded.push_str("^^"),
            c if c.is_control() => {}
            c => encoded.push(c),
        }
    }
    let quote = if encoded.contains([':', ';', ',']) { "\"" } else { "" };
    let _ = write!(out, ";{name}={quote}{encoded}{quote}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_found_and_decoded() {
        let parse = |text| Property::parse(text).unwrap();
        let property = parse(
            r#"ATTENDEE;CN="Doe; Jane: the, 1st";cutype=Room;X-NOTE=a^nb^'c^^d^e;EMPTY=;CN=second:mailto:jane@example.org"#,
        );
        assert_eq!(property.value, "mailto:jane@example.org");
        assert_eq!(property.parameter("cn").unwrap(), "Doe; Jane: the, 1st");
        assert_eq!(property.parameter("X-NOTE").unwrap(), "a\nb\"c^d^e");
        assert_eq!(property.parameter("EMPTY").unwrap(), "");
        assert_eq!(property.parameter("NONE"), None);
        assert!(property.has("CUTYPE", "ROOM"));
        assert_eq!(property.parameters(), 5);
    }

    #[test]
    fn an_open_quote_does_not_eat_the_value() {
        let property = Property::parse("SUMMARY;X=\"open:value").unwrap();
        assert_eq!(
            (property.value, property.parameter("X").unwrap()),
            ("value", "open".to_owned())
        );
        assert!(Property::parse("no colon").is_none());
        assert_eq!(Property::parse("SUMMARY;:x").unwrap().value, "x");
    }

    #[test]
    fn a_zone_with_a_colon_needs_no_quotes() {
        let property = Property::parse(
            "DTSTART;TZID=(UTC-05:00) Eastern Time (US & Canada);X=1:20260915T090000",
        )
        .unwrap();
        assert_eq!(property.value, "20260915T090000");
        assert_eq!(property.parameter("TZID").unwrap(), "(UTC-05:00) Eastern Time (US & Canada)");
        assert_eq!(property.parameter("X").unwrap(), "1");
        let quoted =
            Property::parse("EXDATE;TZID=\"GMT +01:00\":20260915T090000,20260916T090000").unwrap();
        assert_eq!(
            (quoted.value, quoted.parameter("TZID").unwrap().as_str()),
            ("20260915T090000,20260916T090000", "GMT +01:00")
        );
        assert_eq!(
            Property::parse("DTSTART;TZID=\"open:20260915T090000").unwrap().value,
            "20260915T090000"
        );
        assert_eq!(Property::parse("SUMMARY;X=1:a:b").unwrap().value, "a:b");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in "[^\\p{Cc}]{0,40}") {
            let mut line = "X".to_owned();
            push_parameter(&mut line, "P", &value);
            line.push_str(":rest");
            let property = Property::parse(&line).unwrap();
            prop_assert_eq!(property.value, "rest");
            let found = property.parameter("P").unwrap();
            prop_assert_eq!(found.trim(), value.trim());
        }

        #[test]
        fn any_line_ends_without_a_panic(line in "\\PC{0,60}") {
            if let Some(property) = Property::parse(&line) {
                property.parameter("TZID");
            }
        }
    }
}
