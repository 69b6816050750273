//! Any bytes: they are read without a panic; an event that is read can be written, comes back
//! equal, and is not changed by an edit that wants the present state.

#![no_main]

use engine::event::{Draft, Field, Parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|object: &[u8]| {
    let Ok(event) = fuzz::read(object) else { return };
    let draft = Draft::from(&event);
    if let Some(canonical) = fuzz::canonical(&draft) {
        assert!(fuzz::canonical(&canonical).as_ref() == Some(&canonical), "a copy of a copy \
        differs from the copy");
        assert!(canonical.content.span == draft.content.span, "the time of a copy differs");
    }
    let all = Parts { fields: Field::ALL.into(), ..Parts::default() };
    let exceptions = event.series.iter().flat_map(|series| series.exceptions.keys().copied()).collect();
    for parts in [Parts::default(), all, Parts { exceptions, ..Parts::default() }] {
        let edited = fuzz::edit(object, &parts, &draft, event.marker.as_deref());
        if let (Ok(edited), None) = (&edited, &event.marker) {
            assert!(edited.object == object, "an edit of nothing changed something");
        }
        if let Ok(edited) = edited {
            assert!(fuzz::read(&edited.object).is_ok_and(|after| Draft::from(&after) == draft), "an edit of nothing changed the event");
        }
    }
});
