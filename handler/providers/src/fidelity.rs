//! What a calendar is known to keep as it is written.
//!
//! A server that says nothing of the kind may still store something else than it was sent: a text that is cut, a time that is rounded, an occurrence
//! that is dropped. Taken for its owner's edit that would reach the origin. So the first event of each kind is read again after it was written; a
//! kind is known once it came back as it was sent, and no request is made for it any more.

use engine::event::{Busy, Content, Event, Exception, OriginalStart, Span, Visibility, Zone};
use engine::zone;
use serde::{Deserialize, Serialize};

/// Texts up to here, in characters, are of one kind; of longer ones only those are known that are no longer than one that came back.
const SHORT: u32 = 64;

/// What came back as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fidelity {
    /// A bit for each kind.
    kinds: u32,
    /// The longest title, location and description.
    longest: [u32; 3],
    /// An ETag in its answer to a write was not that of the event: it says nothing of what stands there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) misleads: bool,
}

impl Fidelity {
    /// What an event consists of.
    pub(crate) fn of(event: &Event) -> Self {
        let mut kinds = Kinds::default();
        let mut longest = [0; 3];
        kinds.content(&event.content, &mut longest);
        if let Some(series) = &event.series {
            kinds.add(Kind::Repeats);
            let says = |word: &str| series.rules.iter().any(|rule| rule.contains(word));
            for (kind, word) in [(Kind::Count, "COUNT"), (Kind::Until, "UNTIL"), (Kind::By, "BY")] {
                kinds.when(says(word), kind);
            }
            kinds.when(!series.extra.is_empty(), Kind::Extra);
            for (start, exception) in &series.exceptions {
                match exception {
                    Exception::Cancelled => kinds.add(Kind::Cancelled),
                    Exception::Changed(content) => {
                        kinds.add(Kind::Changed);
                        kinds.when(is_moved(content, *start), Kind::Moved);
                        kinds.content(content, &mut longest);
                    }
                }
            }
        }
        Self { kinds: kinds.0, longest, misleads: false }
    }

    /// Whether whatever this consists of came back as it was sent.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let is_short = |(known, length): (&u32, &u32)| *length <= (*known).max(SHORT);
        other.kinds & !self.kinds == 0 && self.longest.iter().zip(&other.longest).all(is_short)
    }

    /// Adds what another has seen.
    pub(crate) fn add(&mut self, other: &Self) {
        self.kinds |= other.kinds;
        self.misleads |= other.misleads;
        for (known, seen) in self.longest.iter_mut().zip(&other.longest) {
            *known = (*known).max(*seen);
        }
    }
}

/// Whether an event came back as it was sent, as far as anything of it is ever compared.
pub(crate) fn is_as_sent(sent: &Event, found: &Event) -> bool {
    (&sent.content, &sent.series, sent.cancelled) == (&found.content, &found.series, found.cancelled)
}

fn is_moved(content: &Content, original: OriginalStart) -> bool {
    match (&content.span, original) {
        (Span::AllDay { start, .. }, OriginalStart::Day(day)) => *start != day,
        (Span::Timed { start, .. }, OriginalStart::Floating(local)) => start.local != local,
        (Span::Timed { start, .. }, OriginalStart::At(at)) => zone::instant(start, None) != at,
        _ => true,
    }
}

/// What servers are known to alter.
#[derive(Clone, Copy)]
enum Kind {
    AllDay,
    InUtc,
    InZone,
    Floating,
    InTwoZones,
    Seconds,
    OddMinutes,
    Repeats,
    Count,
    Until,
    By,
    Extra,
    Cancelled,
    Changed,
    Moved,
    Private,
    Confidential,
    Public,
    Free,
    Tentative,
    Lines,
    Blanks,
    Special,
    NotAscii,
    Astral,
    Place,
    Words,
}

#[derive(Default)]
struct Kinds(u32);

impl Kinds {
    fn add(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u32;
    }

    fn when(&mut self, applies: bool, kind: Kind) {
        self.0 |= u32::from(applies) << kind as u32;
    }

    fn content(&mut self, content: &Content, longest: &mut [u32; 3]) {
        match &content.span {
            Span::AllDay { .. } => self.add(Kind::AllDay),
            Span::Timed { start, end } => {
                for moment in [start, end] {
                    self.add(match moment.zone {
                        Zone::Utc => Kind::InUtc,
                        Zone::Iana(_) => Kind::InZone,
                        Zone::Floating => Kind::Floating,
                    });
                    self.when(moment.local.second() != 0, Kind::Seconds);
                    self.when(moment.local.minute() % 15 != 0, Kind::OddMinutes);
                }
                self.when(start.zone != end.zone, Kind::InTwoZones);
            }
        }
        match content.visibility {
            Visibility::Default => {}
            Visibility::Public => self.add(Kind::Public),
            Visibility::Private => self.add(Kind::Private),
            Visibility::Confidential => self.add(Kind::Confidential),
        }
        match content.busy {
            Busy::Busy | Busy::Oof | Busy::WorkingElsewhere => {}
            Busy::Free => self.add(Kind::Free),
            Busy::Tentative => self.add(Kind::Tentative),
        }
        self.when(!content.location.is_empty(), Kind::Place);
        self.when(!content.description.is_empty(), Kind::Words);
        for (text, longest) in [&content.title, &content.location, &content.description].into_iter().zip(longest) {
            *longest = (*longest).max(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
            self.when(text.contains('\n'), Kind::Lines);
            self.when(text.trim() != text || text.contains("  ") || text.contains('\t'), Kind::Blanks);
            self.when(text.contains([',', ';', '\\', '"', '<', '&']), Kind::Special);
            self.when(!text.is_ascii(), Kind::NotAscii);
            self.when(text.chars().any(|character| character as u32 > 0xFFFF), Kind::Astral);
        }
    }
}

#[cfg(test)]
mod tests;
