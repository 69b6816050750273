//! Any bytes as a response of Google's `events.list`: they are read without a panic; an event that
//! is read can be written, and comes back equal except for what Google cannot express.

#![no_main]

use engine::event::{Busy, Draft, Exception, Span, Zone};
use libfuzzer_sys::fuzz_target;
use providers::google::items;

fuzz_target!(|answer: &[u8]| {
    let Ok(event) = items::read(answer) else { return };
    let draft = as_written(fuzz::without_guests(Draft::from(&event)));
    let written = items::write(&draft, fuzz::MARKER);
    let once = items::read(&written).expect("a copy can be read");
    assert!(once.marker.as_deref() == Some(fuzz::MARKER) && once.content.attendees.is_empty());
    let once = Draft::from(&once);
    assert!(once.content.title == draft.content.title, "the title of a copy differs");
    assert!(once.content.description == draft.content.description, "the description of a copy \
    differs");
    assert!(once.content.location == draft.content.location, "the location of a copy differs");
    assert!(once.content.visibility == draft.content.visibility && once.content.busy == draft.content.busy);
    if !floats(&draft.content.span) {
        assert!(
            engine::zone::start(&once.content.span, None) == engine::zone::start(&draft.content.span, None),
            "the start of a copy differs"
        );
        assert!(engine::zone::end(&once.content.span, None) == engine::zone::end(&draft.content.span, None), "the end of a copy differs");
    }
    let twice = items::read(&items::write(&once, fuzz::MARKER)).expect("a copy of a copy can be \
    read");
    assert!(Draft::from(&twice) == once, "a copy of a copy differs from the copy");
});

/// What Google can say of a draft in one item.
fn as_written(mut draft: Draft) -> Draft {
    draft.content.busy = if draft.content.busy == Busy::Free { Busy::Free } else { Busy::Busy };
    if let Some(series) = &mut draft.series {
        series.exceptions.retain(|_, exception| *exception == Exception::Cancelled);
    }
    draft
}

fn floats(span: &Span) -> bool {
    matches!(span, Span::Timed { start, end } if start.zone == Zone::Floating || end.zone == Zone::Floating)
}
