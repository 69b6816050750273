//! New values for the fields of one component; a line whose value stays is not touched.

use std::collections::BTreeSet;

use engine::event::{Busy, Content, Field, Span};

use crate::tree::Component;
use crate::value::{escape, plain};
use crate::write::{self, Stamp};

/// Microsoft's word on whether an event takes whole days.
const ALL_DAY: &str = "X-MICROSOFT-CDO-ALLDAYEVENT";

/// Brings a component that shows `old` to show `new` in these fields; says whether anything
/// changed. Attendees are never written.
pub(crate) fn update(
    event: &mut Component,
    old: &Content,
    new: &Content,
    fields: &BTreeSet<Field>,
    stamp: Stamp,
) -> bool {
    let mut changed = false;
    for field in fields {
        changed |= match field {
            Field::Time => span(event, &old.span, &new.span, stamp),
            Field::Title => text(event, "SUMMARY", &old.title, &new.title, &[], stamp),
            // Other forms of the text would continue to show the old one.
            Field::Description => text(
                event,
                "DESCRIPTION",
                &old.description,
                &new.description,
                &["X-ALT-DESC", "STYLED-DESCRIPTION"],
                stamp,
            ),
            Field::Location => text(
                event,
                "LOCATION",
                &old.location,
                &new.location,
                &["X-APPLE-STRUCTURED-LOCATION"],
                stamp,
            ),
            Field::Attendees => false,
            Field::Visibility => {
                let (old, new) = (write::class(old.visibility), write::class(new.visibility));
                if old != new {
                    event.set(stamp.line(format!("CLASS:{new}")));
                }
                old != new
            }
            Field::Busy => busy(event, old.busy, new.busy, stamp),
        };
    }
    changed
}

fn text(
    event: &mut Component,
    name: &str,
    old: &str,
    new: &str,
    mirrors: &[&str],
    stamp: Stamp,
) -> bool {
    let new = plain(new);
    if plain(old) == new {
        return false;
    }
    if new.is_empty() {
        event.remove(name);
    } else {
        event.set(stamp.line(format!("{name}:{}", escape(&new))));
    }
    for mirror in mirrors {
        event.remove(mirror);
    }
    true
}

fn span(event: &mut Component, old: &Span, new: &Span, stamp: Stamp) -> bool {
    let ((old_start, old_end), (start, end)) = (write::bounds(old), write::bounds(new));
    if (&old_start, &old_end) == (&start, &end) {
        return false;
    }
    // Days that are written as times: both bounds change their form.
    let as_times = matches!(old, Span::AllDay { .. })
        && event.property("DTSTART").is_some_and(|start| start.value.contains(['T', 't']));
    if as_times || old_start != start {
        event.set(stamp.line(start.line("DTSTART")));
    }
    // A duration, or no end at all, would move with the start.
    if as_times || old_end != end || event.property("DTEND").is_none() {
        event.set(stamp.line(end.line("DTEND")));
    }
    event.remove("DURATION");
    if event.property(ALL_DAY).is_some() {
        event.set(stamp.line(format!(
            "{ALL_DAY}:{}",
            if matches!(new, Span::AllDay { .. }) { "TRUE" } else { "FALSE" }
        )));
    }
    true
}

fn busy(event: &mut Component, old: Busy, new: Busy, stamp: Stamp) -> bool {
    const OUTLOOK: &str = "X-MICROSOFT-CDO-BUSYSTATUS";
    let refined = event.property(OUTLOOK).is_some();
    let (transparency, status) = write::transparency(new);
    if old == new || (!refined && write::transparency(old) == (transparency, status)) {
        return false;
    }
    event.set(stamp.line(format!("TRANSP:{transparency}")));
    let tentative = event
        .property("STATUS")
        .is_some_and(|status| status.value.trim().eq_ignore_ascii_case("TENTATIVE"));
    if tentative != (status == "TENTATIVE") {
        event.set(stamp.line(format!("STATUS:{status}")));
    }
    if refined {
        let word = match new {
            Busy::Free => "FREE",
            Busy::Tentative => "TENTATIVE",
            Busy::Busy => "BUSY",
            Busy::Oof => "OOF",
            Busy::WorkingElsewhere => "WORKINGELSEWHERE",
        };
        event.set(stamp.line(format!("{OUTLOOK}:{word}")));
    }
    true
}
