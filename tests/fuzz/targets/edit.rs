//! Two objects, and a choice of parts that the first is to take from the second. The input is a
//! byte for the choice, the first object, a line of equals signs, the second.

#![no_main]

use engine::event::{Draft, Field, OriginalStart, Parts};
use libfuzzer_sys::fuzz_target;

const BETWEEN: &[u8] = b"\n=====\n";

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else { return };
    let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN) else { return };
    let (object, other) = (&rest[..at], &rest[at + BETWEEN.len()..]);
    let (Ok(before), Ok(other)) = (fuzz::read(object), fuzz::read(other)) else { return };
    let Some(new) = fuzz::canonical(&Draft::from(&other)) else { return };
    let mut parts = Parts::default();
    parts.fields = Field::ALL.into_iter().enumerate().filter(|(bit, _)| choice & (1 << bit) != 0).map(|(_, field)| field).collect();
    let moved = parts.fields.contains(&Field::Time);
    let kind = |key: &OriginalStart| std::mem::discriminant(key);
    let (old_series, new_series) = (before.series.clone().unwrap_or_default(), new.series.clone().unwrap_or_default());
    if choice & 0x80 != 0 && (moved || same_kind(&before.content.span, &new.content.span)) {
        parts.exceptions = old_series.exceptions.keys().chain(new_series.exceptions.keys()).copied().collect();
        let kinds: Vec<_> = parts.exceptions.iter().map(kind).collect();
        if !moved && kinds.iter().any(|other| *other != kinds[0]) {
            return;
        }
    }
    // What the object cannot say is refused; everything else is done.
    let Ok(edited) = fuzz::edit(object, &parts, &new, Some(fuzz::MARKER)) else { return };
    let after = match fuzz::read(&edited.object) {
        Ok(after) => after,
        Err(why) => {
            assert!(why.0.contains("MiB") || why.0.contains("lines"), "an edited object cannot be \
            read: {why}");
            return;
        }
    };
    assert!(
        (&after.uid, after.sequence, after.marker.as_deref()) == (&before.uid, edited.sequence, Some(fuzz::MARKER)),
        "uid, sequence or mark"
    );
    let (was, is) = (&before.content, &after.content);
    let picked = |field| parts.fields.contains(&field);
    assert!(is.title == if picked(Field::Title) { &new.content.title } else { &was.title }.clone(), "title");
    assert!(is.description == if picked(Field::Description) { &new.content.description } else { &was.description }.clone(), "description");
    assert!(is.location == if picked(Field::Location) { &new.content.location } else { &was.location }.clone(), "location");
    assert!(is.visibility == if picked(Field::Visibility) { new.content.visibility } else { was.visibility }, "visibility");
    assert!(is.busy == if picked(Field::Busy) { new.content.busy } else { was.busy } || before.cancelled, "busy");
    assert!(is.span == if moved { &new.content.span } else { &was.span }.clone(), "span");
    let after_series = after.series.clone().unwrap_or_default();
    // An object that holds changed occurrences only has no place for the rest of a series.
    let orphaned = old_series.rules.is_empty() && names_an_occurrence(object);
    // What the owner has declined as a whole is declined in each occurrence made from it.
    if moved && !orphaned && !before.declined {
        let (after, new) = (fuzz::without_guests(Draft::from(&after)), fuzz::without_guests(new.clone()));
        assert!(after.series == new.series, "a moved series differs from what was wanted");
    } else if !moved {
        assert!((&after_series.rules, &old_series.rules) == (&old_series.rules, &after_series.rules), "rules");
        for (key, exception) in &old_series.exceptions {
            assert!(
                parts.exceptions.contains(key) || after_series.exceptions.get(key) == Some(exception),
                "an exception outside of the parts"
            );
        }
    }
    // Applying the edit again changes nothing.
    let again = fuzz::edit(&edited.object, &parts, &new, Some(fuzz::MARKER));
    assert!(again.is_ok_and(|again| again.object == edited.object), "a second edit changed \
    something");
});

fn names_an_occurrence(object: &[u8]) -> bool {
    let letters: Vec<u8> = object.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    letters.windows(13).any(|window| window.eq_ignore_ascii_case(b"RECURRENCE-ID"))
}

fn same_kind(a: &engine::event::Span, b: &engine::event::Span) -> bool {
    use engine::event::{Span, Zone};
    match (a, b) {
        (Span::AllDay { .. }, Span::AllDay { .. }) => true,
        (Span::Timed { start: a, .. }, Span::Timed { start: b, .. }) => (a.zone == Zone::Floating) == (b.zone == Zone::Floating),
        _ => false,
    }
}
