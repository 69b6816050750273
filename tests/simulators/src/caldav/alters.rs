//! Servers that do not keep what they are sent: they cut texts, trim them, or know no seconds.

use crate::ics;

/// What a PUT stores otherwise than it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alters {
    /// How many characters of a DESCRIPTION are kept.
    pub keeps: usize,
    /// Whether texts lose the white space at their ends and within them all but one blank.
    pub trims: bool,
    /// Whether times lose their seconds.
    pub rounds: bool,
}

/// The texts of an event.
const TEXTS: [&str; 3] = ["SUMMARY", "DESCRIPTION", "LOCATION"];
/// Its times.
const TIMES: [&str; 5] = ["DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"];

impl Alters {
    /// Everything is kept.
    pub const NOTHING: Self = Self { keeps: usize::MAX, trims: false, rounds: false };

    /// The object as it is stored.
    pub(super) fn apply(self, text: String) -> String {
        if self == Self::NOTHING {
            return text;
        }
        let mut inside = false;
        let mut out = String::new();
        for line in ics::unfold(&text) {
            inside = line == "BEGIN:VEVENT" || (inside && line != "END:VEVENT");
            let line = if inside { self.line(&line) } else { line };
            out.push_str(&ics::folded(&line));
        }
        out
    }

    fn line(self, line: &str) -> String {
        let Some((head, value)) = line.split_once(':') else { return line.to_owned() };
        let name = head.split(';').next().unwrap_or_default();
        let mut value = value.to_owned();
        if TEXTS.contains(&name) {
            if self.trims {
                value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            if name == "DESCRIPTION" {
                value = beginning(&value, self.keeps);
            }
        }
        if self.rounds && TIMES.contains(&name) {
            value = value.split(',').map(without_seconds).collect::<Vec<_>>().join(",");
        }
        format!("{head}:{value}")
    }
}

/// So many characters of a TEXT, of which an escaped one is one (RFC 5545, section 3.3.11).
fn beginning(value: &str, keeps: usize) -> String {
    let (mut out, mut left, mut escaped) = (String::new(), keeps, false);
    for character in value.chars() {
        if !escaped && left == 0 {
            break;
        }
        left -= usize::from(!escaped);
        escaped = !escaped && character == '\\';
        out.push(character);
    }
    out
}

/// `YYYYMMDDTHHMMSS`, with or without a `Z`, at the full minute.
fn without_seconds(time: &str) -> String {
    if time.len() < 15 { time.to_owned() } else { format!("{}00{}", &time[..13], &time[15..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_trimmed_and_times_lose_their_seconds() {
        let event = |lines: &str| {
            format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n")
        };
        let sent = event(
            "SUMMARY:  A  title \
            \
            \
            \
            \
            \
            \r\nDESCRIPTION:ab\\ncdef\r\nDTSTART;TZID=Europe/Berlin:20260310T100030\r\nDTEND:20260310T110059Z\r\nDTSTAMP:20260301T000001Z\r\n",
        );
        let all = Alters { keeps: 4, trims: true, rounds: true };
        let kept = event(
            "SUMMARY:A title\r\nDESCRIPTION:ab\\nc\r\nDTSTART;TZID=Europe/Berlin:20260310T100000\r\nDTEND:20260310T110000Z\r\nDTSTAMP:20260301T000001Z\r\n",
        );
        assert_eq!(all.apply(sent.clone()), kept);
        assert_eq!(Alters::NOTHING.apply(sent.clone()), sent);
    }
}
