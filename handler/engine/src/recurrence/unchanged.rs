//! What an occurrence shows that does not depart from its series.

use crate::event::{Content, OriginalStart, Span, Zone};
use crate::zone;

/// The content of an occurrence that does not depart from its series; `None` for a start of another
/// form than the series has.
pub fn unchanged(master: &Content, start: OriginalStart) -> Option<Content> {
    let span = match (&master.span, start) {
        (Span::AllDay { start: first, end }, OriginalStart::Day(day)) => {
            Span::AllDay { start: day, end: day.checked_add(*end - *first).ok()? }
        }
        (Span::Timed { start: first, end }, OriginalStart::At(instant)) => {
            let length = zone::length(&master.span, None);
            let moment = |zone: &Zone, at| zone::moment(at, zone.clone(), false);
            Span::Timed {
                start: moment(&first.zone, instant),
                end: moment(&end.zone, instant.checked_add(length).ok()?),
            }
        }
        _ => return None,
    };
    Some(Content { span, ..master.clone() })
}
