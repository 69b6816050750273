//! Bodies of writes. Nothing in here can name a guest: there is no member for one.

use std::collections::BTreeSet;

use engine::event::{Busy, Content, Draft, Field, Series, Span, Visibility};

use super::super::recurrence::{self, NotRepresentable};
use super::super::wire::{
    BodyType, DateTimeTimeZone, EventBody, ExtendedProperty, FreeBusyStatus, ItemBody,
    LocationBody, MARKER, Sensitivity,
};
use super::{WriteContext, time};

/// The longest subject, in UTF-16 code units, as Exchange counts them.
const LONGEST_SUBJECT: usize = 255;

/// A copy: a single event, or a master without exceptions. `transaction` makes a repeated request
/// give the event of the first one.
///
/// # Errors
/// The series has no pattern, or no zone that Microsoft has a name for.
pub(in super::super) fn create(
    draft: &Draft,
    mark: &str,
    transaction: &str,
    context: &WriteContext<'_>,
) -> Result<EventBody, NotRepresentable> {
    Ok(EventBody {
        is_reminder_on: Some(false),
        response_requested: Some(false),
        transaction_id: Some(transaction.to_owned()),
        single_value_extended_properties: Some(marker(mark)),
        ..patch(draft, &Field::ALL.into(), context)?
    })
}

/// A change of these fields and of no others. The time of a series is its rule too.
///
/// # Errors
/// As [`create`], where the time of a series changes.
pub(in super::super) fn patch(
    draft: &Draft,
    which: &BTreeSet<Field>,
    context: &WriteContext<'_>,
) -> Result<EventBody, NotRepresentable> {
    let content = &draft.content;
    let mut body = EventBody::default();
    for field in which {
        match field {
            Field::Time => set_time(&mut body, draft, context)?,
            Field::Title => body.subject = Some(subject(&content.title)),
            Field::Description => {
                let content = clean(&content.description);
                body.body = Some(ItemBody { content_type: BodyType::Text, content });
            }
            Field::Location => {
                let display_name = in_one_line(&content.location);
                body.location = Some(LocationBody { display_name });
            }
            Field::Visibility => body.sensitivity = Some(sensitivity(content.visibility)),
            Field::Busy => body.show_as = Some(show_as(content.busy)),
            Field::Attendees => {}
        }
    }
    Ok(body)
}

fn set_time(
    body: &mut EventBody,
    draft: &Draft,
    context: &WriteContext<'_>,
) -> Result<(), NotRepresentable> {
    let [start, end] = match draft.series.as_ref().filter(|series| repeats(series)) {
        Some(series) => {
            body.recurrence = Some(Some(recurrence::pattern(&draft.content, series)?));
            series_bounds(&draft.content, context)?
        }
        None => time::write(&draft.content.span, &context.zones),
    };
    body.start = Some(start);
    body.end = Some(end);
    body.is_all_day = Some(matches!(draft.content.span, Span::AllDay { .. }));
    Ok(())
}

fn series_bounds(
    content: &Content,
    context: &WriteContext<'_>,
) -> Result<[DateTimeTimeZone; 2], NotRepresentable> {
    time::write_series(&content.span, &context.zones, &context.window).ok_or(NotRepresentable::Zone)
}

/// The loop mark.
pub(in super::super) fn marker(mark: &str) -> [ExtendedProperty; 1] {
    [ExtendedProperty { id: MARKER.to_owned(), value: mark.to_owned() }]
}

/// Whether a series repeats at all.
pub(in super::super) fn repeats(series: &Series) -> bool {
    !series.rules.is_empty() || !series.extra.is_empty()
}

/// A title as it is written.
pub(super) fn subject(title: &str) -> String {
    let mut left = LONGEST_SUBJECT;
    let fits = |c: &char| {
        let enough = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        enough
    };
    in_one_line(title).chars().take_while(fits).collect()
}

/// A text in one line, without invisible characters that some programs reject.
fn in_one_line(text: &str) -> String {
    clean(&text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " "))
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !engine::text::is_unwritable(*c)).collect()
}

pub(super) fn sensitivity(visibility: Visibility) -> Sensitivity {
    match visibility {
        Visibility::Default | Visibility::Public => Sensitivity::Normal,
        Visibility::Private => Sensitivity::Private,
        Visibility::Confidential => Sensitivity::Confidential,
    }
}

fn show_as(busy: Busy) -> FreeBusyStatus {
    match busy {
        Busy::Free => FreeBusyStatus::Free,
        Busy::Tentative => FreeBusyStatus::Tentative,
        Busy::Busy => FreeBusyStatus::Busy,
        Busy::Oof => FreeBusyStatus::Oof,
        Busy::WorkingElsewhere => FreeBusyStatus::WorkingElsewhere,
    }
}
