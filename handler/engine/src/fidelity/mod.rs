//! What a calendar is known to keep as it is written.
//!
//! A server that says nothing of the kind may still store something else than it was sent: a text
//! that is cut, a time that is rounded, an occurrence that is dropped. Taken for its owner's edit
//! that would reach the origin. So the first event of each kind is read again after it was written;
//! a kind is known once it came back as it was sent, and no request is made for it any more.

use crate::conflict;
use crate::event::{Busy, Content, Event, Exception, OriginalStart, Span, Visibility, Zone};
use crate::zone;
use serde::{Deserialize, Serialize};

/// Texts up to here, in characters, are of one kind; of longer ones only those are known that are
/// no longer than one that came back.
const SHORT: u32 = 24;
/// So many zones are remembered; events in others are read each time.
const MOST_ZONES: usize = 32;

/// What came back as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fidelity {
    /// A bit for each kind.
    kinds: u64,
    /// A bit for each minute of the hour at which something begins or ends.
    minutes: u64,
    /// Hashes of the names of zones, sorted.
    zones: Vec<u32>,
    /// The longest title, location and description.
    longest: [u32; 3],
    /// The most cancelled and the most changed occurrences of one series.
    exceptions: [u32; 2],
    /// An ETag in its answer to a write was not that of the stored event: its ETags say nothing of
    /// what is stored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub misleads: bool,
}

impl Fidelity {
    /// What an event consists of.
    pub fn of(event: &Event) -> Self {
        let mut all = Self::default();
        all.content(&event.content);
        if let Some(series) = &event.series {
            all.mark(Alteration::Repeats);
            for rule in &series.rules {
                RULE_PARTS
                    .iter()
                    .filter(|(word, _)| rule.contains(word))
                    .for_each(|(_, kind)| all.mark(*kind));
            }
            all.when(!series.extra.is_empty(), Alteration::Extra);
            for (start, exception) in &series.exceptions {
                let Exception::Changed(content) = exception else {
                    all.exceptions[0] += 1;
                    continue;
                };
                all.exceptions[1] += 1;
                all.when(is_moved(content, *start), Alteration::Moved);
                all.when(content.title != event.content.title, Alteration::OwnTitle);
                all.content(content);
            }
        }
        all
    }

    /// Whether everything that the other consists of came back as it was sent.
    pub fn covers(&self, other: &Self) -> bool {
        let is_short = |(known, length): (&u32, &u32)| *length <= (*known).max(SHORT);
        other.kinds & !self.kinds == 0
            && other.minutes & !self.minutes == 0
            && other.zones.iter().all(|zone| self.zones.contains(zone))
            && self.longest.iter().zip(&other.longest).all(is_short)
            && self.exceptions.iter().zip(&other.exceptions).all(|(known, seen)| seen <= known)
    }

    /// Adds what another has seen.
    pub fn add(&mut self, other: &Self) {
        self.kinds |= other.kinds;
        self.minutes |= other.minutes;
        self.misleads |= other.misleads;
        other.zones.iter().for_each(|zone| self.zone(*zone));
        let numbers = self.longest.iter_mut().chain(&mut self.exceptions);
        for (known, seen) in numbers.zip(other.longest.iter().chain(&other.exceptions)) {
            *known = (*known).max(*seen);
        }
    }

    fn mark(&mut self, kind: Alteration) {
        self.kinds |= 1 << kind as u64;
    }

    fn when(&mut self, applies: bool, kind: Alteration) {
        self.kinds |= u64::from(applies) << kind as u64;
    }

    fn zone(&mut self, zone: u32) {
        if let Err(place) = self.zones.binary_search(&zone)
            && self.zones.len() < MOST_ZONES
        {
            self.zones.insert(place, zone);
        }
    }

    fn content(&mut self, content: &Content) {
        match &content.span {
            Span::AllDay { start, end } => {
                self.mark(Alteration::AllDay);
                self.when(
                    start.tomorrow().is_ok_and(|tomorrow| tomorrow < *end),
                    Alteration::SeveralDays,
                );
            }
            Span::Timed { start, end } => {
                for moment in [start, end] {
                    match &moment.zone {
                        Zone::Utc => self.mark(Alteration::InUtc),
                        Zone::Iana(name) => self.zone(hash(name)),
                        Zone::Floating => self.mark(Alteration::Floating),
                    }
                    self.when(moment.local.second() != 0, Alteration::Seconds);
                    self.minutes |= 1 << moment.local.minute();
                }
                self.when(start.zone != end.zone, Alteration::InTwoZones);
                let seconds =
                    zone::instant(end, None).as_second() - zone::instant(start, None).as_second();
                self.when(seconds == 0, Alteration::Instant);
                self.when(seconds > 24 * 3600, Alteration::LongerThanADay);
            }
        }
        match content.visibility {
            Visibility::Default => {}
            Visibility::Public => self.mark(Alteration::Public),
            Visibility::Private => self.mark(Alteration::Private),
            Visibility::Confidential => self.mark(Alteration::Confidential),
        }
        match content.busy {
            Busy::Busy | Busy::Oof | Busy::WorkingElsewhere => {}
            Busy::Free => self.mark(Alteration::Free),
            Busy::Tentative => self.mark(Alteration::Tentative),
        }
        self.when(content.location.contains('\n'), Alteration::LinesInLocation);
        self.when(content.description.contains('\n'), Alteration::LinesInDescription);
        let texts = [&content.title, &content.location, &content.description];
        for (text, kind) in
            texts.iter().zip([Alteration::Title, Alteration::Location, Alteration::Description])
        {
            self.when(!text.is_empty(), kind);
            self.when(
                text.trim() != text.as_str() || text.contains("  ") || text.contains('\t'),
                Alteration::Blanks,
            );
            self.when(text.contains([',', ';', '\\', '"', '<', '&']), Alteration::Special);
            self.when(!text.is_ascii(), Alteration::NotAscii);
            self.when(text.chars().any(|character| character as u32 > 0xFFFF), Alteration::Astral);
        }
        for (longest, text) in self.longest.iter_mut().zip(texts) {
            *longest = (*longest).max(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
        }
    }
}

/// FNV-1a: a number that is equal in every build.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Whether an event came back as it was sent, as far as anything of it is ever compared.
pub fn is_as_sent(sent: &Event, found: &Event) -> bool {
    (&sent.content, &sent.series, sent.cancelled)
        == (&found.content, &found.series, found.cancelled)
}

/// Whether an event shows no more than what a server may have made of what was sent: texts that end
/// earlier, times without seconds, fewer exceptions.
pub fn is_made_of(sent: &Event, found: &Event) -> bool {
    let series = match (&sent.series, &found.series) {
        (None, None) => true,
        (Some(sent), Some(found)) => {
            let is_made_of = |(start, found): (&OriginalStart, &Exception)| match (
                sent.exceptions.get(start),
                found,
            ) {
                (Some(Exception::Changed(sent)), Exception::Changed(found)) => {
                    conflict::is_made_of(found, sent)
                }
                (Some(sent), found) => sent == found,
                (None, _) => false,
            };
            (&sent.rules, &sent.extra) == (&found.rules, &found.extra)
                && found.exceptions.iter().all(is_made_of)
        }
        _ => false,
    };
    series && conflict::is_made_of(&found.content, &sent.content)
}

fn is_moved(content: &Content, original: OriginalStart) -> bool {
    match (&content.span, original) {
        (Span::AllDay { start, .. }, OriginalStart::Day(day)) => *start != day,
        (Span::Timed { start, .. }, OriginalStart::Floating(local)) => start.local != local,
        (Span::Timed { start, .. }, OriginalStart::At(at)) => zone::instant(start, None) != at,
        _ => true,
    }
}

/// What a server may alter.
#[derive(Clone, Copy)]
enum Alteration {
    Title,
    Location,
    Description,
    LinesInLocation,
    LinesInDescription,
    Blanks,
    Special,
    NotAscii,
    Astral,
    AllDay,
    SeveralDays,
    InUtc,
    Floating,
    InTwoZones,
    Seconds,
    Instant,
    LongerThanADay,
    Private,
    Confidential,
    Public,
    Free,
    Tentative,
    Repeats,
    Extra,
    Moved,
    OwnTitle,
    Daily,
    Weekly,
    Monthly,
    Yearly,
    Count,
    Until,
    Interval,
    WeekStart,
    Weekdays,
    DaysOfMonth,
    Months,
    Positions,
    OtherParts,
}

/// The parts of a rule (RFC 5545 section 3.3.10).
const RULE_PARTS: [(&str, Alteration); 16] = [
    ("FREQ=DAILY", Alteration::Daily),
    ("FREQ=WEEKLY", Alteration::Weekly),
    ("FREQ=MONTHLY", Alteration::Monthly),
    ("FREQ=YEARLY", Alteration::Yearly),
    ("COUNT=", Alteration::Count),
    ("UNTIL=", Alteration::Until),
    ("INTERVAL=", Alteration::Interval),
    ("WKST=", Alteration::WeekStart),
    ("BYDAY=", Alteration::Weekdays),
    ("BYMONTHDAY=", Alteration::DaysOfMonth),
    ("BYMONTH=", Alteration::Months),
    ("BYSETPOS=", Alteration::Positions),
    ("BYWEEKNO=", Alteration::OtherParts),
    ("BYYEARDAY=", Alteration::OtherParts),
    ("BYHOUR=", Alteration::OtherParts),
    ("BYMINUTE=", Alteration::OtherParts),
];

#[cfg(test)]
mod tests;
