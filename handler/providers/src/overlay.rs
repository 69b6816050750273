//! The event that a write leaves: the parts of an edit laid over the event as it was.

use engine::event::{Draft, Exception, Field, Span, Zone};

use crate::Edit;

/// Whether two marks name the same mapping, in either form.
pub(crate) fn is_same_copy(one: &str, other: &str) -> bool {
    let mapping = |mark: &str| mark.split('.').nth(2).map(str::to_owned);
    one == other || (mapping(one).is_some() && mapping(one) == mapping(other))
}

/// Whether any of its times has no zone.
pub(crate) fn floats(draft: &Draft) -> bool {
    let floating = |span: &Span| matches!(span, Span::Timed { start, end } if start.zone == Zone::Floating || end.zone == Zone::Floating);
    let exceptions = draft.series.iter().flat_map(|series| series.exceptions.values());
    floating(&draft.content.span)
        || exceptions.into_iter().any(
            |exception| matches!(exception, Exception::Changed(content) if floating(&content.span)),
        )
}

/// The event as it should be: some parts of the new one, the rest as it was.
pub(crate) fn overlaid(old: &Draft, new: &Draft, edit: &Edit<'_>, floating: &Zone) -> Draft {
    let mut target = old.clone();
    for field in &edit.parts.fields {
        target.content.take_field(*field, &new.content);
    }
    let mut series = target.series.take().unwrap_or_default();
    let wanted = new.series.clone().unwrap_or_default();
    if edit.parts.fields.contains(&Field::Time) {
        series.rules = wanted.rules;
        series.extra = wanted.extra;
    }
    for start in &edit.parts.exceptions {
        let start = engine::zone::anchored_start(*start, floating);
        match wanted.exceptions.get(&start) {
            Some(exception) => series.exceptions.insert(start, exception.clone()),
            None => series.exceptions.remove(&start),
        };
    }
    let repeats = !series.rules.is_empty() || !series.extra.is_empty();
    target.series = repeats.then_some(series);
    target
}
