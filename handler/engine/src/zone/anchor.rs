//! Floating times given a zone, for calendars that have none of them.

use crate::event::{Content, Draft, Exception, Moment, OriginalStart, Series, Span, Zone};

/// A draft whose floating times stand in a zone.
pub fn anchored(draft: &Draft, zone: &Zone) -> Draft {
    let moment = |moment: &Moment| match moment.zone {
        Zone::Floating => Moment { local: moment.local, zone: zone.clone() },
        _ => moment.clone(),
    };
    let content = |content: &Content| match &content.span {
        Span::Timed { start, end } => Content { span: Span::Timed { start: moment(start), end: moment(end) }, ..content.clone() },
        Span::AllDay { .. } => content.clone(),
    };
    let exception = |exception: &Exception| match exception {
        Exception::Cancelled => Exception::Cancelled,
        Exception::Changed(changed) => Exception::Changed(Box::new(content(changed))),
    };
    let series = draft.series.as_ref().map(|series| Series {
        rules: series.rules.clone(),
        extra: series.extra.iter().map(|start| anchored_start(*start, zone)).collect(),
        exceptions: series.exceptions.iter().map(|(start, value)| (anchored_start(*start, zone), exception(value))).collect(),
    });
    Draft { content: content(&draft.content), series }
}

/// The identity of an occurrence whose floating time stands in a zone.
pub fn anchored_start(start: OriginalStart, zone: &Zone) -> OriginalStart {
    match start {
        OriginalStart::Floating(local) => OriginalStart::At(super::instant(&Moment { local, zone: zone.clone() }, None)),
        other => other,
    }
}
