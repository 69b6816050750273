//! A series that was moved, and its exceptions along with it.

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::series::Anchor;
use crate::event::{Moment, OriginalStart, Span};

/// From one first start to another, on the clocks of either.
pub struct Moved<'a> {
    from: Anchor<'a>,
    to: Anchor<'a>,
    spans: [&'a Span; 2],
    by: SignedDuration,
}

impl<'a> Moved<'a> {
    /// From this time of a series to that.
    pub fn new(from: &'a Span, to: &'a Span, floating_zone: Option<&str>) -> Self {
        let (one, other) = (Anchor::new(from, floating_zone), Anchor::new(to, floating_zone));
        let by = other.first.duration_since(one.first);
        Self { from: one, to: other, spans: [from, to], by }
    }

    /// Whether any occurrence has another start by it.
    pub fn is_anywhere(&self) -> bool {
        self.from.original(self.from.first) != self.to.original(self.to.first)
            || self.zones_differ()
    }

    fn zones_differ(&self) -> bool {
        let zone = |span: &Span| match span {
            Span::AllDay { .. } => None,
            Span::Timed { start, .. } => Some(start.zone.clone()),
        };
        zone(self.spans[0]) != zone(self.spans[1])
    }

    /// The start of the same occurrence.
    pub fn start(&self, start: OriginalStart) -> OriginalStart {
        self.to.original(self.later(self.from.civil(start)))
    }

    /// The time of that occurrence by the rule, which has this start after the move.
    pub fn plain(&self, start: OriginalStart) -> Span {
        self.to.span_at(self.to.in_form(start))
    }

    /// When an exception takes place then: as far from its rule as before, and where it gets
    /// another form as many days.
    pub fn span(&self, start: OriginalStart, exception: &Span) -> Span {
        let plain = || self.plain(self.start(start));
        if *exception == self.from.span_at(self.from.in_form(start)) {
            return plain();
        }
        match (exception, self.spans) {
            (Span::AllDay { start, end }, [Span::AllDay { .. }, Span::AllDay { .. }]) => {
                let moved = |day: &jiff::civil::Date| self.later(day.at(0, 0, 0, 0)).date();
                Span::AllDay { start: moved(start), end: moved(end) }
            }
            (
                Span::Timed { start, end },
                [Span::Timed { start: before, .. }, Span::Timed { start: after, .. }],
            ) => {
                let moved = |moment: &Moment| Moment {
                    local: self.later(moment.local),
                    zone: if moment.zone == before.zone {
                        after.zone.clone()
                    } else {
                        moment.zone.clone()
                    },
                };
                Span::Timed { start: moved(start), end: moved(end) }
            }
            // What becomes all-day, or gets a time, stays on its day.
            (exception, _) => {
                let own = self.from.civil(start);
                let day = match exception {
                    Span::AllDay { start, .. } => *start,
                    Span::Timed { start, .. } => start.local.date(),
                };
                let days = own.date().until(day).unwrap_or_default();
                self.plain(self.to.original(self.later(own).saturating_add(days)))
            }
        }
    }

    fn later(&self, local: DateTime) -> DateTime {
        local.saturating_add(self.by)
    }
}
